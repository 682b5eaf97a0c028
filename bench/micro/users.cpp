// What the users resource itself costs, from the router's answer to the response, with users in memory: no socket.
#include "resources/users/memory_user_repository.hpp"
#include "resources/users/user_routes.hpp"

#include <sluice/http/test_request.hpp>

#include <benchmark/benchmark.h>

#include <string>
#include <utility>
#include <vector>

namespace sluice::users {
namespace {

// Runs a task that does not wait.
template <class T> T finish(task<T> work)
{
    const auto frame = work.release();
    frame.resume();
    T outcome = frame.promise().take();
    frame.destroy();
    return outcome;
}

struct resource
{
    explicit resource(std::size_t count)
    {
        for (std::size_t i = 0; i < count; ++i) {
            const pooled_string email("somebody." + std::to_string(i) + "@example.com");
            ids.push_back(
                finish(users.insert({.email = email, .name = "Ada Lovelace", .email_key = email})).value().id);
        }
        user_routes(routes, service);
        routes.freeze();
    }
    memory_user_repository users;
    user_service service{users};
    router routes;
    std::vector<uuid> ids;
};

task<result<user>> find(user_service& in, uuid id) { co_return co_await in.find(id); }

void BM_users_find(benchmark::State& state)
{
    resource all(static_cast<std::size_t>(state.range(0)));
    std::size_t next = 0;
    for (auto _ : state) {
        auto found = finish(find(all.service, all.ids[next = (next + 7919) % all.ids.size()]));
        benchmark::DoNotOptimize(found);
    }
}
BENCHMARK(BM_users_find)->Name("BM_users_find/users")->Arg(1)->Arg(100'000);

void show(benchmark::State& state, std::string_view none_match, http::status expected)
{
    resource all(1);
    http::test_request asked(http::method::get, "/users/" + all.ids[0].to_string());
    asked.header("Host", "localhost:8080").header("User-Agent", "bench").header("Accept", "*/*");
    if (!none_match.empty()) asked.header("If-None-Match", none_match);
    const route* found = all.routes.find(asked.get()).found;
    for (auto _ : state) {
        response answer = finish(found->answer_waiting(asked.get()));
        if (answer.status() != expected) state.SkipWithError("not the answer that was expected");
        benchmark::DoNotOptimize(answer);
    }
}
void BM_users_show_ok(benchmark::State& state) { show(state, {}, http::status::ok); }
BENCHMARK(BM_users_show_ok)->Name("BM_users_show/ok");
void BM_users_show_not_modified(benchmark::State& state) { show(state, "\"1\"", http::status::not_modified); }
BENCHMARK(BM_users_show_not_modified)->Name("BM_users_show/not_modified");

} // namespace
} // namespace sluice::users
