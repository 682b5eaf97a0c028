// What it costs to read a user from JSON and to write one.
#include <sluice/core/clock.hpp>
#include <sluice/core/pool.hpp>
#include <sluice/core/uuid.hpp>
#include <sluice/json/read.hpp>
#include <sluice/json/write.hpp>

#include <benchmark/benchmark.h>

#include <string_view>
#include <vector>

namespace {

struct user
{
    sluice::uuid id;
    sluice::pooled_string email, name;
    sluice::timestamp created_at{}, updated_at{};
};
struct new_user
{
    sluice::pooled_string email, name;
};

} // namespace

template <> struct sluice::fields<user>
{
    static constexpr auto list =
        std::tuple{field("id", &user::id), field("email", &user::email), field("name", &user::name),
                   field("created_at", &user::created_at), field("updated_at", &user::updated_at)};
};
template <> struct sluice::fields<new_user>
{
    static constexpr auto list = std::tuple{field("email", &new_user::email), field("name", &new_user::name)};
};

namespace {

constexpr std::string_view new_user_text = R"({"email":"ada.lovelace@example.com","name":"Ada Lovelace"})";

user ada(std::string_view name)
{
    const sluice::timestamp now{std::chrono::microseconds(1'769'860'800'000'001)};
    return {.id = sluice::uuid::make_v7(now),
            .email = "ada.lovelace@example.com",
            .name = sluice::pooled_string(name),
            .created_at = now,
            .updated_at = now};
}

void write(benchmark::State& state, std::string_view name)
{
    const user one = ada(name);
    std::size_t bytes = 0;
    for (auto _ : state) {
        const sluice::pooled_string text = sluice::to_json(one);
        benchmark::DoNotOptimize(text.data());
        bytes += text.size();
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}
BENCHMARK_CAPTURE(write, ascii, "Ada Lovelace")->Name("BM_json_write_user/ascii");
BENCHMARK_CAPTURE(write, utf8, "Ad\xC3\xA1 Lovel\xC3\xA1\xC4\x8D\xC3\xA9")->Name("BM_json_write_user/utf8");

void BM_json_write_users(benchmark::State& state)
{
    const std::vector<user> many(static_cast<std::size_t>(state.range(0)), ada("Ada Lovelace"));
    for (auto _ : state) benchmark::DoNotOptimize(sluice::to_json(many).data());
}
BENCHMARK(BM_json_write_users)->Arg(50);

template <class T> void read(benchmark::State& state, std::string_view text)
{
    if (!sluice::read_json<T>(text)) state.SkipWithError("not read");
    for (auto _ : state) benchmark::DoNotOptimize(sluice::read_json<T>(text));
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
void BM_json_read_new_user(benchmark::State& state) { read<new_user>(state, new_user_text); }
BENCHMARK(BM_json_read_new_user)->Name("BM_json_read_new_user/small");
void BM_json_read_user(benchmark::State& state) { read<user>(state, sluice::to_json(ada("Ada Lovelace"))); }
BENCHMARK(BM_json_read_user)->Name("BM_json_read_user/small");
void BM_json_read_users(benchmark::State& state)
{
    read<std::vector<user>>(
        state, sluice::to_json(std::vector<user>(static_cast<std::size_t>(state.range(0)), ada("Ada Lovelace"))));
}
BENCHMARK(BM_json_read_users)->Arg(50);

} // namespace
