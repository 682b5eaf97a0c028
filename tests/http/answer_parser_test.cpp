// Answers of other servers: what each corpus entry means, however its bytes are cut.
#include "answer_corpus.hpp"

#include <gtest/gtest.h>

namespace sluice::http::testing {
namespace {

TEST(AnswerParser, reads_every_answer_as_it_should)
{
    for (const auto& [name, asked, input, expected] : answer_corpus())
        EXPECT_EQ(read_answer(asked, {input}), expected) << name;
}

TEST(AnswerParser, reads_it_the_same_cut_at_every_byte)
{
    for (const auto& [name, asked, input, expected] : answer_corpus()) {
        for (std::size_t at = 0; at <= input.size(); ++at)
            EXPECT_EQ(read_answer(asked, {input.substr(0, at), input.substr(at)}), expected) << name << " at " << at;
    }
}

TEST(AnswerParser, reads_it_the_same_byte_by_byte)
{
    for (const auto& [name, asked, input, expected] : answer_corpus()) {
        std::vector<std::string_view> bytes;
        for (std::size_t at = 0; at < input.size(); ++at) bytes.push_back(input.substr(at, 1));
        EXPECT_EQ(read_answer(asked, bytes), expected) << name;
    }
}

TEST(AnswerParser, says_what_speaks_another_protocol_by_its_first_byte)
{
    answer_parser parser;
    parser.start(method::get, {});
    std::string_view bytes = "S";
    EXPECT_EQ(parser.feed(bytes), answer_parser::state::failed);
}

TEST(AnswerParser, reads_one_answer_after_the_other_and_leaves_each_its_own_bytes)
{
    answer_parser parser;
    std::string input = "HTTP/1.1 200 OK\r\nX: 1\r\nContent-Length: 3\r\n\r\nabc"
                        "HTTP/1.1 404 Not Found\r\nX: 2\r\nContent-Length: 1\r\n\r\nd";
    std::string_view bytes = input;
    parser.start(method::get, {});
    ASSERT_EQ(parser.feed(bytes), answer_parser::state::complete);
    const answer first = parser.take();
    parser.start(method::get, {});
    EXPECT_FALSE(parser.begun());
    ASSERT_EQ(parser.feed(bytes), answer_parser::state::complete);
    const answer second = parser.take();
    input.assign(input.size(), '!');
    EXPECT_TRUE(bytes.empty());
    EXPECT_EQ(first.header("x"), "1");
    EXPECT_EQ(first.body(), "abc");
    EXPECT_TRUE(first.successful());
    EXPECT_EQ(second.header("X"), "2");
    EXPECT_EQ(second.body(), "d");
    EXPECT_EQ(second.status(), status::not_found);
    EXPECT_FALSE(second.successful());
}

} // namespace
} // namespace sluice::http::testing
