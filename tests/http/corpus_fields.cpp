#include "corpus.hpp"

using namespace std::string_literals;

namespace sluice::http::testing {

namespace {

// A request with lines of its own behind Host.
std::string with(std::string lines) { return "GET / HTTP/1.1\r\nHost: h\r\n" + std::move(lines) + "\r\n\r\n"; }
std::string hosted(std::string host) { return "GET / HTTP/1.1\r\nHost: " + std::move(host) + "\r\n\r\n"; }
std::string answered_for(std::string_view host) { return "GET / host=" + std::string(host) + "\n"; }
std::string lines(int count)
{
    std::string all;
    for (int i = 0; i < count; ++i) all += "a: b\r\n";
    return all.substr(0, all.size() - 2);
}
// A head of exactly `bytes` bytes.
std::string head_of(std::size_t bytes)
{
    const std::string rest = with("a: ");
    return with("a: " + std::string(bytes - rest.size(), 'v'));
}

constexpr auto malformed = "400 A header field is malformed\n";
constexpr auto folded = "400 A header field is folded over several lines\n";
constexpr auto line_end = "400 A line does not end with CR LF\n";
constexpr auto bad_host = "400 Host is malformed\n";
constexpr auto repeated_host = "400 Host is there more than once\n";

} // namespace

std::vector<corpus_entry> corpus_of_fields()
{
    return {
        {"value", "9110 5.5", with("x-a: b"), "GET / host=h x-a=[b]\n"},
        {"no_blank_before_the_value", "9112 5", with("x-a:b"), "GET / host=h x-a=[b]\n"},
        {"blanks_around_the_value", "9112 5", with("x-a: \t  b c\t \t"), "GET / host=h x-a=[b c]\n"},
        {"spaces_around_the_value", "9112 5", with("x-a:   b   "), "GET / host=h x-a=[b]\n"},
        {"empty_value", "9110 5.5", with("x-a:"), "GET / host=h x-a=[]\n"},
        {"value_of_blanks", "9110 5.5", with("x-a: \t "), "GET / host=h x-a=[]\n"},
        {"value_of_spaces", "9110 5.5", with("x-a:    "), "GET / host=h x-a=[]\n"},
        {"tab_within_the_value", "9110 5.5", with("x-a: b\tc"), "GET / host=h x-a=[b\tc]\n"},
        {"raw_bytes_in_the_value", "9110 5.5", with("x-a: \x80\xFF"), "GET / host=h x-a=[\x80\xFF]\n"},
        {"every_visible_character_in_the_value", "9110 5.5", with("x-a: !\"#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~"),
         "GET / host=h x-a=[!\"#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~]\n"},
        {"value_of_15_bytes", "9110 5.5", with("x-a: 123456789012345"), "GET / host=h x-a=[123456789012345]\n"},
        {"value_of_16_bytes", "9110 5.5", with("x-a: 1234567890123456"), "GET / host=h x-a=[1234567890123456]\n"},
        {"value_of_33_bytes", "9110 5.5", with("x-a: 123456789012345678901234567890123"),
         "GET / host=h x-a=[123456789012345678901234567890123]\n"},
        {"every_character_of_a_name", "9110 5.6.2", with("x-!#$%&'*+-.^_`|~09azAZ: b"),
         "GET / host=h x-!#$%&'*+-.^_`|~09azAZ=[b]\n"},
        {"name_of_20_bytes", "9110 5.1", with("x-345678901234567890: b"), "GET / host=h x-345678901234567890=[b]\n"},
        {"names_in_any_case", "9110 5.1", "POST / HTTP/1.1\r\nhOsT: h\r\ncONTENT-lENGTH: 1\r\n\r\na",
         "POST / host=h body=[a]\n"},
        {"fields_of_one_name", "9110 5.3", with("x-a: b\r\nx-a: c"), "GET / host=h x-a=[b] x-a=[c]\n"},
        {"space_before_the_colon", "9112 5.1", with("x-a : b"), malformed},
        {"tab_before_the_colon", "9112 5.1", with("x-a\t: b"), malformed},
        {"space_before_the_colon_of_a_length", "9112 5.1", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length : 1\r\n\r\na",
         malformed},
        {"space_before_the_colon_of_a_coding", "9112 5.1", with("Transfer-Encoding : chunked"), malformed},
        {"space_within_the_name", "9110 5.1", with("x a: b"), malformed},
        {"empty_name", "9110 5.1", with(": b"), malformed},
        {"no_colon", "9112 5", with("x-a"), malformed},
        {"delimiter_in_the_name", "9110 5.1", with("x(a): b"), malformed},
        {"raw_bytes_in_the_name", "9110 5.1", with("x-\xC3\xA9: b"), malformed},
        {"nul_in_the_name", "9110 5.1", with("x-\0: b"s), malformed},
        {"nul_in_the_value", "9110 5.5", with("x-a: b\0c"s), malformed},
        {"control_in_the_value", "9110 5.5", with("x-a: b\x01"s + "c"), malformed},
        {"delete_in_the_value", "9110 5.5", with("x-a: b\x7F"s + "c"), malformed},
        {"control_in_connection", "9110 5.5", with("Connection: close\x01"), malformed},
        {"bare_cr_in_the_value", "9112 2.2", with("x-a: b\rc"), line_end},
        {"cr_before_the_line_end", "9112 2.2", with("x-a: b\r"), line_end},
        {"bare_lf_after_a_value", "9112 2.2", with("x-a: b\nx-b: c"), malformed},
        {"bare_lf_after_a_tab", "9112 2.2", with("x-a: b\t\nx-b: c"), malformed},
        {"bare_lf_after_a_control", "9112 2.2", with("x-a: b\x01\nx-b: c"), malformed},
        {"bare_lf_after_raw_bytes", "9112 2.2", with("x-a: b\xFF\nx-b: c"), malformed},
        {"bare_lf_after_an_empty_value", "9112 2.2", with("x-a:\nx-b: c"), malformed},
        {"bare_lf_after_connection", "9112 2.2", with("Connection: close\nx-b: c"), malformed},
        {"bare_lf_after_a_length", "9112 2.2", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\nx-b: c\r\n\r\na",
         malformed},
        {"bare_lf_after_a_coding", "9112 2.2", with("Transfer-Encoding: chunked\nx-b: c"), malformed},
        {"bare_lf_as_the_empty_line", "9112 2.2", "GET / HTTP/1.1\r\nHost: h\r\n\n", line_end},
        {"bare_cr_as_the_empty_line", "9112 2.2", "GET / HTTP/1.1\r\nHost: h\r\n\rx",
         "400 The request is not valid HTTP/1.1\n"},
        {"folded_with_a_space", "9112 5.2", with("x-a: b\r\n c"), folded},
        {"folded_with_a_tab", "9112 5.2", with("x-a: b\r\n\tc"), folded},
        {"folded_after_an_empty_value", "9112 5.2", with("x-a:\r\n b"), folded},
        {"folded_with_nothing_but_blanks", "9112 5.2", with("x-a: b\r\n "), folded},
        {"folded_before_another_field", "9112 5.2", with("x-a: b\r\n c\r\nx-b: d"), folded},
        {"folded_host", "9112 5.2", "GET / HTTP/1.1\r\nHost:\r\n h\r\n\r\n", folded},
        {"folded_coding", "9112 5.2", with("Transfer-Encoding:\r\n chunked"), folded},
        {"blank_before_the_first_field", "9112 2.2", "GET / HTTP/1.1\r\n Host: h\r\n\r\n", folded},
        {"eight_fields", "6585 5", with(lines(7)), "GET / host=h\n"},
        {"nine_fields", "6585 5", with(lines(8)), "431 There are too many header fields\n"},
        {"fields_beyond_the_bound_are_still_checked", "6585 5", with(lines(8) + "\r\na b: c"), malformed},
        {"largest_head", "6585 5", head_of(256), "GET / host=h\n"},
        {"head_too_large", "6585 5", head_of(257), "431 The header fields are too large\n"},
        {"head_without_end", "6585 5", "GET / HTTP/1.1\r\nHost: h\r\na: " + std::string(300, 'v'),
         "431 The header fields are too large\n"},
        {"malformed_beyond_the_bound", "6585 5", head_of(300) + "\x01", "431 The header fields are too large\n"},
        {"name_without_end", "6585 5", "GET / HTTP/1.1\r\n" + std::string(300, 'n'),
         "431 The header fields are too large\n"},
    };
}

std::vector<corpus_entry> corpus_of_hosts()
{
    const std::string long_port = "h:" + std::string(40, '0') + "80";
    return {
        {"host_missing", "9112 3.2", "GET / HTTP/1.1\r\n\r\n", "400 Host is missing\n"},
        {"host_missing_among_others", "9112 3.2", "GET / HTTP/1.1\r\nx-a: b\r\n\r\n", "400 Host is missing\n"},
        {"host_not_needed_in_1_0", "9112 3.2", "GET / HTTP/1.0\r\n\r\n", "GET / 1.0 close\n"},
        {"host_used_in_1_0", "9112 3.2", "GET / HTTP/1.0\r\nHost: h\r\n\r\n", "GET / 1.0 host=h close\n"},
        {"host_twice", "9112 3.2", with("Host: i"), repeated_host},
        {"host_twice_the_same", "9112 3.2", with("host: h"), repeated_host},
        {"host_twice_in_1_0", "9112 3.2", "GET / HTTP/1.0\r\nHost: h\r\nHost: h\r\n\r\n", repeated_host},
        {"bad_host_in_1_0", "9112 3.2", "GET / HTTP/1.0\r\nHost: a b\r\n\r\n", bad_host},
        {"empty_host", "9112 3.2", hosted(""), answered_for("")},
        {"every_character_of_a_name_as_host", "3986 3.2.2", hosted("azAZ09-._~!$&'()*+,;="),
         answered_for("azAZ09-._~!$&'()*+,;=")},
        {"escape_in_the_host", "3986 3.2.2", hosted("a%2Db"), answered_for("a%2Db")},
        {"bad_escape_in_the_host", "3986 3.2.2", hosted("a%2xb"), bad_host},
        {"escape_at_the_hosts_end", "3986 3.2.2", hosted("a%2"), bad_host},
        {"ipv4_as_host", "3986 3.2.2", hosted("127.0.0.1"), answered_for("127.0.0.1")},
        {"ipv6_as_host", "3986 3.2.2", hosted("[::1]"), answered_for("[::1]")},
        {"ipv6_with_ipv4_as_host", "3986 3.2.2", hosted("[::ffff:192.0.2.1]"), answered_for("[::ffff:192.0.2.1]")},
        {"ipv6_and_port_as_host", "3986 3.2.2", hosted("[2001:db8::1]:8080"), answered_for("[2001:db8::1]:8080")},
        {"bad_ipv6", "3986 3.2.2", hosted("[::1::]"), bad_host},
        {"empty_ipv6", "3986 3.2.2", hosted("[]"), bad_host},
        {"ipv6_without_its_end", "3986 3.2.2", hosted("[::1"), bad_host},
        {"ipv6_without_its_brackets", "3986 3.2.2", hosted("::1"), bad_host},
        {"ipv6_with_a_zone", "3986 3.2.2", hosted("[fe80::1%25eth0]"), bad_host},
        {"ipv6_much_too_long", "3986 3.2.2", hosted("[" + std::string(60, '1') + "]"), bad_host},
        {"text_after_ipv6", "3986 3.2.2", hosted("[::1]a"), bad_host},
        {"future_address", "3986 3.2.2", hosted("[v1.a:b]"), answered_for("[v1.a:b]")},
        {"future_address_without_a_version", "3986 3.2.2", hosted("[v.a]"), bad_host},
        {"future_address_without_a_dot", "3986 3.2.2", hosted("[v1]"), bad_host},
        {"future_address_without_an_address", "3986 3.2.2", hosted("[v1.]"), bad_host},
        {"future_address_with_a_bad_version", "3986 3.2.2", hosted("[vg.a]"), bad_host},
        {"future_address_with_a_bad_character", "3986 3.2.2", hosted("[v1.a/b]"), bad_host},
        {"port", "3986 3.2.3", hosted("h:8080"), answered_for("h:8080")},
        {"empty_port", "3986 3.2.3", hosted("h:"), answered_for("h:")},
        {"port_with_zeros_ahead", "3986 3.2.3", hosted(long_port), answered_for(long_port)},
        {"largest_port", "9110 4.2.1", hosted("h:65535"), answered_for("h:65535")},
        {"port_too_large", "9110 4.2.1", hosted("h:65536"), bad_host},
        {"port_much_too_large", "9110 4.2.1", hosted("h:4294967376"), bad_host},
        {"letter_in_the_port", "3986 3.2.3", hosted("h:8a"), bad_host},
        {"two_ports", "3986 3.2.3", hosted("h:80:80"), bad_host},
        {"userinfo_in_host", "9110 7.2", hosted("user@h"), bad_host},
        {"path_in_host", "9110 7.2", hosted("h/a"), bad_host},
        {"space_in_host", "9110 7.2", hosted("a b"), bad_host},
        {"list_as_host", "9110 7.2", hosted("a, b"), bad_host},
        {"raw_bytes_in_host", "3986 3.2.2", hosted("h\xC3\xA9"), bad_host},
        {"scheme_in_host", "9110 7.2", hosted("http://h"), bad_host},
        {"blanks_around_host", "9112 5", hosted(" \th \t"), answered_for("h")},
    };
}

} // namespace sluice::http::testing
