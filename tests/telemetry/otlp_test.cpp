// Spans as a collector reads them: valid JSON, whatever stands in them.
#include "telemetry/otlp.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <string>

namespace sluice::telemetry {
namespace {

struct Otlp : ::testing::Test
{
    trace_context trace =
        trace_context::from_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").value();
    span_record own{.name = "/users/{id}", .kind = span_kind::server, .end = time_point(duration(9))};
    span_log below;

    std::string written(std::string_view trace_state = {})
    {
        pooled_string spans;
        const finished_trace finished{.trace = trace, .trace_state = trace_state, .request = own, .spans = below};
        append_span(finished, own, true, {1000}, spans);
        for (const span_record& one : below.all()) {
            spans += ',';
            append_span(finished, one, false, {1000}, spans);
        }
        return export_begin("shop \"1\"", "0.1") + std::string(spans) + std::string(export_end);
    }
};

simdjson::dom::element parsed(simdjson::dom::parser& with, const std::string& text)
{
    return with.parse(text).at_pointer("/resourceSpans/0/scopeSpans/0/spans").value();
}

TEST_F(Otlp, writes_ids_times_kinds_and_attributes_as_the_protocol_wants_them)
{
    own.attribute({.name = "http.request.method", .text = "GET"});
    own.attribute({.name = "http.response.status_code", .number = 500});
    own.begin = time_point(duration(5));
    own.end = time_point(duration(9));
    own.failed = true;
    span_record* const inner = below.open("SELECT users", span_kind::client);
    inner->begin = time_point(duration(6));
    inner->end = time_point(duration(8));
    const std::string text = written("a=1");
    simdjson::dom::parser parser;
    const auto spans = parsed(parser, text);
    const auto at = [&](const char* pointer) { return std::string(spans.at_pointer(pointer).get_string().value()); };
    EXPECT_EQ(at("/0/traceId"), "0af7651916cd43dd8448eb211c80319c");
    EXPECT_EQ(at("/0/parentSpanId"), "b7ad6b7169203331");
    EXPECT_EQ(at("/0/name"), "GET /users/{id}");
    EXPECT_EQ(at("/0/traceState"), "a=1");
    EXPECT_EQ(at("/0/startTimeUnixNano"), "1005");
    EXPECT_EQ(at("/0/endTimeUnixNano"), "1009");
    EXPECT_EQ(at("/0/attributes/1/value/intValue"), "500");
    EXPECT_EQ(spans.at_pointer("/0/kind").get_uint64().value(), 2u);
    EXPECT_EQ(spans.at_pointer("/0/status/code").get_uint64().value(), 2u);
    EXPECT_EQ(at("/1/parentSpanId"), at("/0/spanId"));
    EXPECT_EQ(at("/1/name"), "SELECT users");
    EXPECT_EQ(at("/1/endTimeUnixNano"), "1008");
    EXPECT_EQ(spans.at_pointer("/1/kind").get_uint64().value(), 3u);
}

TEST_F(Otlp, is_valid_whatever_stands_in_a_path)
{
    for (const std::string_view path :
         {std::string_view("/\"\\\n\0\x7F\xFF\xC3", 9), std::string_view("/\xED\xA0\x80")}) {
        own.attribute_count = 0;
        own.attribute({.name = "http.request.method", .text = "GET"});
        own.attribute({.name = "url.path", .text = path});
        const std::string text = written();
        simdjson::dom::parser parser;
        EXPECT_EQ(parser.parse(text).error(), simdjson::SUCCESS) << text;
    }
}

TEST_F(Otlp, has_no_parent_where_the_trace_begins)
{
    trace = trace_context::start();
    own.attribute({.name = "http.request.method", .text = "GET"});
    EXPECT_EQ(written().find("parentSpanId"), std::string::npos);
}

TEST_F(Otlp, ends_a_span_that_goes_on_with_its_request)
{
    own.attribute({.name = "http.request.method", .text = "GET"});
    own.end = time_point(duration(9));
    below.open("still there", span_kind::internal)->begin = time_point(duration(1));
    EXPECT_NE(written().find(R"("startTimeUnixNano":"1001","endTimeUnixNano":"1009")"), std::string::npos);
}

TEST(SpanLog, is_bounded_and_counts_what_it_leaves_out)
{
    span_log below;
    for (std::size_t i = 0; i < span_log::spans_max; ++i) EXPECT_NE(below.open("x", span_kind::internal), nullptr);
    EXPECT_EQ(below.open("x", span_kind::internal), nullptr);
    EXPECT_EQ(below.dropped(), 1u);
    below.clear();
    EXPECT_TRUE(below.all().empty());
}

TEST(Span, is_recorded_within_a_request_that_records_and_nowhere_else)
{
    {
        span outside("x");
        outside.attribute("a", 1);
        outside.failed();
        EXPECT_EQ(outside.record(), nullptr);
    }
    span_log below;
    context request{.spans = &below};
    context::exchange_current(&request);
    {
        span inside("x", span_kind::client);
        for (int i = 0; i < 10; ++i) inside.attribute("a", i);
        inside.failed();
    }
    context::exchange_current(nullptr);
    ASSERT_EQ(below.all().size(), 1u);
    EXPECT_TRUE(below.all()[0].failed);
    EXPECT_EQ(below.all()[0].all().size(), span_record::attributes_max);
    EXPECT_NE(below.all()[0].end, never);
}

} // namespace
} // namespace sluice::telemetry
