#include <sluice/core/trace.hpp>

#include <gtest/gtest.h>

#include <string>

namespace sluice {
namespace {

TEST(Tracestate, is_valid_by_the_recommendations_grammar)
{
    for (const std::string_view text :
         {"a=1", "rojo=00f067aa0ba902b7", "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7", "a=1, b=2 ,\tc=3", "a=1,,b=2",
          ",a=1", "a_-*/9=x", "tenant@vendor=x", "1tenant@vendor=x", "a= x", "a=!\"#$%&'()*+-./:;<>?@[]^_`{|}~"})
        EXPECT_TRUE(valid_tracestate(text)) << text;
}

TEST(Tracestate, is_dropped_otherwise)
{
    using namespace std::string_view_literals;
    for (const std::string_view text :
         {""sv,           ","sv,          " "sv,      "a"sv,          "a="sv,
          "=1"sv,         "A=1"sv,        "1a=1"sv,   "a=1,a=2"sv,    "a=b=c"sv,
          "a =1"sv,       "a=\xC3\xA9"sv, "a=\x01"sv, "a=1\r\nb=2"sv, "a=\0"sv,
          "a@=1"sv,       "@a=1"sv,       "a@1b=1"sv, "a@b@c=1"sv,    "t@abcdefghijklmno=1"sv,
          "a=1;b=2,C=3"sv})
        EXPECT_FALSE(valid_tracestate(text)) << text;
}

TEST(Tracestate, is_bounded)
{
    EXPECT_TRUE(valid_tracestate("a=" + std::string(256, 'x')));
    EXPECT_FALSE(valid_tracestate("a=" + std::string(257, 'x')));
    EXPECT_TRUE(valid_tracestate(std::string(256, 'k') + "=" + std::string(255, 'x')));
    EXPECT_FALSE(valid_tracestate(std::string(256, 'k') + "=" + std::string(256, 'x'))) << "513 characters";
    EXPECT_FALSE(valid_tracestate(std::string(257, 'k') + "=x"));
    std::string many;
    for (int i = 0; i < 32; ++i) many += "k" + std::to_string(i) + "=1,";
    EXPECT_TRUE(valid_tracestate(many));
    EXPECT_FALSE(valid_tracestate(many + "last=1"));
}

TEST(Traceparent, is_written_as_it_is_read)
{
    const std::string_view text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    trace_context made = trace_context::from_traceparent(text).value();
    made.span_id = made.parent_id;
    std::string written(traceparent_size, ' ');
    made.write_traceparent(written.data());
    EXPECT_EQ(written, text);
    made.sampled = false;
    made.write_traceparent(written.data());
    EXPECT_EQ(written.substr(53), "00");
}

TEST(Trace, knows_its_parent_and_makes_children_of_its_own)
{
    EXPECT_EQ(trace_context::start().parent_id, (std::array<std::uint8_t, 8>{}));
    const trace_context caller = trace_context::start();
    const trace_context child = caller.child();
    EXPECT_EQ(child.trace_id, caller.trace_id);
    EXPECT_EQ(child.parent_id, caller.span_id);
    EXPECT_NE(child.span_id, caller.span_id);
}

TEST(Trace, is_kept_at_its_ratio_by_its_id_alone)
{
    int kept = 0;
    for (int i = 0; i < 20'000; ++i) {
        const trace_context one = trace_context::start();
        EXPECT_FALSE(one.kept_at(0));
        EXPECT_TRUE(one.kept_at(1));
        EXPECT_EQ(one.kept_at(0.1), one.child().kept_at(0.1));
        EXPECT_TRUE(one.kept_at(0.2) || !one.kept_at(0.1));
        kept += one.kept_at(0.1) ? 1 : 0;
    }
    EXPECT_NEAR(kept, 2000, 250);
    const std::string_view last = "00-ffffffffffffffffffffffffffffffff-b7ad6b7169203331-00";
    EXPECT_TRUE(trace_context::from_traceparent(last).value().kept_at(1));
}

TEST(Trace, is_kept_by_that_part_of_its_id_which_is_random_everywhere)
{
    int kept = 0;
    trace_context one = trace_context::start();
    one.trace_id[8] = 0xFF;
    for (int i = 0; i < 256; ++i) {
        one.trace_id[9] = static_cast<std::uint8_t>(i);
        kept += one.kept_at(0.25) ? 1 : 0;
    }
    EXPECT_EQ(kept, 64);
}

} // namespace
} // namespace sluice
