// The HTTP machine against itself: the same bytes, fed whole and cut into pieces, must give the same transcript. Whole
// heads mostly go the short way and cut ones go through llhttp, so the two are compared as well.
//
// The first byte chooses how the body is read and what is kept, the second how the bytes are cut; the rest is what a
// client sends. Invariants of what is accepted are asserted on the way.
#include "../http/corpus.hpp"
#include "../http/driver.hpp"

#include <sluice/core/assert.hpp>

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

void check(driver& d)
{
    const request& r = d.machine().current();
    SLUICE_ASSERT(!r.path().empty() && (r.path().front() == '/' || r.path() == "*"));
    SLUICE_ASSERT(r.target().size() <= corpus_limits.uri_bytes && r.body().size() <= corpus_limits.body_bytes);
    SLUICE_ASSERT(is_text(r.target()) && is_text(r.host()));
    SLUICE_ASSERT(r.version_minor() == 0 || r.headers().count("host") == 1);
    SLUICE_ASSERT(!(r.header("content-length") && r.header("transfer-encoding")));
    SLUICE_ASSERT(r.headers().size() <= corpus_limits.headers);
    for (const header& field : r.headers().all())
        SLUICE_ASSERT(!field.name.empty() && is_text(field.name) && is_text(field.value));
}

// Pieces of 1 to `longest` bytes, in a sequence that `seed` determines.
std::vector<std::string_view> cut(std::string_view bytes, std::uint32_t seed)
{
    std::vector<std::string_view> pieces;
    const std::size_t longest = std::size_t{1} << (seed % 8);
    for (std::uint32_t state = seed * 2654435761U + 1; !bytes.empty(); state = state * 1664525U + 1013904223U) {
        const std::size_t size = std::min(bytes.size(), 1 + (state >> 16U) % longest);
        pieces.push_back(bytes.substr(0, size));
        bytes.remove_prefix(size);
    }
    return pieces;
}

std::string run(const std::vector<std::string_view>& pieces, drive_options options)
{
    driver d(corpus_limits, options, check);
    for (const std::string_view piece : pieces) d.feed(piece);
    d.end();
    return d.transcript();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < 2) return 0;
    const drive_options way = {.mode = (data[0] & 1U) != 0 ? body_mode::streamed : body_mode::buffered,
                               .keep_early = (data[0] & 2U) != 0};
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
    SLUICE_ASSERT(run({bytes}, {}) == run(cut(bytes, data[1]), way));
    return 0;
}
