// Every raw request of the corpus gives what its rule says, however its bytes come.
#include "corpus.hpp"
#include "driver.hpp"

#include <gtest/gtest.h>

#include <set>

namespace sluice::http::testing {

namespace {

constexpr drive_options ways[] = {
    {.mode = body_mode::buffered, .keep_early = false},
    {.mode = body_mode::buffered, .keep_early = true},
    {.mode = body_mode::streamed, .keep_early = false},
    {.mode = body_mode::streamed, .keep_early = true},
};

class Corpus : public ::testing::TestWithParam<corpus_entry>
{
protected:
    [[nodiscard]] const std::string& input() const { return GetParam().input; }
    [[nodiscard]] const std::string& outcome() const { return GetParam().outcome; }
};

TEST_P(Corpus, gives_its_outcome_whole)
{
    for (const drive_options way : ways) EXPECT_EQ(drive(corpus_limits, {input()}, way), outcome());
}

TEST_P(Corpus, gives_its_outcome_byte_by_byte)
{
    std::vector<std::string_view> bytes;
    for (std::size_t i = 0; i < input().size(); ++i) bytes.push_back(std::string_view(input()).substr(i, 1));
    for (const drive_options way : ways) EXPECT_EQ(drive(corpus_limits, bytes, way), outcome());
}

TEST_P(Corpus, gives_its_outcome_cut_anywhere)
{
    const std::string_view all = input();
    for (std::size_t cut = 0; cut <= all.size(); ++cut) {
        for (const drive_options way : ways) {
            ASSERT_EQ(drive(corpus_limits, {all.substr(0, cut), all.substr(cut)}, way), outcome()) << "cut at " << cut;
        }
    }
}

// The pieces begin behind another request, so that they are met in the middle of what was fed.
TEST_P(Corpus, gives_its_outcome_behind_another_request)
{
    const std::string first = "GET /first HTTP/1.1\r\nHost: h\r\n\r\n";
    const std::string both = first + input();
    for (std::size_t cut = 1; cut < both.size(); cut += 7) {
        const std::string_view all = both;
        for (const drive_options way : ways) {
            ASSERT_EQ(drive(corpus_limits, {all.substr(0, cut), all.substr(cut)}, way),
                      "GET /first host=h\n" + outcome())
                << "cut at " << cut;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Requests, Corpus, ::testing::ValuesIn(corpus()),
                         [](const auto& info) { return std::string(info.param.name); });

// RFC 3986, section 3.3. Heads are read in strides of many bytes, so that a byte's place could matter.
TEST(Path, is_taken_or_refused_for_a_byte_wherever_it_stands)
{
    const auto allowed = [](char c) {
        const bool letter_or_digit = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        return letter_or_digit || std::string_view("-._~!$&'()*+,;=:@/").contains(c);
    };
    for (int byte = 0; byte < 256; ++byte) {
        const auto c = static_cast<char>(byte);
        if (c == '?' || c == '%') continue; // what comes behind them is another matter
        for (std::size_t at = 1; at < 40; ++at) {
            std::string path = "/" + std::string(39, 'a');
            path[at] = c;
            const std::string outcome = drive(corpus_limits, {"GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n"}, ways[0]);
            if (allowed(c))
                ASSERT_EQ(outcome, "GET " + path + " host=h\n") << byte << " at " << at;
            else
                ASSERT_EQ(outcome.substr(0, 4), "400 ") << byte << " at " << at;
        }
    }
}

TEST(CorpusItself, has_every_name_once_and_a_section_for_each)
{
    std::set<std::string_view> names;
    for (const corpus_entry& entry : corpus()) {
        EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
        EXPECT_FALSE(entry.section.empty()) << entry.name;
    }
    EXPECT_GE(names.size(), 250u);
}

} // namespace

} // namespace sluice::http::testing
