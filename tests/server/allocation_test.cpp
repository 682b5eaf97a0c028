// What a kept-alive request costs beside its own work: no heap allocation, and no turn of the loop but its own; with a
// line for each in the log.
//
// Counted is every malloc of the shard's thread (operator new ends there, too).
#include "heap_count.hpp"
#include "running_server.hpp"
#include "server/request_metrics.hpp"
#include "server/shard_server.hpp"

#include <sluice/cache/two_tier_cache.hpp>
#include <sluice/core/log.hpp>
#include <sluice/core/pool.hpp>
#include <sluice/core/span.hpp>
#include <sluice/json/fields.hpp>
#include <sluice/route/json.hpp>
#include <sluice/telemetry/log_file.hpp>

#include <memory>
#include <string>

namespace sluice {

struct thing
{
    std::int64_t number;
    pooled_string name;
};
template <> struct fields<thing>
{
    static constexpr auto list = std::tuple{field("number", &thing::number), field("name", &thing::name)};
};

namespace testing {
namespace {

using namespace std::chrono_literals;

class header_adder final : public middleware
{
public:
    [[nodiscard]] std::string_view name() const noexcept override { return "header adder"; }
    void after(request&, response& answer) override { answer.header("X-Added", "yes"); }
};

// The process's log while it lives.
struct log_in_use
{
    log_in_use() { exchange_log_sink(file.get()); }
    log_in_use(const log_in_use&) = delete;
    log_in_use& operator=(const log_in_use&) = delete;
    ~log_in_use() { exchange_log_sink(nullptr); }

