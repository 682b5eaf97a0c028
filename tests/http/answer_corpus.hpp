// Raw answers and what becomes of each: tests read them whole and cut at every byte, and the fuzzer begins with them.
#pragma once

#include "http/answer_parser.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::http::testing {

struct answer_case
{
    std::string_view name;
    method asked;
    std::string_view input; // the connection ends behind it
    std::string_view expected;
};

[[nodiscard]] const std::vector<answer_case>& answer_corpus();

inline constexpr answer_limits answer_corpus_limits{.header_bytes = 256, .headers = 4, .body_bytes = 32};

// What came of the pieces, in a line: `200 x-name=[value] body=[…] keep rest=2`, or `malformed`. Each piece lies in
// memory of exactly its size, which is gone with the next.
[[nodiscard]] inline std::string read_answer(method asked, const std::vector<std::string_view>& pieces)
{
    using state = answer_parser::state;
    answer_parser parser;
    parser.start(asked, answer_corpus_limits);
    state now = state::need_input;
    std::size_t rest = 0;
    for (const std::string_view piece : pieces) {
        const auto memory = std::make_unique<char[]>(piece.size());
        piece.copy(memory.get(), piece.size());
        std::string_view bytes(memory.get(), piece.size());
        if (now == state::need_input) now = parser.feed(bytes);
        rest += bytes.size();
    }
    if (now == state::need_input) now = parser.end_of_input();
    switch (parser.why()) {
    case answer_parser::failure::malformed:
        return "malformed";
    case answer_parser::failure::head_too_large:
        return "head too large";
    case answer_parser::failure::body_too_large:
        return "body too large";
    case answer_parser::failure::incomplete:
        return parser.begun() ? "incomplete" : "nothing";
    case answer_parser::failure::none:
        break;
    }
    const answer made = parser.take();
    std::string said = std::to_string(static_cast<unsigned>(made.status()));
    for (const header& field : made.headers().all())
        said += " " + std::string(field.name) + "=[" + std::string(field.value) + "]";
    said += " body=[" + std::string(made.body()) + "]";
    if (parser.keep_alive()) said += " keep";
    if (rest > 0) said += " rest=" + std::to_string(rest);
    return said;
}

} // namespace sluice::http::testing
