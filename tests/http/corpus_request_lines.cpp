#include "corpus.hpp"

using namespace std::string_literals;

namespace sluice::http::testing {

namespace {

// A request whose request line is given, with nothing but Host.
std::string line(std::string text) { return std::move(text) + "\r\nHost: h\r\n\r\n"; }

constexpr auto malformed_line = "400 The request line is malformed\n";
constexpr auto unknown_method = "501 The method is not implemented\n";
constexpr auto unknown_version = "505 The version is neither HTTP/1.0 nor HTTP/1.1\n";
constexpr auto line_end = "400 A line does not end with CR LF\n";
constexpr auto incomplete = "400 The request ended before it was complete\n";
const std::string fine = line("GET / HTTP/1.1");

} // namespace

std::vector<corpus_entry> corpus_of_request_lines()
{
    return {
        // Methods.
        {"get", "9110 9.3.1", fine, "GET / host=h\n"},
        {"head", "9110 9.3.2", line("HEAD / HTTP/1.1"), "HEAD / host=h\n"},
        {"post", "9110 9.3.3", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", "POST / host=h\n"},
        {"put", "9110 9.3.4", "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", "PUT / host=h\n"},
        {"patch", "5789 2", "PATCH / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", "PATCH / host=h\n"},
        {"delete", "9110 9.3.5", line("DELETE / HTTP/1.1"), "DELETE / host=h\n"},
        {"options", "9110 9.3.7", line("OPTIONS / HTTP/1.1"), "OPTIONS / host=h\n"},
        {"trace", "9110 9.3.8", line("TRACE / HTTP/1.1"), "TRACE / host=h\n"},
        {"connect", "9110 9.3.6", line("CONNECT h:80 HTTP/1.1"), unknown_method},
        {"unknown_method", "9110 9.1", line("BREW / HTTP/1.1"), unknown_method},
        {"registered_method_of_others", "9110 9.1", line("PROPFIND / HTTP/1.1"), unknown_method},
        {"method_in_lower_case", "9110 9.1", line("get / HTTP/1.1"), unknown_method},
        {"method_with_a_known_beginning", "9110 9.1", line("GETS / HTTP/1.1"), unknown_method},
        {"method_of_32_bytes", "9112 3", line(std::string(32, 'M') + " / HTTP/1.1"), unknown_method},
        {"method_too_long_to_wait_for", "9112 3", std::string(33, 'M'), unknown_method},
        {"method_with_a_delimiter", "9110 9.1", line("G@T / HTTP/1.1"), malformed_line},
        {"method_followed_by_tab", "9112 3", line("GET\t/ HTTP/1.1"), malformed_line},
        {"space_before_the_method", "9112 3", line(" GET / HTTP/1.1"), malformed_line},
        {"a_response", "9112 2.1", "HTTP/1.1 200 OK\r\n\r\n", malformed_line},
        {"a_tls_hello", "9112 2.1", "\x16\x03\x01\x02"s, malformed_line},
        {"nul_before_the_method", "9112 3", line("\0GET / HTTP/1.1"s), malformed_line},
        // The line's frame.
        {"two_spaces_before_the_target", "9112 3", line("GET  / HTTP/1.1"), malformed_line},
        {"two_spaces_before_the_version", "9112 3", line("GET /  HTTP/1.1"), malformed_line},
        {"tab_before_the_version", "9112 3", line("GET /\tHTTP/1.1"), "400 The request target is malformed\n"},
        {"space_after_the_version", "9112 3", line("GET / HTTP/1.1 "), malformed_line},
        {"text_after_the_version", "9112 3", line("GET / HTTP/1.1 x"), malformed_line},
        {"bare_lf_after_the_version", "9112 2.2", "GET / HTTP/1.1\nHost: h\r\n\r\n", line_end},
        {"bare_cr_after_the_version", "9112 2.2", "GET / HTTP/1.1\rHost: h\r\n\r\n", malformed_line},
        {"bare_lf_everywhere", "9112 2.2", "GET / HTTP/1.1\n\n", line_end},
        // Versions.
        {"version_1_0", "9110 2.5", line("GET / HTTP/1.0"), "GET / 1.0 host=h close\n"},
        {"no_version", "9112 3", "GET /\r\nHost: h\r\n\r\n", malformed_line},
        {"version_0_9", "9110 15.6.6", line("GET / HTTP/0.9"), unknown_version},
        {"version_1_2", "9110 15.6.6", line("GET / HTTP/1.2"), unknown_version},
        {"version_2_0", "9110 15.6.6", line("GET / HTTP/2.0"), unknown_version},
        {"version_3_0", "9110 15.6.6", line("GET / HTTP/3.0"), unknown_version},
        {"preface_of_http_2", "9113 3.4", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", unknown_version},
        {"version_with_two_digits", "9112 2.3", line("GET / HTTP/1.10"), malformed_line},
        {"version_with_a_zero_ahead", "9112 2.3", line("GET / HTTP/01.1"), malformed_line},
        {"version_without_a_dot", "9112 2.3", line("GET / HTTP/11"), malformed_line},
        {"version_with_a_letter", "9112 2.3", line("GET / HTTP/1.x"), malformed_line},
        {"version_in_lower_case", "9112 2.3", line("GET / http/1.1"), "400 The request is not valid HTTP/1.1\n"},
        {"another_protocol", "9112 2.3", line("GET / RTSP/1.0"), malformed_line},
        // Empty lines ahead.
        {"empty_line_ahead", "9112 2.2", "\r\n" + fine, "GET / host=h\n"},
        {"four_empty_lines_ahead", "9112 2.2", "\r\n\r\n\r\n\r\n" + fine, "GET / host=h\n"},
        {"five_empty_lines_ahead", "9112 2.2", "\r\n\r\n\r\n\r\n\r\n" + fine,
         "400 Too many empty lines before the request\n"},
        {"empty_lines_between_requests", "9112 2.2", fine + "\r\n\r\n" + fine, "GET / host=h\nGET / host=h\n"},
        {"empty_lines_are_counted_anew", "9112 2.2", "\r\n\r\n\r\n" + fine + "\r\n\r\n\r\n" + fine,
         "GET / host=h\nGET / host=h\n"},
        {"bare_lf_ahead", "9112 2.2", "\n" + fine, line_end},
        {"bare_cr_ahead", "9112 2.2", "\r" + fine, line_end},
        {"two_crs_ahead", "9112 2.2", "\r\r\n" + fine, line_end},
        // Ends.
        {"nothing", "9112 8", "", ""},
        {"nothing_but_an_empty_line", "9112 2.2", "\r\n", ""},
        {"end_within_the_method", "9112 8", "GE", incomplete},
        {"end_within_an_unknown_method", "9112 8", "BRE", incomplete},
        {"end_within_the_target", "9112 8", "GET /a", incomplete},
        {"end_within_the_fields", "9112 8", "GET / HTTP/1.1\r\nHost: h\r\n", incomplete},
        {"end_before_the_last_lf", "9112 8", "GET / HTTP/1.1\r\nHost: h\r\n\r", incomplete},
    };
}

} // namespace sluice::http::testing