    std::unique_ptr<log_file> file = log_file::open({.path = "/dev/null"}).value();
};

server_options options_with_access_lines()
{
    server_options options = quick_options();
    options.access_log.lines = true;
    return options;
}

TEST(RequestMetrics, allocate_nothing_for_series_that_share_a_place_in_their_table)
{
    if (!pool_recycles) GTEST_SKIP() << "AddressSanitizer sees every block itself";
    using enum http::status;
    running_server server([](shard&, router&) {});
    const std::uint64_t taken = server.on(0, [](shard& here) {
        metric_set set;
        server_counters connections;
        request_metrics counted(set, here, connections);
        const auto count_each = [&counted] {
            for (const http::status two :
                 {no_content, bad_request, see_other, client_closed_request, temporary_redirect, service_unavailable,
                  permanent_redirect, gateway_timeout})
                counted.answered(nullptr, http::method::get, two, 1us);
        };
        count_each();
        const std::uint64_t before = test::heap_blocks_of_thread();
        count_each();
        return test::heap_blocks_of_thread() - before;
    });
    EXPECT_EQ(taken, 0U);
}

task<result<std::optional<thing>>> load_thing(std::int64_t number)
{
    co_return thing{.number = number, .name = "a name that fits into no small string"};
}

struct Steady : ::testing::Test
{
    log_in_use log;
    const std::string large = std::string(100'000, 'x');
    cache::shared_parts cached{1, {.first_tier_bytes = std::size_t{1} << 20}};
    running_server server{
        [this](shard& here, router& routes) {
            routes.use(here.own<header_adder>());
            routes.get("/plain", [](request&) -> response {
                response answer;
                answer.static_body("plain", http::text_plain);
                return answer;
            });
            routes.get("/coroutine", [](request&) -> task<result<response>> { co_return response::text("coroutine"); });
            routes.get("/waiting", [](request&) -> task<result<response>> {
                if (auto slept = co_await sleep_for(1us); !slept) co_return fail(slept.error());
                co_return response::text("waiting");
            });
            routes.get("/json/{number}", [](request& asked) -> result<response> {
                auto number = asked.path<std::int64_t>("number");
                if (!number) return fail(number.error());
                return json(thing{.number = *number, .name = "a name that fits into no small string"});
            });
            routes.post("/json", [](request& asked) -> task<result<response>> {
                auto read = json_body<thing>(asked);
                if (!read) co_return fail(read.error());
                co_return json(*read, http::status::created);
            });
            auto& part = here.own<cache::shard_cache>(here, cached, nullptr);
            auto& things = here.own<two_tier_cache<std::int64_t, thing>>(part, "things", &load_thing);
            routes.get("/cached/{number}", [&things](request& asked) -> task<result<response>> {
                auto number = asked.path<std::int64_t>("number");
                if (!number) co_return fail(number.error());
                auto found = co_await things.find(*number);
                if (!found) co_return fail(found.error());
                co_return json(**found);
            });
            routes.get("/changed/{number}", [&things, &part](request& asked) -> task<result<response>> {
                auto number = asked.path<std::int64_t>("number");
                if (!number) co_return fail(number.error());
                cache::invalidations written(part);
                things.invalidate(*number, written);
                if (auto known = co_await written.confirmed(); !known) co_return fail(known.error());
                auto found = co_await things.find(*number);
                if (!found) co_return fail(found.error());
                co_return json(**found);
            });
            routes.get("/large", [this](request&) -> response {
                response answer;
                answer.static_body(large, http::text_plain);
                return answer;
            });
        },
        options_with_access_lines()};
    client peer{server.address()};

    struct cost
    {
        std::uint64_t allocations;
        std::uint64_t enters;
    };
    cost counters()
    {
        return server.on(0, [](shard& here) {
            return cost{.allocations = test::heap_blocks_of_thread(), .enters = here.ring().counters().enters};
        });
    }
    // What `rounds` times `text`, each answered before the next is sent, cost the shard.
    cost cost_of(const std::string& text, int answers, int rounds)
    {
        const auto ask = [&](int times) {
            for (int i = 0; i < times; ++i) {
                peer.send(text);
                for (int k = 0; k < answers; ++k) EXPECT_LT(peer.read_answer().status, 300);
            }
        };
        ask(200);
        const cost before = counters();
        ask(rounds);
        const cost after = counters();
        return {.allocations = after.allocations - before.allocations, .enters = after.enters - before.enters};
    }
    void expect_no_allocation(const std::string& text, int answers = 1)
    {
        if (!pool_recycles) GTEST_SKIP() << "the pool gives everything back under a sanitizer";
        EXPECT_EQ(cost_of(text, answers, 1000).allocations, 0U) << text;
    }
};

TEST_F(Steady, plain_route_allocates_nothing) { expect_no_allocation(get("/plain")); }
TEST_F(Steady, coroutine_route_allocates_nothing) { expect_no_allocation(get("/coroutine")); }
TEST_F(Steady, waiting_route_allocates_nothing) { expect_no_allocation(get("/waiting")); }
TEST_F(Steady, json_route_allocates_nothing) { expect_no_allocation(get("/json/12345")); }
TEST_F(Steady, json_body_allocates_nothing)
{
    expect_no_allocation(post("/json", R"({"number":1,"name":"a name that fits into no small string"})",
                              "Content-Type: application/json\r\n"));
}
TEST_F(Steady, hit_in_the_first_tier_allocates_nothing) { expect_no_allocation(get("/cached/7")); }
TEST_F(Steady, traces_of_which_a_hundredth_is_kept_allocate_nothing)
{
    struct hundredth final : span_sink
    {
        [[nodiscard]] bool samples(const trace_context& started) const noexcept override
        {
            return started.kept_at(0.01);
        }
        void take(const finished_trace&) noexcept override { ++taken; }
        std::uint64_t taken = 0;
    } kept;
    const auto keep_by = [this](span_sink* sink) {
        (void)server.on(0, [sink](shard&) { return span_sink::exchange_current(sink); });
    };
    keep_by(&kept);
    expect_no_allocation(get("/cached/7"));
    keep_by(nullptr);
    if (pool_recycles) EXPECT_GT(kept.taken, 0U);
}
TEST_F(Steady, invalidation_and_load_allocate_nothing) { expect_no_allocation(get("/changed/7")); }
TEST_F(Steady, large_body_allocates_nothing) { expect_no_allocation(get("/large")); }
TEST_F(Steady, pipelined_requests_allocate_nothing)
{
    std::string sixteen;
    for (int i = 0; i < 8; ++i) sixteen += get("/plain") + get("/coroutine");
    expect_no_allocation(sixteen, 16);
}
TEST_F(Steady, request_in_pieces_allocates_nothing)
{
    if (!pool_recycles) GTEST_SKIP() << "the pool gives everything back under a sanitizer";
    const auto ask = [&](int times) {
        for (int i = 0; i < times; ++i) {
            peer.send("GET /plain HTTP/1.1\r\nHo");
            peer.send("st: test\r\n\r\n");
            EXPECT_EQ(peer.read_answer().body, "plain");
        }
    };
    // Whether the pieces meet in one receive is chance, so the first stretches may still meet something new once.
    std::uint64_t allocated = 1;
    for (int stretch = 0; stretch < 5 && allocated != 0; ++stretch) {
        const cost before = counters();
        ask(1000);
        allocated = counters().allocations - before.allocations;
    }
    EXPECT_EQ(allocated, 0U);
}

// One enter brings the request, one sends its answer; the answers of a turn share them.
TEST_F(Steady, request_enters_the_kernel_no_more_than_twice)
{
    EXPECT_LE(cost_of(get("/plain"), 1, 1000).enters, 2100U);
    std::string sixteen;
    for (int i = 0; i < 16; ++i) sixteen += get("/plain");
    EXPECT_LE(cost_of(sixteen, 16, 1000).enters, 2500U);
}

} // namespace
} // namespace testing
} // namespace sluice
