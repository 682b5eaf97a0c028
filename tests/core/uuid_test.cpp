#include <sluice/core/timestamp.hpp>
#include <sluice/core/uuid.hpp>

#include <gtest/gtest.h>

#include <unordered_set>

namespace sluice {

namespace {
constexpr std::string_view text = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";

timestamp at_milliseconds(std::int64_t count) { return timestamp(std::chrono::milliseconds(count)); }
} // namespace

TEST(Uuid, reads_and_writes_the_text_form)
{
    const auto read = uuid::parse(text);
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->bytes[0], 0x01);
    EXPECT_EQ(read->bytes[15], 0x8f);
    EXPECT_EQ(read->to_string(), text);
    EXPECT_EQ(uuid::parse("017F22E2-79B0-7CC3-98C4-DC0C0C07398F"), read);
}

TEST(Uuid, refuses_every_other_form)
{
    EXPECT_FALSE(uuid::parse(""));
    EXPECT_FALSE(uuid::parse("{017f22e2-79b0-7cc3-98c4-dc0c0c07398f}"));
    EXPECT_FALSE(uuid::parse("017f22e279b07cc398c4dc0c0c07398f"));
    EXPECT_FALSE(uuid::parse(std::string(text) + "0"));
    EXPECT_FALSE(uuid::parse(text.substr(1)));
    for (std::size_t at = 0; at < text.size(); ++at) {
        std::string broken(text);
        broken[at] = 'g';
        EXPECT_FALSE(uuid::parse(broken)) << at;
        broken[at] = text[at] == '-' ? '0' : '-';
        EXPECT_FALSE(uuid::parse(broken)) << at;
        for (unsigned byte = 0; byte < 256; ++byte) {
            const char c = static_cast<char>(byte);
            const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
            broken[at] = c;
            EXPECT_EQ(uuid::parse(broken).has_value(), text[at] == '-' ? c == '-' : digit) << at << ' ' << byte;
        }
    }
}

TEST(Uuid, version_7_carries_its_time_version_and_variant)
{
    const uuid made = uuid::make_v7(timestamp(std::chrono::milliseconds(0x0192'3456'789AL)));
    EXPECT_EQ(made.to_string().substr(0, 15), "01923456-789a-7");
    EXPECT_EQ(made.bytes[8] >> 6U, 2);
}

TEST(Uuid, ids_of_one_thread_ascend_within_a_millisecond_and_when_the_clock_goes_back)
{
    uuid last = uuid::make_v7(wall_now());
    const timestamp now = wall_now();
    for (int i = 0; i < 20'000; ++i) {
        const uuid next = uuid::make_v7(i % 2 == 0 ? now : now - std::chrono::seconds(5));
        ASSERT_LT(last, next) << i;
        last = next;
    }
    ASSERT_LT(last, uuid::make_v7(now + std::chrono::hours(1)));
}

TEST(Uuid, a_time_before_1970_is_taken_as_1970)
{
    const uuid made = uuid::make_v7(at_milliseconds(-5));
    EXPECT_EQ(made.bytes[6] >> 4U, 7);
}

TEST(Uuid, hashes_spread)
{
    std::unordered_set<std::size_t> seen;
    for (int i = 0; i < 10'000; ++i) seen.insert(std::hash<uuid>()(uuid::make_v7(at_milliseconds(i))));
    EXPECT_EQ(seen.size(), 10'000U);
}

} // namespace sluice
