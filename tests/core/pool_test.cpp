#include <sluice/core/pool.hpp>

#include <gtest/gtest.h>

#include <cstring>
#include <thread>
#include <vector>

namespace sluice {

TEST(Pool, rounds_up_to_powers_of_two_and_the_halves_between)
{
    EXPECT_EQ(pool_round_up(0), 64U);
    EXPECT_EQ(pool_round_up(64), 64U);
    EXPECT_EQ(pool_round_up(65), 96U);
    EXPECT_EQ(pool_round_up(96), 96U);
    EXPECT_EQ(pool_round_up(97), 128U);
    EXPECT_EQ(pool_round_up(129), 192U);
    EXPECT_EQ(pool_round_up(49'153), 65'536U);
    EXPECT_EQ(pool_round_up(65'536), 65'536U);
    EXPECT_EQ(pool_round_up(65'537), 65'537U);
}

TEST(Pool, every_size_fits_its_class_and_wastes_at_most_a_third)
{
    for (std::size_t bytes = 1; bytes <= pool_block_max; ++bytes) {
        const std::size_t rounded = pool_round_up(bytes);
        ASSERT_GE(rounded, bytes);
        ASSERT_EQ(pool_round_up(rounded), rounded) << bytes;
        ASSERT_TRUE(rounded == 64 || 3 * bytes > 2 * rounded) << bytes;
    }
}

TEST(Pool, a_freed_block_is_the_next_one_given)
{
    if (!pool_recycles) GTEST_SKIP() << "AddressSanitizer sees every block itself";
    void* first = pool_allocate(200);
    pool_deallocate(first, 200);
    void* second = pool_allocate(256);
    EXPECT_EQ(first, second);
    void* third = pool_allocate(256);
    EXPECT_NE(second, third);
    pool_deallocate(second, 256);
    pool_deallocate(third, 256);
}

TEST(Pool, blocks_are_whole_and_aligned)
{
    std::vector<std::pair<char*, std::size_t>> blocks;
    for (std::size_t bytes :
         std::initializer_list<std::size_t>{1, 63, 64, 65, 100, 1000, 5000, 65'536, 65'537, 1'000'000}) {
        for (int i = 0; i < 3; ++i) {
            auto* block = static_cast<char*>(pool_allocate(bytes));
            EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % alignof(std::max_align_t), 0U);
            std::memset(block, static_cast<int>(blocks.size()), bytes);
            blocks.emplace_back(block, bytes);
        }
    }
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        const auto [block, bytes] = blocks[i];
        for (std::size_t at = 0; at < bytes; ++at) ASSERT_EQ(block[at], static_cast<char>(i));
        pool_deallocate(block, bytes);
    }
}

TEST(Pool, keeps_a_bounded_number_of_bytes)
{
    if (!pool_recycles) GTEST_SKIP() << "AddressSanitizer sees every block itself";
    std::thread([] {
        constexpr std::size_t bytes = 4096;
        constexpr std::size_t kept_max = pool_kept_bytes_max / bytes;
        std::vector<void*> blocks;
        for (std::size_t i = 0; i < kept_max + 100; ++i) blocks.push_back(pool_allocate(bytes));
        for (void* block : blocks) pool_deallocate(block, bytes);
        EXPECT_EQ(detail::pool_lists[detail::pool_class(bytes)].room, 0U);
        std::size_t kept = 0;
        for (auto* at = detail::pool_lists[detail::pool_class(bytes)].head; at != nullptr; at = at->next) ++kept;
        EXPECT_EQ(kept, kept_max);
    }).join();
}

TEST(Pool, takes_a_block_that_another_thread_allocated)
{
    void* block = nullptr;
    std::thread([&block] { block = pool_allocate(300); }).join();
    std::memset(block, 7, 300);
    pool_deallocate(block, 300);
    std::thread([] {
        void* mine = pool_allocate(300);
        pool_deallocate(mine, 300);
        void* again = pool_allocate(300);
        EXPECT_EQ(mine == again, pool_recycles);
        pool_deallocate(again, 300);
    }).join();
}

TEST(Pool, a_thread_may_free_after_its_lists_are_gone)
{
    // Destroyed after the pool's own clean-up, which this thread arms later.
    struct late
    {
        pooled_string text;
    };
    std::thread([] {
        static thread_local late kept;
        kept.text.assign(500, 'x');
        pooled_string(1000, 'y').shrink_to_fit();
    }).join();
}

TEST(Pool, containers_give_back_what_they_took)
{
    pooled_vector<int> numbers;
    for (int i = 0; i < 10'000; ++i) numbers.push_back(i);
    pooled_string text(100, 'a');
    text += "b";
    EXPECT_EQ(numbers[9'999], 9'999);
    EXPECT_EQ(text.size(), 101U);
    EXPECT_EQ(numbers.get_allocator(), pool_allocator<char>());
}

} // namespace sluice
