// A listener beside a PostgreSQL to which things happen: listener_told URL CHANNEL writes a line for all that it is
// told, and one for each line of the log, until its input ends. For listener_test.py.
#include "run.hpp"

#include <sluice/core/log.hpp>
#include <sluice/postgres/listener.hpp>
#include <sluice/shard/offload.hpp>

#include <fmt/format.h>

#include <cstdio>
#include <span>
#include <string>
#include <string_view>

namespace sluice::postgres {
namespace {

void tell(std::string_view what)
{
    fmt::print("{}\n", what);
    std::fflush(stdout);
}

class told_lines final : public log_sink
{
public:
    told_lines() : before_(exchange_log_sink(this)) {}
    ~told_lines() { exchange_log_sink(before_); }
    void write(log_level, std::string_view message, std::span<const log_field>) noexcept override { tell(message); }

private:
    log_sink* before_;
};

void listen(const std::string& url, const std::string& channel)
{
    const told_lines lines;
    offload_pool blocking{{.threads = 1}};
    test::shard_runner shards;
    (void)shards.run([&]() -> task<bool> {
        shard& here = shard::current();
        here.own<listener>(here, blocking, listener_options{.url = url, .channels = {channel}},
                           listener::functions{
                               .heard = [](const notification& n) { tell(fmt::format("{}={}", n.channel, n.payload)); },
                               .listening = [] { tell("listening"); },
                               .lost = [] { tell("lost"); },
                           });
        co_return true;
    });
    while (std::getchar() != EOF) {
    }
}

} // namespace
} // namespace sluice::postgres

int main(int count, char** arguments)
{
    if (count != 3) return 2;
    sluice::postgres::listen(arguments[1], arguments[2]);
    return 0;
}
