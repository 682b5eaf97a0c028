// A call on a kept connection allocates nothing but from the thread's pool.
#include "calling.hpp"
#include "heap_count.hpp"
#include "raw_server.hpp"

#include <sluice/core/pool.hpp>

namespace sluice::testing {
namespace {

class Allocations : public Calling
{};

TEST_F(Allocations, of_a_call_on_a_kept_connection_are_none)
{
    if (!pool_recycles) GTEST_SKIP() << "AddressSanitizer sees every block itself";
    raw_server server([](peer& p) {
        while (!p.read_request().empty()) p.write("HTTP/1.1 200 OK\r\nX-One: 1\r\nContent-Length: 2\r\n\r\nhi");
    });
    auto& http = open();
    context during{.trace = trace_context::start(), .trace_state = "vendor=1"};
    const std::string url = server.url("/users/7?a=b");
    const auto counting = [&]() -> task<std::uint64_t> {
        std::uint64_t before = 0;
        const http::header fields[] = {{"Accept", "text/plain"}};
        for (int i = 0; i < 110; ++i) {
            if (i == 10) before = test::heap_blocks_of_thread();
            const auto got = co_await http.get(url, fields);
            if (!got || got->body() != "hi") co_return 1;
            const auto posted = co_await http.post(url, "{}", "application/json");
            if (!posted || posted->body() != "hi") co_return 1;
        }
        co_return test::heap_blocks_of_thread() - before;
    };
    EXPECT_EQ(shards.start(0, counting, &during).get(), 0u);
    EXPECT_EQ(counters(http).connects, 1u);
}

} // namespace
} // namespace sluice::testing
