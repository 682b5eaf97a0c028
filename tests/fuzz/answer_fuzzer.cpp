// The parser of answers against itself: the same bytes, whole and cut into pieces, must mean the same; and what it
// accepts must be plain text within bounds.
//
// The first byte chooses what was asked, the second how the bytes are cut; the rest is what a server sends.
#include "../http/answer_corpus.hpp"

#include <sluice/core/assert.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace {

using namespace sluice;
using namespace sluice::http;
using namespace sluice::http::testing;

bool is_text(std::string_view bytes)
{
    return std::ranges::none_of(bytes, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

void check(method asked, std::string_view bytes)
{
    answer_parser parser;
    parser.start(asked, answer_corpus_limits);
    answer_parser::state now = parser.feed(bytes);
    if (now == answer_parser::state::need_input) now = parser.end_of_input();
    if (now != answer_parser::state::complete) return;
    const answer made = parser.take();
    SLUICE_ASSERT(made.body().size() <= answer_corpus_limits.body_bytes);
    SLUICE_ASSERT(made.headers().size() <= answer_corpus_limits.headers);
    SLUICE_ASSERT(made.headers().count("content-length") + made.headers().count("transfer-encoding") <= 1);
    SLUICE_ASSERT(made.body().empty() || (asked != method::head && !bodiless(made.status())));
    for (const header& field : made.headers().all())
        SLUICE_ASSERT(!field.name.empty() && is_text(field.name) && is_text(field.value));
}

std::vector<std::string_view> cut(std::string_view bytes, std::size_t longest)
{
    std::vector<std::string_view> pieces;
    for (std::size_t size = 1; !bytes.empty(); size = size % longest + 1) {
        pieces.push_back(bytes.substr(0, size));
        bytes.remove_prefix(pieces.back().size());
    }
    return pieces;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < 2) return 0;
    const auto asked = static_cast<method>(data[0] % method_count);
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
    SLUICE_ASSERT(read_answer(asked, {bytes}) == read_answer(asked, cut(bytes, data[1] % 16 + 1)));
    check(asked, bytes);
    return 0;
}
