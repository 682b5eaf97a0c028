#include "corpus.hpp"

namespace sluice::http::testing {

namespace {

std::string with(std::string_view version, std::string_view lines)
{
    return "GET / HTTP/" + std::string(version) + "\r\nHost: h\r\n" + std::string(lines) + "\r\n";
}
const std::string next = "GET /next HTTP/1.1\r\nHost: h\r\n\r\n";

constexpr auto kept = "GET / host=h\nGET /next host=h\n";
constexpr auto closed = "GET / host=h close\n";
constexpr auto kept_1_0 = "GET / 1.0 host=h\nGET /next host=h\n";
constexpr auto closed_1_0 = "GET / 1.0 host=h close\n";

} // namespace

std::vector<corpus_entry> corpus_of_connections()
{
    return {
        {"kept_by_default", "9112 9.3", with("1.1", "") + next, kept},
        {"close", "9112 9.6", with("1.1", "Connection: close\r\n"), closed},
        {"bytes_after_close_are_ignored", "9112 9.6", with("1.1", "Connection: close\r\n") + next, closed},
        {"nonsense_after_close_is_ignored", "9112 9.6", with("1.1", "Connection: close\r\n") + "\x16\x03", closed},
        {"close_in_any_case", "9110 7.6.1", with("1.1", "cOnNeCtIoN: cLoSe\r\n") + next, closed},
        {"close_in_a_list", "9110 7.6.1", with("1.1", "Connection: a , close\t,b\r\n") + next, closed},
        {"close_in_a_second_line", "9110 7.6.1", with("1.1", "Connection: a\r\nConnection: close\r\n") + next, closed},
        {"close_after_empty_elements", "9110 5.6.1", with("1.1", "Connection: , ,close\r\n") + next, closed},
        {"close_and_keep_alive", "9112 9.3", with("1.1", "Connection: keep-alive, close\r\n") + next, closed},
        {"nearly_close", "9110 7.6.1", with("1.1", "Connection: closed, enclose\r\n") + next, kept},
        {"close_with_a_body", "9112 9.6", with("1.1", "Connection: close\r\nContent-Length: 1\r\n") + "a" + next,
         "GET / host=h body=[a] close\n"},
        {"proxy_connection_means_nothing", "9112 9.6", with("1.1", "Proxy-Connection: close\r\n") + next, kept},
        {"keep_alive_in_1_1", "9112 9.3", with("1.1", "Connection: keep-alive\r\n") + next, kept},
        {"closed_in_1_0", "9112 9.3", with("1.0", "") + next, closed_1_0},
        {"keep_alive_in_1_0", "9112 9.3", with("1.0", "Connection: keep-alive\r\n") + next, kept_1_0},
        {"keep_alive_in_any_case", "9110 7.6.1", with("1.0", "Connection: Keep-Alive\r\n") + next, kept_1_0},
        {"close_and_keep_alive_in_1_0", "9112 9.3", with("1.0", "Connection: close, keep-alive\r\n") + next,
         closed_1_0},
        {"another_option_in_1_0", "9112 9.3", with("1.0", "Connection: upgrade\r\n") + next, closed_1_0},
        {"upgrade_is_ignored", "9110 7.8", with("1.1", "Connection: Upgrade\r\nUpgrade: h2c\r\n") + next, kept},
        {"upgrade_with_a_body_is_ignored", "9110 7.8",
         with("1.1", "Connection: Upgrade\r\nUpgrade: x\r\nContent-Length: 1\r\n") + "a" + next,
         "GET / host=h body=[a]\nGET /next host=h\n"},
        {"expect_continue_in_1_0_is_ignored", "9110 10.1.1", with("1.0", "Expect: 100-continue\r\n"), closed_1_0},
        {"pipelined", "9112 9.3.2", with("1.1", "") + next + next,
         "GET / host=h\nGET /next host=h\nGET /next host=h\n"},
        {"answered_before_a_refusal", "9112 9.3.2", with("1.1", "") + next + "BREW / HTTP/1.1\r\n\r\n" + next,
         "GET / host=h\nGET /next host=h\n501 The method is not implemented\n"},
        {"answered_before_an_end", "9112 9.6", with("1.1", "") + "GET /nex",
         "GET / host=h\n400 The request ended before it was complete\n"},
        {"nothing_after_a_refusal", "9112 2.2", "GET / HTTP/1.1\r\n\r\n" + next, "400 Host is missing\n"},
    };
}

} // namespace sluice::http::testing
