#include "corpus.hpp"

using namespace std::string_literals;

namespace sluice::http::testing {

namespace {

std::string post(std::string lines, std::string body)
{
    return "POST / HTTP/1.1\r\nHost: h\r\n" + std::move(lines) + "\r\n\r\n" + std::move(body);
}
std::string sized(std::string length, std::string body)
{
    return post("Content-Length: " + std::move(length), std::move(body));
}
std::string coded(std::string coding) { return post("Transfer-Encoding: " + std::move(coding), "1\r\na\r\n0\r\n\r\n"); }
std::string chunks(std::string body) { return post("Transfer-Encoding: chunked", std::move(body)); }
std::string with_trailer(std::string lines) { return chunks("1\r\na\r\n0\r\n" + std::move(lines) + "\r\n\r\n"); }

constexpr auto bad_length = "400 Content-Length is not one decimal number\n";
constexpr auto bad_coding = "400 Transfer-Encoding does not end with one chunked\n";
constexpr auto unknown_coding = "501 The transfer coding is not implemented\n";
constexpr auto both = "400 Content-Length and Transfer-Encoding exclude each other\n";
constexpr auto too_large = "413 The request body is too large\n";
constexpr auto length_required = "411 Content-Length or Transfer-Encoding is required\n";
constexpr auto bad_chunk = "400 A chunk of the request body is malformed\n";
constexpr auto bad_trailer = "400 A trailer field is malformed\n";
constexpr auto incomplete = "400 The request ended before it was complete\n";
constexpr auto body_a = "POST / host=h body=[a]\n";
constexpr auto body_abc = "POST / host=h body=[abc]\n";
const std::string next = "GET /next HTTP/1.1\r\nHost: h\r\n\r\n";
constexpr auto next_answered = "GET /next host=h\n";

} // namespace

std::vector<corpus_entry> corpus_of_framing()
{
    return {
        // Content-Length.
        {"length", "9112 6.2", sized("3", "abc"), body_abc},
        {"length_of_nothing", "9112 6.2", sized("0", ""), "POST / host=h\n"},
        {"length_with_zeros_ahead", "9110 8.6", sized("003", "abc"), body_abc},
        {"length_with_blanks", "9112 5", sized(" \t3  ", "abc"), body_abc},
        {"body_and_the_next_request", "9112 6.2", sized("3", "abc" + next),
         "POST / host=h body=[abc]\nGET /next host=h\n"},
        {"largest_body", "9110 15.5.14", sized("32", std::string(32, 'b')),
         "POST / host=h body=[" + std::string(32, 'b') + "]\n"},
        {"body_too_large", "9110 15.5.14", sized("33", std::string(33, 'b')), too_large},
        {"length_beyond_all_bounds", "9110 8.6", sized("18446744073709551615", "a"), too_large},
        {"length_that_overflows", "9110 8.6", sized("18446744073709551616", "a"), bad_length},
        {"length_that_overflows_to_a_small_one", "9110 8.6", sized("18446744073709551617", "a"), bad_length},
        {"empty_length", "9110 8.6", sized("", "abc"), bad_length},
        {"length_with_a_sign", "9110 8.6", sized("+3", "abc"), bad_length},
        {"negative_length", "9110 8.6", sized("-3", "abc"), bad_length},
        {"hexadecimal_length", "9110 8.6", sized("0x3", "abc"), bad_length},
        {"length_with_a_fraction", "9110 8.6", sized("3.0", "abc"), bad_length},
        {"two_lengths_in_a_value", "9110 8.6", sized("3 3", "abc"), bad_length},
        {"list_of_equal_lengths", "9112 6.3", sized("3, 3", "abc"), bad_length},
        {"list_of_lengths", "9112 6.3", sized("3,4", "abc"), bad_length},
        {"two_equal_lengths", "9112 6.3", post("Content-Length: 3\r\nContent-Length: 3", "abc"),
         "400 Content-Length is there more than once\n"},
        {"two_lengths", "9112 6.3", post("Content-Length: 3\r\nContent-Length: 4", "abc"),
         "400 Content-Length is there more than once\n"},
        {"body_without_its_end", "9112 8", sized("3", "ab"), incomplete},
        {"body_that_never_comes", "9112 8", sized("3", ""), incomplete},
        {"get_with_a_body", "9110 9.3.1", "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\na" + next,
         "GET / host=h body=[a]\nGET /next host=h\n"},
        {"head_with_a_body", "9110 9.3.2", "HEAD / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\na" + next,
         "HEAD / host=h body=[a]\nGET /next host=h\n"},
        {"body_of_any_bytes", "9112 6", sized("4", "\0\r\n\xFF"s), "POST / host=h body=[\0\r\n\xFF]\n"s},
        {"length_under_another_name", "9110 8.6", "GET / HTTP/1.1\r\nHost: h\r\nContent_Length: 3\r\n\r\n" + next,
         "GET / host=h\nGET /next host=h\n"},
        // No length.
        {"post_without_a_length", "9110 15.5.12", "POST / HTTP/1.1\r\nHost: h\r\n\r\n", length_required},
        {"put_without_a_length", "9110 15.5.12", "PUT / HTTP/1.1\r\nHost: h\r\n\r\n", length_required},
        {"patch_without_a_length", "9110 15.5.12", "PATCH / HTTP/1.1\r\nHost: h\r\n\r\n", length_required},
        {"post_without_a_length_in_1_0", "1945 7.2.2", "POST / HTTP/1.0\r\n\r\nabc", length_required},
        {"delete_without_a_length", "9112 6.3", "DELETE / HTTP/1.1\r\nHost: h\r\n\r\n", "DELETE / host=h\n"},
        {"get_without_a_length", "9112 6.3", "GET / HTTP/1.1\r\nHost: h\r\n\r\n" + next,
         "GET / host=h\nGET /next host=h\n"},
        // Transfer-Encoding.
        {"chunked", "9112 7.1", coded("chunked"), body_a},
        {"chunked_in_any_case", "9110 10.1.4", coded("cHuNkEd"), body_a},
        {"chunked_with_blanks", "9112 5", coded(" \tchunked \t"), body_a},
        {"length_before_chunked", "9112 6.3", post("Content-Length: 3\r\nTransfer-Encoding: chunked", "0\r\n\r\n"),
         both},
        {"length_after_chunked", "9112 6.3", post("Transfer-Encoding: chunked\r\nContent-Length: 3", "0\r\n\r\n"),
         both},
        {"length_of_nothing_and_chunked", "9112 6.3",
         post("Content-Length: 0\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), both},
        {"length_before_another_coding", "9112 6.3", post("Content-Length: 3\r\nTransfer-Encoding: gzip", "abc"), both},
        {"empty_coding", "9112 6.1", coded(""), bad_coding},
        {"coding_that_is_not_chunked", "9112 6.3", coded("gzip"), bad_coding},
        {"identity", "9112 6.3", coded("identity"), bad_coding},
        {"coding_before_chunked", "9112 6.1", coded("gzip, chunked"), unknown_coding},
        {"coding_in_a_line_before_chunked", "9112 6.1", coded("gzip\r\nTransfer-Encoding: chunked"), unknown_coding},
        {"coding_after_chunked", "9112 6.3", coded("chunked, gzip"), bad_coding},
        {"coding_in_a_line_after_chunked", "9112 6.3", coded("chunked\r\nTransfer-Encoding: gzip"), bad_coding},
        {"chunked_twice", "9112 6.1", coded("chunked, chunked"), bad_coding},
        {"chunked_in_two_lines", "9112 6.1", coded("chunked\r\nTransfer-Encoding: chunked"), bad_coding},
        {"chunked_before_an_empty_element", "9112 6.1", coded("chunked,"), bad_coding},
        {"chunked_after_an_empty_element", "9112 6.1", coded(",chunked"), bad_coding},
        {"chunked_with_a_parameter", "9112 7.1", coded("chunked;a=b"), bad_coding},
        {"nearly_chunked", "9112 6.3", coded("xchunked"), bad_coding},
        {"chunked_after_a_control", "9110 5.5", coded("\x0B"s + "chunked"), "400 A header field is malformed\n"},
        {"quoted_chunked", "9112 6.3", coded("\"chunked\""), bad_coding},
        {"chunked_in_1_0", "9112 6.1", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         "400 Transfer-Encoding does not exist in HTTP/1.0\n"},
        {"get_that_is_chunked", "9112 6.3",
         "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n" + next,
         "GET / host=h body=[a]\nGET /next host=h\n"},
        // Expect.
        {"expect_continue", "9110 10.1.1", post("Content-Length: 1\r\nExpect: 100-continue", "a"), body_a},
        {"expect_continue_in_any_case", "9110 10.1.1", post("Content-Length: 1\r\nexpect: 100-Continue", "a"), body_a},
        {"unknown_expectation", "9110 10.1.1", post("Content-Length: 1\r\nExpect: miracles", "a"),
         "417 The only expectation known is 100-continue\n"},
        {"one_unknown_expectation_of_two", "9110 10.1.1",
         post("Content-Length: 1\r\nExpect: 100-continue\r\nExpect: miracles", "a"),
         "417 The only expectation known is 100-continue\n"},
        {"list_of_expectations", "9110 10.1.1", post("Content-Length: 1\r\nExpect: 100-continue, miracles", "a"),
         "417 The only expectation known is 100-continue\n"},
    };
}

std::vector<corpus_entry> corpus_of_chunks()
{
    std::string many_extensions;
    for (int i = 0; i < 17; ++i) many_extensions += "1;e=" + std::string(247, 'v') + "\r\na\r\n";
    return {
        {"chunk", "9112 7.1", chunks("3\r\nabc\r\n0\r\n\r\n"), body_abc},
        {"chunks_in_a_row", "9112 7.1", chunks("1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"), body_abc},
        {"no_chunk", "9112 7.1", chunks("0\r\n\r\n"), "POST / host=h\n"},
        {"size_in_lower_case", "9112 7.1", chunks("a\r\n0123456789\r\n0\r\n\r\n"), "POST / host=h body=[0123456789]\n"},
        {"size_in_upper_case", "9112 7.1", chunks("A\r\n0123456789\r\n0\r\n\r\n"), "POST / host=h body=[0123456789]\n"},
        {"size_of_two_digits", "9112 7.1", chunks("10\r\n0123456789abcdef\r\n0\r\n\r\n"),
         "POST / host=h body=[0123456789abcdef]\n"},
        {"size_of_sixteen_digits", "9112 7.1", chunks("0000000000000003\r\nabc\r\n0\r\n\r\n"), body_abc},
        {"size_of_seventeen_digits", "9112 7.1", chunks("00000000000000003\r\nabc\r\n0\r\n\r\n"), bad_chunk},
        {"several_zeros_as_the_last", "9112 7.1", chunks("1\r\na\r\n000\r\n\r\n"), body_a},
        {"largest_size", "9110 15.5.14", chunks("ffffffffffffffff\r\na"), too_large},
        {"chunked_body_at_the_bound", "9110 15.5.14", chunks("20\r\n" + std::string(32, 'b') + "\r\n0\r\n\r\n"),
         "POST / host=h body=[" + std::string(32, 'b') + "]\n"},
        {"chunk_too_large", "9110 15.5.14", chunks("21\r\n" + std::string(33, 'b') + "\r\n0\r\n\r\n"), too_large},
        {"chunks_too_large_together", "9110 15.5.14",
         chunks("20\r\n" + std::string(32, 'b') + "\r\n1\r\nb\r\n0\r\n\r\n"), too_large},
        {"no_size", "9112 7.1", chunks("\r\nabc\r\n0\r\n\r\n"), bad_chunk},
        {"size_that_is_no_number", "9112 7.1", chunks("g\r\nabc\r\n0\r\n\r\n"), bad_chunk},
        {"size_with_a_prefix", "9112 7.1", chunks("0x3\r\nabc\r\n0\r\n\r\n"), bad_chunk},
        {"size_with_a_sign", "9112 7.1", chunks("+3\r\nabc\r\n0\r\n\r\n"), bad_chunk},
        {"space_before_the_size", "9112 7.1", chunks(" 3\r\nabc\r\n0\r\n\r\n"), bad_chunk},
        {"space_after_the_size", "9112 7.1", chunks("3 \r\nabc\r\n0\r\n\r\n"), bad_chunk},
        {"bare_lf_after_the_size", "9112 7.1", chunks("3\nabc\r\n0\r\n\r\n"), bad_chunk},
        {"bare_cr_after_the_size", "9112 7.1", chunks("3\rabc\r\n0\r\n\r\n"), bad_chunk},
        {"bare_lf_after_the_data", "9112 7.1", chunks("3\r\nabc\n0\r\n\r\n"), bad_chunk},
        {"bare_cr_after_the_data", "9112 7.1", chunks("3\r\nabc\r0\r\n\r\n"), bad_chunk},
        {"data_longer_than_its_size", "9112 7.1", chunks("2\r\nabc\r\n0\r\n\r\n"), bad_chunk},
        {"data_shorter_than_its_size", "9112 7.1", chunks("4\r\nabc\r\n0\r\n\r\n"), bad_chunk},
        {"chunks_without_their_end", "9112 8", chunks("3\r\nabc\r\n"), incomplete},
        {"last_chunk_without_its_end", "9112 8", chunks("3\r\nabc\r\n0\r\n"), incomplete},
        {"chunk_cut_off", "9112 8", chunks("3\r\nab"), incomplete},
        {"chunks_and_the_next_request", "9112 7.1", chunks("3\r\nabc\r\n0\r\n\r\n" + next),
         std::string(body_abc) + next_answered},
        // Extensions.
        {"extension", "9112 7.1.1", chunks("3;a\r\nabc\r\n0\r\n\r\n"), body_abc},
        {"extension_with_a_value", "9112 7.1.1", chunks("3;a=b\r\nabc\r\n0\r\n\r\n"), body_abc},
        {"extension_with_a_quoted_value", "9112 7.1.1", chunks("3;a=\"b;\\\" c\"\r\nabc\r\n0\r\n\r\n"), body_abc},
        {"several_extensions", "9112 7.1.1", chunks("3;a=b;c;d=\"e\";f\r\nabc\r\n0;g\r\n\r\n"), body_abc},
        {"extension_with_blanks", "9112 7.1.1", chunks("3 ; a\t= b ;c = \"d\"\r\nabc\r\n0\r\n\r\n"), body_abc},
        {"extension_without_a_name", "9112 7.1.1", chunks("3;\r\nabc\r\n0\r\n\r\n"), bad_chunk},
        {"extension_with_a_bad_name", "9112 7.1.1", chunks("3;(\r\nabc\r\n0\r\n\r\n"), bad_chunk},
        {"extension_with_a_bad_character", "9112 7.1.1", chunks("3;a@\r\nabc\r\n0\r\n\r\n"), bad_chunk},
        {"extension_without_its_value", "9112 7.1.1", chunks("3;a=\r\nabc\r\n0\r\n\r\n"), bad_chunk},
        {"extension_with_a_bad_value", "9112 7.1.1", chunks("3;a=@\r\nabc\r\n0\r\n\r\n"), bad_chunk},
        {"extension_with_two_values", "9112 7.1.1", chunks("3;a=b=c\r\nabc\r\n0\r\n\r\n"), bad_chunk},
        {"extension_with_text_after_its_quote", "9112 7.1.1", chunks("3;a=\"b\"c\r\nabc\r\n0\r\n\r\n"), bad_chunk},
        {"extension_with_two_words", "9112 7.1.1", chunks("3;a b\r\nabc\r\n0\r\n\r\n"), bad_chunk},
        {"space_after_an_extension", "9112 7.1.1", chunks("3;a \r\nabc\r\n0\r\n\r\n"), bad_chunk},
        {"line_end_in_a_quoted_value", "9112 7.1.1", chunks("3;a=\"\r\nabc\r\n0\r\n\r\n"), bad_chunk},
        {"line_end_behind_a_backslash", "9112 7.1.1", chunks("3;a=\"\\\r\nabc\r\n0\r\n\r\n"), bad_chunk},
        {"control_in_a_quoted_value", "9112 7.1.1", chunks("3;a=\"\x01\"\r\nabc\r\n0\r\n\r\n"), bad_chunk},
        {"bare_lf_after_an_extension", "9112 7.1.1", chunks("3;a\nabc\r\n0\r\n\r\n"), bad_chunk},
        {"extensions_at_the_bound", "9112 7.1.1", chunks("1;" + std::string(4095, 'e') + "\r\na\r\n0\r\n\r\n"), body_a},
        {"extension_too_large", "9112 7.1.1", chunks("1;" + std::string(4096, 'e') + "\r\na\r\n0\r\n\r\n"),
         "400 The chunk extensions are too large\n"},
        {"extensions_too_large_together", "9112 7.1.1", chunks(many_extensions),
         "400 The chunk extensions are too large\n"},
        // Trailers.
        {"trailer", "9112 7.1.2", with_trailer("x-a: b"), body_a},
        {"trailers", "9112 7.1.2", with_trailer("x-a: b\r\nx-c:\r\nx-d: \xFF\te"), body_a},
        {"framing_in_a_trailer_means_nothing", "9110 6.5.1",
         with_trailer("Content-Length: 9\r\nTransfer-Encoding: gzip") + next, std::string(body_a) + next_answered},
        {"trailer_without_a_name", "9112 7.1.2", with_trailer(": b"), bad_trailer},
        {"trailer_without_a_colon", "9112 7.1.2", with_trailer("x-a"), bad_trailer},
        {"trailer_with_a_space_before_the_colon", "9112 5.1", with_trailer("x-a : b"), bad_trailer},
        {"folded_trailer", "9112 5.2", with_trailer("x-a: b\r\n c"), bad_trailer},
        {"nul_in_a_trailer", "9110 5.5", with_trailer("x-a: \0"s), bad_trailer},
        {"bare_lf_after_a_trailer", "9112 2.2", with_trailer("x-a: b\nx-c: d"), bad_trailer},
        {"bare_cr_after_a_trailer", "9112 2.2", with_trailer("x-a: b\rx-c: d"), bad_trailer},
        {"bare_cr_as_the_trailers_end", "9112 2.2", chunks("0\r\n\rx"), bad_trailer},
        {"bare_lf_as_the_trailers_end", "9112 2.2", chunks("0\r\n\n"), bad_trailer},
        {"eight_trailers", "6585 5", with_trailer("a:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:"), body_a},
        {"nine_trailers", "6585 5", with_trailer("a:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:"),
         "431 There are too many header fields\n"},
        {"trailer_at_the_bound", "6585 5", with_trailer("a:" + std::string(250, 'v')), body_a},
        {"trailer_too_large", "6585 5", with_trailer("a:" + std::string(251, 'v')),
         "431 The header fields are too large\n"},
    };
}

} // namespace sluice::http::testing
