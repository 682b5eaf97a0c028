#include <sluice/core/json_escape.hpp>
#include <sluice/coro/stop.hpp>
#include <sluice/http/problem.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace sluice::http {

namespace {

constexpr std::chrono::milliseconds retry_after_default = std::chrono::seconds(1);

template <class Number> void append_number(pooled_string& out, Number value)
{
    std::array<char, 20> digits;
    out.append(digits.data(), std::to_chars(digits.begin(), digits.end(), value).ptr);
}

void append_member(pooled_string& out, std::string_view name, std::string_view value)
{
    append_json_string(out, name);
    out.push_back(':');
    append_json_string(out, value);
}

void append_violations(pooled_string& out, const std::vector<violation>& violations)
{
    out.append(",\"errors\":[");
    for (const violation& broken : violations) {
        out.append(&broken == violations.data() ? "{" : ",{");
        append_member(out, "pointer", broken.pointer);
        out.push_back(',');
        append_member(out, "detail", broken.detail);
        out.push_back('}');
    }
    out.push_back(']');
}

response make(status code, std::string_view detail, const context* of, const std::vector<violation>* violations)
{
    pooled_string body;
    body.reserve(256 + detail.size());
    body.append(R"({"type":"about:blank",)");
    append_member(body, "title", reason(code));
    body.append(R"(,"status":)");
    append_number(body, static_cast<std::uint16_t>(code));
    body.push_back(',');
    append_member(body, "detail", detail.empty() ? reason(code) : detail);
    if (of != nullptr) {
        std::array<char, 32> digits;
        of->trace.write_trace_id(digits.data());
        body.push_back(',');
        append_member(body, "trace_id", {digits.data(), digits.size()});
    }
    if (violations != nullptr) append_violations(body, *violations);
    body.push_back('}');
    response answer(code);
    answer.body(std::move(body), application_problem_json);
    return answer;
}

void add_retry_after(response& answer, std::chrono::milliseconds wait)
{
    // Whole seconds, rounded up so that nobody comes too early.
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait.count() > 0 ? wait : retry_after_default);
    std::array<char, 20> digits;
    const char* const end = std::to_chars(digits.begin(), digits.end(), seconds.count()).ptr;
    answer.header("Retry-After", {digits.data(), end});
}

} // namespace

status status_of(errc code) noexcept
{
    switch (code) {
    case errc::malformed:
        return status::bad_request;
    case errc::invalid:
        return status::unprocessable_content;
    case errc::not_found:
        return status::not_found;
    case errc::conflict:
        return status::conflict;
    case errc::precondition_failed:
        return status::precondition_failed;
    case errc::unsupported_media_type:
        return status::unsupported_media_type;
    case errc::too_large:
        return status::content_too_large;
    case errc::too_many_requests:
        return status::too_many_requests;
    case errc::unavailable:
        return status::service_unavailable;
    case errc::overloaded:
        return status::service_unavailable;
    case errc::outcome_unknown:
        return status::service_unavailable;
    case errc::timeout:
        return status::gateway_timeout;
    case errc::too_slow:
        return status::request_timeout;
    case errc::cancelled:
        return status::service_unavailable;
    case errc::internal:
        return status::internal_server_error;
    }
    return status::internal_server_error;
}

response problem(const error& failure, const context* of)
{
    status code = status_of(failure.code);
    // Its stop is requested when its client has gone, who sees no answer, or when its deadline has passed.
    const bool stopped = of != nullptr && of->stop != nullptr && of->stop->requested();
    if (failure.code == errc::cancelled && stopped) code = status::gateway_timeout;
    response answer = make(code, failure.detail, of, failure.code == errc::invalid ? &failure.violations : nullptr);
    const bool later = code == status::service_unavailable || code == status::too_many_requests;
    if (later && failure.retryable()) add_retry_after(answer, failure.retry_after);
    return answer;
}

response problem(status code, std::string_view detail, const context* of) { return make(code, detail, of, nullptr); }

} // namespace sluice::http
