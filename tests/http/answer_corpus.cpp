#include "answer_corpus.hpp"

namespace sluice::http::testing {

using enum method;

const std::vector<answer_case>& answer_corpus()
{
    using namespace std::string_view_literals;
    static const std::vector<answer_case> cases = {
        // --- What servers send.
        {"sized", get, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "200 Content-Length=[2] body=[hi] keep"},
        {"empty", get, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200 Content-Length=[0] body=[] keep"},
        {"no_reason", get, "HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n", "404 Content-Length=[0] body=[] keep"},
        {"obs_text_reason", get, "HTTP/1.1 200 \xE9t\xE9\r\nContent-Length: 0\r\n\r\n",
         "200 Content-Length=[0] body=[] keep"},
        {"blanks", get, "HTTP/1.1 200 OK\r\nX: \t a b \t\r\nEmpty:\r\nContent-Length:2\r\n\r\nhi",
         "200 X=[a b] Empty=[] Content-Length=[2] body=[hi] keep"},
        {"chunked", get, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
         "200 Transfer-Encoding=[chunked] body=[abcde] keep"},
        {"chunked_in_capitals", get, "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n",
         "200 Transfer-Encoding=[Chunked] body=[] keep"},
        {"trailer", get, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: y\r\n\r\n",
         "200 Transfer-Encoding=[chunked] body=[a] keep"},
        {"until_close", get, "HTTP/1.1 200 OK\r\n\r\nall of it", "200 body=[all of it]"},
        {"until_close_empty", get, "HTTP/1.0 200 OK\r\n\r\n", "200 body=[]"},
        {"close", get, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
         "200 Content-Length=[0] Connection=[close] body=[]"},
        {"version_1_0", get, "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", "200 Content-Length=[1] body=[a]"},
        {"version_1_0_kept", get, "HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: Keep-Alive\r\n\r\na",
         "200 Content-Length=[1] Connection=[Keep-Alive] body=[a] keep"},
        {"more_than_was_asked", get, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc",
         "200 Content-Length=[1] body=[a] keep rest=2"},
        // --- Answers without a body, whatever they say.
        {"head", head, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
         "200 Content-Length=[1000000] body=[] keep"},
        {"head_chunked", head, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
         "200 Transfer-Encoding=[chunked] body=[] keep"},
        {"head_until_close", head, "HTTP/1.1 200 OK\r\n\r\n", "200 body=[] keep"},
        {"not_modified", get, "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
         "304 Content-Length=[9] body=[] keep"},
        {"no_content", delete_, "HTTP/1.1 204 No Content\r\n\r\n", "204 body=[] keep"},
        {"no_content_with_a_body", delete_, "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nhi",
         "204 Content-Length=[2] body=[] rest=2"},
        // --- Interim answers.
        {"continue", post, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
         "201 Content-Length=[0] body=[] keep"},
        {"early_hints", get,
         "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 "
         "OK\r\nContent-Length: "
         "1\r\n\r\na",
         "200 Content-Length=[1] body=[a] keep"},
        {"only_continue", get, "HTTP/1.1 100 Continue\r\n\r\n", "incomplete"},
        {"switching", get, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
         "malformed"},
        {"interim_without_end", get,
         "HTTP/1.1 103 Early Hints\r\nX: 0123456789012345678901234567890123456789\r\n\r\n"
         "HTTP/1.1 103 Early Hints\r\nX: 0123456789012345678901234567890123456789\r\n\r\n"
         "HTTP/1.1 103 Early Hints\r\nX: 0123456789012345678901234567890123456789\r\n\r\n"
         "HTTP/1.1 103 Early Hints\r\nX: 0123456789012345678901234567890123456789\r\n\r\n",
         "head too large"},
        // --- Lengths that could be read in two ways.
        {"length_and_coding", get,
         "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "malformed"},
        {"coding_and_length", get,
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", "malformed"},
        {"two_lengths", get, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi", "malformed"},
        {"length_list", get, "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nhi", "malformed"},
        {"length_sign", get, "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nhi", "malformed"},
        {"length_negative", get, "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nhi", "malformed"},
        {"length_hex", get, "HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\nhi", "malformed"},
        {"length_nothing", get, "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nhi", "malformed"},
        {"length_overflow", get, "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551618\r\n\r\nhi", "malformed"},
        {"other_coding", get, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nxx", "malformed"},
        {"coding_before_chunked", get, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
         "malformed"},
        {"coding_after_chunked", get, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
         "malformed"},
        {"chunked_twice", get,
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "malformed"},
        {"chunked_vertical_tab", get, "HTTP/1.1 200 OK\r\nTransfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n", "malformed"},
        {"chunked_in_1_0", get, "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "malformed"},
        {"head_ambiguous", head, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
         "malformed"},
        // --- Lines.
        {"bare_line_feeds", get, "HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", "malformed"},
        {"bare_line_feed_in_field", get, "HTTP/1.1 200 OK\r\nX: y\nContent-Length: 2\r\n\r\nhi", "malformed"},
        {"bare_carriage_return", get, "HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 2\r\n\r\nhi", "malformed"},
        {"carriage_return_in_reason", get, "HTTP/1.1 200 O\rK\r\nContent-Length: 2\r\n\r\nhi", "malformed"},
        {"folded", get, "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nhi", "malformed"},
        {"space_before_colon", get, "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nhi", "malformed"},
        {"no_colon", get, "HTTP/1.1 200 OK\r\nContent-Length\r\n\r\nhi", "malformed"},
        {"no_name", get, "HTTP/1.1 200 OK\r\n: x\r\nContent-Length: 2\r\n\r\nhi", "malformed"},
        {"nul_in_value", get, "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\nhi"sv, "malformed"},
        // --- Status lines.
        {"garbage", get, "SSH-2.0-OpenSSH_9.2\r\n", "malformed"},
        {"empty_line_first", get, "\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "malformed"},
        {"version_0_9", get, "<html>", "malformed"},
        {"version_1_2", get, "HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n", "malformed"},
        {"version_2", get, "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", "malformed"},
        {"status_of_two_digits", get, "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n", "malformed"},
        {"status_of_four_digits", get, "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n", "malformed"},
        {"status_too_high", get, "HTTP/1.1 600 No\r\nContent-Length: 0\r\n\r\n", "malformed"},
        {"status_too_low", get, "HTTP/1.1 099 No\r\nContent-Length: 0\r\n\r\n", "malformed"},
        {"status_without_space", get, "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "malformed"},
        {"two_spaces", get, "HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n", "malformed"},
        {"status_only", get, "HTTP/1.1 200 OK\r\n\r\n", "200 body=[]"},
        // --- Bounds.
        {"many_fields", get, "HTTP/1.1 200 OK\r\nA:\r\nB:\r\nC:\r\nD:\r\n\r\n", "200 A=[] B=[] C=[] D=[] body=[]"},
        {"too_many_fields", get, "HTTP/1.1 200 OK\r\nA:\r\nB:\r\nC:\r\nD:\r\nE:\r\n\r\n", "head too large"},
        {"endless_reason", get,
         "HTTP/1.1 200 "
         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
         "xxxxxxx"
         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
         "head too large"},
        {"body_at_the_bound", get, "HTTP/1.1 200 OK\r\nContent-Length: 32\r\n\r\n0123456789abcdef0123456789abcdef",
         "200 Content-Length=[32] body=[0123456789abcdef0123456789abcdef] keep"},
        {"body_over_the_bound", get, "HTTP/1.1 200 OK\r\nContent-Length: 33\r\n\r\n", "body too large"},
        {"chunks_over_the_bound", get,
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n0123456789abcdef\r\n11\r\n0123456789abcdef0\r\n",
         "body too large"},
        {"endless_body", get, "HTTP/1.1 200 OK\r\n\r\n0123456789abcdef0123456789abcdef0", "body too large"},
        {"chunk_size_overflow", get, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1ffffffffffffffff\r\n",
         "malformed"},
        {"chunk_of_no_size", get, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", "malformed"},
        {"chunk_without_end", get, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab", "malformed"},
        // --- Ends.
        {"nothing", get, "", "nothing"},
        {"half_a_status_line", get, "HTTP/1.1 2", "incomplete"},
        {"half_a_head", get, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", "incomplete"},
        {"half_a_body", get, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nh", "incomplete"},
        {"half_a_chunk", get, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "incomplete"},
        {"no_last_chunk", get, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", "incomplete"},
        {"no_end_of_trailer", get, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "incomplete"},
    };
    return cases;
}

} // namespace sluice::http::testing
