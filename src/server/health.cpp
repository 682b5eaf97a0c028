#include <sluice/core/log.hpp>
#include <sluice/json/writer.hpp>
#include <sluice/route/router.hpp>
#include <sluice/server/health.hpp>
#include <sluice/server/server.hpp>
#include <sluice/shard/shard.hpp>

#include <algorithm>
#include <utility>

namespace sluice {
namespace {

constexpr duration patience = std::chrono::seconds(1);

// Shortens the request's deadline while the dependencies are asked, so that the answer itself is not late.
class shorter_deadline
{
public:
    explicit shorter_deadline(context& of) noexcept : of_(of), before_(of.deadline)
    {
        of.deadline = std::min(before_, shard::current().now() + patience);
    }
    ~shorter_deadline() { of_.deadline = before_; }
    shorter_deadline(const shorter_deadline&) = delete;
    shorter_deadline& operator=(const shorter_deadline&) = delete;

private:
    context& of_;
    time_point before_;
};

http::response answer(bool good, pooled_string body)
{
    http::response made(good ? http::status::ok : http::status::service_unavailable);
    made.header("Cache-Control", "no-store");
    made.body(std::move(body), http::application_json);
    return made;
}

} // namespace

void health::add(std::string name, readiness_check check, importance how)
{
    add(std::move(name), std::move(check), [how] { return how; });
}

void health::add(std::string name, readiness_check check, importance_check how)
{
    dependencies_.push_back({.name = std::move(name), .check = std::move(check), .how = std::move(how)});
}

void health::routes(router& to)
{
    to.get("/healthz", [](http::request&) { return answer(true, pooled_string(R"({"status":"ok"})")); });
    to.get("/readyz", [this](http::request& asked) { return ready(asked); });
}

// Says once that a dependency went away and once that it is back, not at every probe.
void health::note(dependency& of, const result<void>& outcome)
{
    const bool away = !outcome;
    if (away == std::exchange(of.away, away)) return;
    if (away) {
        log(log_level::warn, "A dependency is away",
            {{"dependency", of.name}, {"error", name(outcome.error().code)}, {"detail", outcome.error().detail}});
    } else {
        log(log_level::info, "A dependency is back", {{"dependency", of.name}});
    }
}

task<result<http::response>> health::ready(http::request& asked)
{
    const shorter_deadline bound(asked.context());
    constexpr std::size_t expected_bytes = 128;
    pooled_string entries;
    bool servable = true;
    {
        json_writer out(entries, expected_bytes);
        for (dependency& one : dependencies_) {
            const result<void> outcome = co_await one.check();
            note(one, outcome);
            servable = servable && (outcome || one.how() == importance::helpful);
            if (&one != &dependencies_.front()) out.raw(',');
            out.string(one.name);
            out.raw(outcome ? R"(:{"status":"ok"})" : R"(:{"status":"unavailable"})");
        }
    }
    const bool leaving = draining();
    pooled_string body(leaving    ? R"({"status":"draining")"
                       : servable ? R"({"status":"ok")"
                                  : R"({"status":"unavailable")");
    body.append(R"(,"dependencies":{)").append(entries).append("}}");
    co_return answer(servable && !leaving, std::move(body));
}

} // namespace sluice
