// The short way for plain heads: those whose every byte is the usual one. It only ever accepts.
//
// The problem: llhttp looks at each byte in turn, and what it lets through has to be looked at again; together that is
// half of what a small request costs. The answer: nearly all requests are plain. They come whole, with a common method,
// a target in origin form without escapes, HTTP/1.1, and lines of visible ASCII with nothing odd about them. Such a
// head is read here in one pass, many bytes at a time. At the first byte that is not plain, this gives up without a
// verdict, and llhttp reads the head from its start: all refusals are made there. What is accepted here, llhttp accepts
// with the same outcome; the fuzzer compares them.
#pragma once

#include "http/head_check.hpp"

#include <sluice/http/limits.hpp>
#include <sluice/http/request.hpp>

namespace sluice::http {

// Reads the head that begins at `begin` into the request and its framing. The first byte behind it; or null if it is
// not plain, not whole, not within bounds or not to be accepted: the request is then in disorder and must be started
// anew.
[[nodiscard]] const char* read_plain_head(request& r, const char* begin, const char* end, const limits& bounds,
                                          framing& frame);

} // namespace sluice::http
