#include <sluice/core/trace.hpp>

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace sluice {

namespace {

constexpr std::string_view valid = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

std::string trace_id(const trace_context& trace)
{
    std::string text(32, ' ');
    trace.write_trace_id(text.data());
    return text;
}

std::string span_id(const trace_context& trace)
{
    std::string text(16, ' ');
    trace.write_span_id(text.data());
    return text;
}

std::string with(std::size_t at, char c)
{
    std::string text(valid);
    text[at] = c;
    return text;
}

} // namespace

TEST(Trace, new_traces_differ)
{
    std::set<std::string> seen;
    for (int i = 0; i < 1000; ++i) {
        const trace_context made = trace_context::start();
        EXPECT_TRUE(seen.insert(trace_id(made)).second);
        EXPECT_TRUE(seen.insert(span_id(made)).second);
        EXPECT_FALSE(made.sampled);
    }
}

TEST(Trace, continues_the_callers_trace_with_a_span_of_its_own)
{
    const auto continued = trace_context::from_traceparent(valid);
    ASSERT_TRUE(continued.has_value());
    EXPECT_EQ(trace_id(*continued), "0af7651916cd43dd8448eb211c80319c");
    EXPECT_NE(span_id(*continued), "b7ad6b7169203331");
    EXPECT_TRUE(continued->sampled);
}

TEST(Trace, reads_only_the_sampled_bit_of_the_flags)
{
    EXPECT_FALSE(trace_context::from_traceparent(with(54, '0'))->sampled);
    EXPECT_FALSE(trace_context::from_traceparent(with(54, '2'))->sampled);
    EXPECT_TRUE(trace_context::from_traceparent(with(53, 'f'))->sampled);
}

TEST(Trace, refuses_what_is_no_traceparent)
{
    EXPECT_FALSE(trace_context::from_traceparent(""));
    for (std::size_t size = 0; size < valid.size(); ++size)
        EXPECT_FALSE(trace_context::from_traceparent(valid.substr(0, size))) << size;
    for (std::size_t at = 0; at < valid.size(); ++at) {
        EXPECT_FALSE(trace_context::from_traceparent(with(at, 'A'))) << at;
        EXPECT_FALSE(trace_context::from_traceparent(with(at, 'g'))) << at;
        EXPECT_FALSE(trace_context::from_traceparent(with(at, '\xFF'))) << at;
    }
    EXPECT_FALSE(trace_context::from_traceparent("00-00000000000000000000000000000000-b7ad6b7169203331-01"));
    EXPECT_FALSE(trace_context::from_traceparent("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"));
}

TEST(Trace, is_strict_with_version_00_and_lenient_with_later_ones)
{
    EXPECT_FALSE(trace_context::from_traceparent(std::string(valid) + "-"));
    EXPECT_FALSE(trace_context::from_traceparent(std::string(valid) + "0"));
    const std::string later = with(1, '1');
    EXPECT_TRUE(trace_context::from_traceparent(later));
    EXPECT_TRUE(trace_context::from_traceparent(later + "-what comes ABOVE"));
    EXPECT_FALSE(trace_context::from_traceparent(later + "0"));
    EXPECT_FALSE(trace_context::from_traceparent("ff" + std::string(valid.substr(2))));
}

} // namespace sluice
