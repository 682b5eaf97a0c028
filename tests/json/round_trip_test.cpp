// Properties over random values: what is written reads back as it was.
#include "grammar.hpp"
#include "models.hpp"

#include <sluice/json/read.hpp>
#include <sluice/json/write.hpp>

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>
#include <string>

namespace sluice::test {
namespace {

class values
{
public:
    explicit values(unsigned seed) : random_(seed) {}

    std::uint64_t bits() { return random_(); }
    std::size_t below(std::size_t bound) { return bits() % bound; }

    // Valid UTF-8 of every length, controls and quotes included.
    template <class String = std::string> String text()
    {
        String made;
        for (std::size_t left = below(40); left > 0; --left) {
            const auto c = static_cast<char32_t>(below(4) == 0 ? below(0x110000) : below(0x100));
            const auto add = [&](unsigned byte) { made += static_cast<char>(byte); };
            if (c >= 0xD800 && c < 0xE000) continue;
            if (c < 0x80) {
                add(c);
            } else if (c < 0x800) {
                add(0xC0 | c >> 6);
                add(0x80 | (c & 63));
            } else if (c < 0x10000) {
                add(0xE0 | c >> 12);
                add(0x80 | (c >> 6 & 63));
                add(0x80 | (c & 63));
            } else {
                add(0xF0 | c >> 18);
                add(0x80 | (c >> 12 & 63));
                add(0x80 | (c >> 6 & 63));
                add(0x80 | (c & 63));
            }
        }
        return made;
    }
    std::string any_bytes()
    {
        std::string made(below(30), '\0');
        for (char& c : made) c = static_cast<char>(bits());
        return made;
    }
    double number()
    {
        for (;;)
            if (const auto value = std::bit_cast<double>(bits()); std::isfinite(value)) return value;
    }
    address place()
    {
        address made{.city = text(), .codes = {}};
        for (std::size_t left = below(4); left > 0; --left) made.codes.push_back(static_cast<std::uint16_t>(bits()));
        return made;
    }
    person someone()
    {
        person made;
        made.email = text<pooled_string>();
        made.active = below(2) == 0;
        made.balance = static_cast<std::int64_t>(bits());
        made.level = static_cast<std::uint8_t>(bits());
        made.score = number();
        made.since = timestamp(std::chrono::microseconds(below(4'000'000'000'000'000)));
        made.access = below(2) == 0 ? role::admin : role::member;
        made.nickname = text(); // an empty optional is written as null, which an optional refuses
        made.home = place();
        for (auto& byte : made.id.bytes) byte = static_cast<std::uint8_t>(bits());
        if (below(3) == 0)
            made.limit = nullptr;
        else if (below(2) == 0)
            made.limit = static_cast<std::int32_t>(bits());
        for (std::size_t left = below(3); left > 0; --left) made.others.push_back(place());
        return made;
    }

private:
    std::mt19937_64 random_;
};

TEST(Json, reads_what_it_wrote)
{
    values random(1);
    for (int i = 0; i < 3000; ++i) {
        const person someone = random.someone();
        const pooled_string text = to_json(someone);
        const auto read = read_json<person>(text);
        ASSERT_TRUE(read) << text;
        EXPECT_EQ(*read, someone) << text;
    }
}

TEST(Json, writes_valid_text_whatever_bytes_a_string_has)
{
    values random(2);
    for (int i = 0; i < 20000; ++i) {
        const std::string bytes = random.any_bytes();
        const auto once = read_json<std::string>(to_json(bytes));
        ASSERT_TRUE(once);
        // What came out is UTF-8, so it comes through unchanged from now on.
        EXPECT_EQ(*read_json<std::string>(to_json(*once)), *once);
    }
}

TEST(Json, takes_a_text_with_a_changed_byte_as_the_grammar_does)
{
    values random(3);
    for (int i = 0; i < 3000; ++i) {
        const person someone = random.someone();
        pooled_string text = to_json(someone);
        text[random.below(text.size())] = static_cast<char>(random.bits());
        EXPECT_EQ(parse_json(text).has_value(), json_grammar::valid(text)) << text;
        const auto read = read_json<person>(text);
        if (!read)
            EXPECT_TRUE(read.error().code == errc::malformed || !read.error().violations.empty());
        else
            EXPECT_EQ(*read_json<person>(to_json(*read)), *read);
    }
}

} // namespace
} // namespace sluice::test
