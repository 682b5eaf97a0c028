// Replies out of bytes that come in any pieces, from a server that may announce whatever it likes; and commands as
// hiredis's own formatter writes them.
#include "redis/reader.hpp"

#include <sluice/redis/command_line.hpp>

#include <gtest/gtest.h>

#include <array>
#include <hiredis/hiredis.h>
#include <string>
#include <vector>

namespace sluice::redis {
namespace {

using state = reader::state;

std::string told(const reply& r)
{
    switch (r.is) {
    case reply::kind::nil:
        return "nil";
    case reply::kind::integer:
        return std::to_string(r.integer);
    case reply::kind::text:
        return "'" + std::string(r.text) + "'";
    case reply::kind::status:
        return "+" + std::string(r.text);
    case reply::kind::failure:
        return "-" + std::string(r.text);
    case reply::kind::array:
        break;
    }
    std::string all = "[";
    for (const reply& one : r.elements) all += told(one) + " ";
    return all + "]";
}

// What a reader makes of pieces, one after the other; the last word says how it ended.
std::string read(const std::vector<std::string>& pieces, std::size_t reply_bytes_max = 1000)
{
    reader from(reply_bytes_max);
    std::string all;
    for (const std::string& piece : pieces) {
        from.feed(piece);
        state s = from.next();
        for (; s == state::reply; s = from.next()) all += told(from.take()) + "\n";
        if (s == state::too_large) return all + "too large";
        if (s == state::malformed) return all + "malformed";
    }
    return all;
}

const std::string every_kind = "+OK\r\n:-7\r\n$5\r\nseven\r\n$0\r\n\r\n$-1\r\n*-1\r\n-ERR no\r\n"
                               "*3\r\n*2\r\n:1\r\n$1\r\na\r\n*0\r\n*1\r\n*1\r\n$-1\r\n";
const std::string every_kind_told = "+OK\n-7\n'seven'\n''\nnil\nnil\n-ERR no\n[[1 'a' ] [] [[nil ] ] ]\n";

TEST(Reader, reads_every_kind_of_reply) { EXPECT_EQ(read({every_kind}), every_kind_told); }

TEST(Reader, reads_the_same_wherever_the_bytes_are_split)
{
    for (std::size_t i = 0; i <= every_kind.size(); ++i)
        EXPECT_EQ(read({every_kind.substr(0, i), every_kind.substr(i)}), every_kind_told) << i;
    std::vector<std::string> bytes;
    for (const char c : every_kind) bytes.emplace_back(1, c);
    EXPECT_EQ(read(bytes), every_kind_told);
}

TEST(Reader, takes_a_reply_of_its_bound_and_refuses_one_of_a_byte_more)
{
    const std::string small = "$20\r\n" + std::string(20, 'x') + "\r\n"; // 27 bytes
    EXPECT_EQ(read({small + small}, 27), read({small}) + read({small}));
    EXPECT_EQ(read({small}, 26), "too large");
    EXPECT_EQ(read({":1\r\n" + small}, 26), "1\ntoo large");
}

TEST(Reader, counts_only_the_bytes_of_one_reply)
{
    const std::string reply = "$20\r\n" + std::string(20, 'x') + "\r\n";
    std::string many;
    for (int i = 0; i < 1000; ++i) many += reply;
    for (const std::size_t piece : {1U, 7U, 27U, 100U}) {
        std::vector<std::string> pieces;
        for (std::size_t at = 0; at < many.size(); at += piece) pieces.push_back(many.substr(at, piece));
        EXPECT_EQ(read(pieces, 27).size(), 1000 * read({reply}).size()) << piece;
    }
}

TEST(Reader, keeps_no_room_for_what_is_only_announced)
{
    EXPECT_EQ(read({"$1000000000000\r\n"}), "");
    EXPECT_EQ(read({"*2147483647\r\n"}), "");
    std::vector<std::string> endless(5000, std::string(1000, 'x'));
    endless.insert(endless.begin(), "$1000000000000\r\n");
    EXPECT_EQ(read(endless, 100'000), "too large");
    std::vector<std::string> elements(5000, ":1\r\n");
    elements.insert(elements.begin(), "*2147483647\r\n");
    EXPECT_EQ(read(elements), "too large");
}

TEST(Reader, refuses_what_is_no_reply_and_stays_refused_until_reset)
{
    EXPECT_EQ(read({":1\r\nHTTP/1.1 400 Bad Request\r\n", ":1\r\n"}), "1\nmalformed");
    std::string deep;
    for (int i = 0; i < 100; ++i) deep += "*1\r\n";
    EXPECT_EQ(read({deep}), "malformed");

    reader from(100);
    from.feed("?");
    EXPECT_EQ(from.next(), state::malformed);
    from.feed(":1\r\n");
    EXPECT_EQ(from.next(), state::malformed);
    from.reset();
    from.feed(":1\r\n");
    ASSERT_EQ(from.next(), state::reply);
    EXPECT_EQ(told(from.take()), "1");
    EXPECT_EQ(from.next(), state::none);
}

TEST(CommandLine, writes_what_hiredis_writes)
{
    const std::string binary("\0\r\n$", 4);
    const std::array<const char*, 6> arguments = {"SET", "", binary.data(), "-5", "18446744073709551615", "x"};
    const std::array<std::size_t, 6> sizes = {3, 0, binary.size(), 2, 20, 1};
    char* formatted = nullptr;
    auto words = arguments;
    const int size = redisFormatCommandArgv(&formatted, 6, words.data(), sizes.data());
    ASSERT_GT(size, 0);
    const std::string expected(formatted, static_cast<std::size_t>(size));
    redisFreeCommand(formatted);

    const auto made = command_line::of("SET", "", binary, -5, ~0ULL, std::string("x"));
    EXPECT_TRUE(made.complete());
    EXPECT_EQ(made.bytes(), expected);
}

TEST(CommandLine, is_complete_once_it_has_what_it_announced)
{
    command_line one(2);
    one.add("GET");
    EXPECT_FALSE(one.complete());
    one.add("key");
    EXPECT_TRUE(one.complete());
}

} // namespace
} // namespace sluice::redis
