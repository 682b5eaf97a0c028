#include "corpus.hpp"

using namespace std::string_literals;

namespace sluice::http::testing {

namespace {

std::string get(std::string target) { return "GET " + std::move(target) + " HTTP/1.1\r\nHost: h\r\n\r\n"; }
std::string options(std::string target) { return "OPTIONS " + std::move(target) + " HTTP/1.1\r\nHost: h\r\n\r\n"; }

constexpr auto malformed = "400 The request target is malformed\n";
constexpr auto bad_escape = "400 The request target has an invalid percent-escape\n";
constexpr auto fragment = "400 The request target has a fragment\n";
constexpr auto too_long = "414 The request target is too long\n";

} // namespace

std::vector<corpus_entry> corpus_of_targets()
{
    return {
        // Origin form.
        {"origin_form", "9112 3.2.1", get("/a/b?c=d&e"), "GET /a/b?c=d&e host=h\n"},
        {"every_character_of_a_path", "3986 3.3", get("/azAZ09-._~!$&'()*+,;=:@/"),
         "GET /azAZ09-._~!$&'()*+,;=:@/ host=h\n"},
        {"every_character_of_a_query", "3986 3.4", get("/?azAZ09-._~!$&'()*+,;=:@/?"),
         "GET /?azAZ09-._~!$&'()*+,;=:@/? host=h\n"},
        {"what_browsers_leave_in_a_query", "3986 3.4", get("/?a[]={b}|\\^`"), "GET /?a[]={b}|\\^` host=h\n"},
        {"empty_query", "3986 3.4", get("/a?"), "GET /a host=h\n"},
        {"dot_segments_are_left", "9112 3.2.1", get("/a/../b/./c"), "GET /a/../b/./c host=h\n"},
        {"two_slashes", "9112 3.2.1", get("//a"), "GET //a host=h\n"},
        {"escape_in_the_path", "3986 2.1", get("/%41%c3%A9"), "GET /%41%c3%A9 host=h\n"},
        {"escape_in_the_query", "3986 2.1", get("/?%00%fF"), "GET /?%00%fF host=h\n"},
        {"escape_without_digits", "3986 2.1", get("/%"), bad_escape},
        {"escape_with_one_digit", "3986 2.1", get("/%4"), bad_escape},
        {"escape_with_a_wrong_first_digit", "3986 2.1", get("/%g0"), bad_escape},
        {"escape_with_a_wrong_second_digit", "3986 2.1", get("/%0g"), bad_escape},
        {"escape_across_the_query", "3986 2.1", get("/%4?1"), bad_escape},
        {"bad_escape_in_the_query", "3986 2.1", get("/?a=%zz"), bad_escape},
        {"short_escape_in_the_query", "3986 2.1", get("/?a=%a"), bad_escape},
        {"fragment", "9112 3.2", get("/a#b"), fragment},
        {"fragment_after_a_query", "9112 3.2", get("/a?b#c"), fragment},
        {"raw_bytes_in_the_path", "3986 2", get("/\xC3\xA9"), malformed},
        {"raw_bytes_in_the_query", "3986 2", get("/?\xC3\xA9"), malformed},
        {"control_in_the_path", "3986 2", get("/\x01"), malformed},
        {"nul_in_the_path", "3986 2", get("/\0"s), malformed},
        {"delete_in_the_query", "3986 2", get("/?\x7F"), malformed},
        {"quote_in_the_path", "3986 3.3", get("/\"a\""), malformed},
        {"quote_in_the_query", "3986 3.4", get("/?\"a\""), malformed},
        {"angle_bracket_in_the_path", "3986 3.3", get("/<a>"), malformed},
        {"angle_bracket_in_the_query", "3986 3.4", get("/?<a>"), malformed},
        {"bracket_in_the_path", "3986 3.3", get("/[a]"), malformed},
        {"brace_in_the_path", "3986 3.3", get("/{a}"), malformed},
        {"backslash_in_the_path", "3986 3.3", get("/a\\b"), malformed},
        {"bar_in_the_path", "3986 3.3", get("/a|b"), malformed},
        {"space_in_the_path", "9112 3.2", get("/a b"), "400 The request is not valid HTTP/1.1\n"},
        {"longest_target", "9110 15.5.15", get("/" + std::string(63, 'a')),
         "GET /" + std::string(63, 'a') + " host=h\n"},
        {"target_too_long", "9110 15.5.15", get("/" + std::string(64, 'a')), too_long},
        {"target_without_end", "9110 15.5.15", "GET /" + std::string(64, 'a'), too_long},
        {"target_too_long_and_malformed_behind", "9110 15.5.15", get("/" + std::string(80, 'a') + "\x01"), too_long},
        {"target_malformed_at_the_bound", "9110 15.5.15", get("/" + std::string(63, 'a') + "\x01"), malformed},
        {"target_too_long_before_a_bad_version", "9110 15.5.15", "GET /" + std::string(80, 'a') + " HTTP/9.9\r\n",
         too_long},
        // Absolute form.
        {"absolute_form", "9112 3.2.2", get("http://example.com/a?b"), "GET /a?b host=example.com\n"},
        {"absolute_form_https", "9112 3.2.2", get("https://example.com:443/"), "GET / host=example.com:443\n"},
        {"scheme_in_any_case", "3986 3.1", get("HtTp://h/"), "GET / host=h\n"},
        {"another_scheme", "9110 4.2", get("ftp://h/"),
         "400 The request target has another scheme than http or https\n"},
        {"absolute_form_without_a_path", "9110 4.2.3", get("http://example.com"), "GET / host=example.com\n"},
        {"absolute_form_with_only_a_query", "9112 3.2.1", get("http://example.com?a"), "GET /?a host=example.com\n"},
        {"absolute_form_overrides_host", "9112 3.2.2", "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", "GET / host=a\n"},
        {"absolute_form_needs_host", "9112 3.2", "GET http://a/ HTTP/1.1\r\n\r\n", "400 Host is missing\n"},
        {"absolute_form_needs_a_valid_host", "9112 3.2", "GET http://a/ HTTP/1.1\r\nHost: b/c\r\n\r\n",
         "400 Host is malformed\n"},
        {"absolute_form_with_ipv6", "3986 3.2.2", get("http://[2001:db8::1]:80/"), "GET / host=[2001:db8::1]:80\n"},
        {"absolute_form_with_userinfo", "9110 4.2.4", get("http://user@h/"), malformed},
        {"absolute_form_without_a_host", "9110 4.2.1", get("http:///a"), malformed},
        {"absolute_form_with_only_a_port", "9110 4.2.1", get("http://:80/"), malformed},
        {"absolute_form_with_a_bad_port", "3986 3.2.3", get("http://h:8x/"), malformed},
        {"absolute_form_with_a_bad_escape", "3986 2.1", get("http://h/%"), bad_escape},
        {"absolute_form_with_a_fragment", "9112 3.2", get("http://h/#a"), fragment},
        {"absolute_form_with_a_fragment_at_once", "9112 3.2", get("http://h#a"), malformed},
        {"one_slash_after_the_scheme", "3986 3", get("http:/h"), malformed},
        {"no_slash_after_the_scheme", "3986 3", get("http:h"), malformed},
        // Authority and asterisk form.
        {"authority_form_without_connect", "9112 3.2.3", get("h:80"), malformed},
        {"connect_with_a_path", "9112 3.2.3", "CONNECT / HTTP/1.1\r\nHost: h\r\n\r\n",
         "501 The method is not implemented\n"},
        {"asterisk_form", "9112 3.2.4", options("*"), "OPTIONS * host=h\n"},
        {"asterisk_form_of_another_method", "9112 3.2.4", get("*"),
         "400 The form of the request target does not fit the method\n"},
        {"asterisk_and_more", "9112 3.2.4", options("*a"), malformed},
        {"options_absolute_without_a_path", "9112 3.2.4", options("http://h"), "OPTIONS * host=h\n"},
        {"options_absolute_with_a_path", "9112 3.2.4", options("http://h/"), "OPTIONS / host=h\n"},
        {"options_absolute_with_only_a_query", "9112 3.2.4", options("http://h?a"), "OPTIONS /?a host=h\n"},
        {"no_slash_ahead", "9112 3.2", get("a/b"), malformed},
        {"no_target", "9112 3.2", "GET HTTP/1.1\r\nHost: h\r\n\r\n", malformed},
    };
}

} // namespace sluice::http::testing
