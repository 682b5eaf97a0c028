// In steady state, reading and writing a small struct takes no memory from the heap.
#include "heap_count.hpp"
#include "models.hpp"

#include <sluice/json/read.hpp>
#include <sluice/json/write.hpp>

#include <gtest/gtest.h>

namespace sluice::test {
namespace {

struct account
{
    uuid id;
    pooled_string email, name;
    timestamp created_at{};
};

} // namespace
} // namespace sluice::test

template <> struct sluice::fields<sluice::test::account>
{
    using model = test::account;
    static constexpr auto list = std::tuple{field("id", &model::id), field("email", &model::email),
                                            field("name", &model::name), field("created_at", &model::created_at)};
};

namespace sluice::test {
namespace {

TEST(JsonAllocation, a_steady_state_has_none)
{
    if constexpr (!pool_recycles) GTEST_SKIP() << "the pool gives everything back under AddressSanitizer";
    const std::string_view text =
        R"({"id":"01890a5d-ac96-774b-bcce-b302099a8057","email":"ada.lovelace@analytical.example",)"
        R"("name":"Augusta Ada King, Countess of Lovelace","created_at":"2026-01-31T12:00:00.000001Z"})";
    std::uint64_t before = 0;
    for (int i = 0; i < 100; ++i) {
        if (i == 10) before = heap_blocks_of_thread();
        const auto read = read_json<account>(text);
        const pooled_string written = to_json(*read);
        if (written != text) FAIL() << written;
    }
    EXPECT_EQ(heap_blocks_of_thread(), before);
}

} // namespace
} // namespace sluice::test
