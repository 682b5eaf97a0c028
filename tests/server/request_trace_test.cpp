// What a request's own span says of it.
#include "running_server.hpp"

#include <sluice/core/context.hpp>
#include <sluice/core/span.hpp>

#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace sluice::testing {
namespace {

// The attributes of each request's span, as text.
class request_spans final : public span_sink
{
public:
    using attributes = std::map<std::string, std::string>;

    [[nodiscard]] bool samples(const trace_context&) const noexcept override { return true; }
    void take(const finished_trace& finished) noexcept override
    {
        attributes one;
        for (const span_attribute& each : finished.request.all())
            one.emplace(each.name, each.text.data() != nullptr ? each.text : std::to_string(each.number));
        const std::scoped_lock lock(guard_);
        all_.push_back(std::move(one));
    }
    [[nodiscard]] std::vector<attributes> all()
    {
        const std::scoped_lock lock(guard_);
        return all_;
    }

private:
    std::mutex guard_;
    std::vector<attributes> all_;
};

struct RequestTrace : ::testing::Test
{
    request_spans spans;
    running_server server{[this](shard&, router& routes) {
        span_sink::exchange_current(&spans);
        routes.get("/cached/{tier}", [](request& asked) {
            const std::string tier = asked.path<std::string>("tier").value_or("");
            asked.context().cache = tier == "l1"     ? cache_tier::l1
                                    : tier == "miss" ? cache_tier::miss
                                                     : cache_tier::none;
            return response::text("done");
        });
    }};

    // Of a request for that path.
    request_spans::attributes span_of(std::string_view path)
    {
        const std::size_t before = spans.all().size();
        (void)client(server.address()).ask(get(path));
        EXPECT_TRUE(eventually([&] { return spans.all().size() == before + 1; }));
        return spans.all().back();
    }
};

TEST_F(RequestTrace, says_how_far_its_look_ups_in_the_cache_went)
{
    request_spans::attributes said = span_of("/cached/l1");
    EXPECT_EQ(said["http.route"], "/cached/{tier}");
    EXPECT_EQ(said["client.address"], "127.0.0.1");
    EXPECT_EQ(said["sluice.cache.tier"], "l1");
    EXPECT_EQ(span_of("/cached/miss")["sluice.cache.tier"], "miss");
    EXPECT_FALSE(span_of("/cached/not").contains("sluice.cache.tier"));
}

// As OpenTelemetry's conventions have it: an empty route would be one more route.
TEST_F(RequestTrace, has_no_route_where_none_matches)
{
    request_spans::attributes said = span_of("/nowhere");
    EXPECT_FALSE(said.contains("http.route")) << said["http.route"];
    EXPECT_EQ(said["url.path"], "/nowhere");
    EXPECT_EQ(said["http.response.status_code"], "404");
}

} // namespace
} // namespace sluice::testing
