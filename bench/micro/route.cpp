// What it costs to find a route, and to answer on one that needs no wait.
#include <sluice/http/test_request.hpp>
#include <sluice/route/router.hpp>

#include <benchmark/benchmark.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace {

using sluice::request;
using sluice::response;
using sluice::router;

constexpr std::array<std::string_view, 10> resources = {"users", "orders", "carts", "items", "prices",
                                                        "stock", "flags",  "teams", "roles", "sessions"};

// As an API has them: collections, members of them and actions, two methods on each fifth.
void fill(router& routes, std::size_t count)
{
    const auto handler = [](request&) { return response::text("ok"); };
    for (std::size_t i = 0; i < count; ++i) {
        std::string base = "/" + std::string(resources[i % resources.size()]);
        if (i >= resources.size()) base = "/v" + std::to_string(i / resources.size()) + base;
        const std::array<std::string, 5> kinds = {base, base + "/{id}", base + "/search",
                                                  base + "/{id}/history/{entry}", base + "/{id}/notes"};
        routes.get(kinds[i % kinds.size()], handler);
    }
    routes.get("/pipeline", handler);
    routes.freeze();
}

void find(benchmark::State& state, std::string_view path)
{
    router routes;
    fill(routes, static_cast<std::size_t>(state.range(0)));
    sluice::http::test_request asked(sluice::http::method::get, path);
    for (auto _ : state) benchmark::DoNotOptimize(routes.find(asked.get()).found);
}

constexpr std::string_view id = "/orders/01890a5d-ac96-774b-bcce-b302099a8057";
BENCHMARK_CAPTURE(find, literal, "/pipeline")->Name("BM_route_find/literal")->Arg(10)->Arg(100)->Arg(1000);
BENCHMARK_CAPTURE(find, parameter, id)->Name("BM_route_find/parameter")->Arg(10)->Arg(100)->Arg(1000);
BENCHMARK_CAPTURE(find, two, "/items/17/history/18")
    ->Name("BM_route_find/two_parameters")
    ->Arg(10)
    ->Arg(100)
    ->Arg(1000);
BENCHMARK_CAPTURE(find, encoded, "/ord%65rs/17")->Name("BM_route_find/encoded")->Arg(10)->Arg(1000);
BENCHMARK_CAPTURE(find, missing, "/nowhere/at/all")->Name("BM_route_find/missing")->Arg(10)->Arg(1000);

// What a handler costs by itself: to be taken off the answers below.
void handler_alone(benchmark::State& state)
{
    sluice::plain_handler handler = [](request&) { return response::text("ok"); };
    sluice::http::test_request asked;
    for (auto _ : state) {
        const response answer = handler(asked.get());
        benchmark::DoNotOptimize(answer.body().data());
    }
}
BENCHMARK(handler_alone)->Name("BM_route_answer/handler_alone");

struct header_middleware final : sluice::middleware
{
    std::string_view name() const noexcept override { return "header"; }
    void after(request&, response& answer) override { benchmark::DoNotOptimize(&answer); }
};

// Look-up, dispatch and the response's way out; range: middleware around the handler.
void answer_plain(benchmark::State& state)
{
    header_middleware around;
    router routes;
    for (std::int64_t i = 0; i < state.range(0); ++i) routes.use(around);
    fill(routes, 10);
    sluice::http::test_request asked(sluice::http::method::get, "/pipeline");
    for (auto _ : state) {
        const sluice::route& found = *routes.find(asked.get()).found;
        const sluice::admission passed = found.admit_at_once(asked.get());
        benchmark::DoNotOptimize(passed.complete);
        const std::optional<response> answer = found.handle_at_once(asked.get());
        benchmark::DoNotOptimize(answer->body().data());
    }
}
BENCHMARK(answer_plain)->Name("BM_route_answer/plain")->Arg(0)->Arg(1)->Arg(3);

void answer_coroutine(benchmark::State& state)
{
    router routes;
    routes.get("/pipeline", [](request&) -> sluice::task<sluice::result<response>> { co_return response::text("ok"); });
    routes.freeze();
    sluice::http::test_request asked(sluice::http::method::get, "/pipeline");
    for (auto _ : state) {
        auto frame = routes.find(asked.get()).found->answer_waiting(asked.get()).release();
        frame.resume();
        const response answer = frame.promise().take();
        benchmark::DoNotOptimize(answer.body().data());
        frame.destroy();
    }
}
BENCHMARK(answer_coroutine)->Name("BM_route_answer/coroutine");

} // namespace
