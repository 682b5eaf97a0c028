#include "core/hex.hpp"

#include <sluice/core/random.hpp>
#include <sluice/core/trace.hpp>

#include <algorithm>
#include <cstring>

namespace sluice {

namespace {

// 00-<32 digits>-<16 digits>-<2 digits>
constexpr std::size_t trace_id_at = 3;
constexpr std::size_t span_id_at = 36;
constexpr std::size_t flags_at = 53;
constexpr std::size_t size_v00 = traceparent_size;

// The identifier of zeros is the invalid one.
std::uint64_t nonzero_bits() noexcept
{
    std::uint64_t bits = random_bits();
    while (bits == 0) bits = random_bits();
    return bits;
}

bool is_upper(char c) noexcept { return c >= 'A' && c <= 'Z'; }

template <std::size_t Size> bool read_id(std::string_view digits, std::array<std::uint8_t, Size>& id) noexcept
{
    return hex::read<Size>(digits.data(), id.data()) && id != std::array<std::uint8_t, Size>{};
}

} // namespace

trace_context trace_context::start() noexcept
{
    trace_context made;
    const std::uint64_t bits[3] = {nonzero_bits(), random_bits(), nonzero_bits()};
    std::memcpy(made.trace_id.data(), bits, sizeof made.trace_id);
    std::memcpy(made.span_id.data(), bits + 2, sizeof made.span_id);
    return made;
}

std::optional<trace_context> trace_context::from_traceparent(std::string_view value) noexcept
{
    if (value.size() < size_v00) return std::nullopt;
    const bool hyphens = value[trace_id_at - 1] == '-' && value[span_id_at - 1] == '-' && value[flags_at - 1] == '-';
    // The digits are lower case only; what follows them in a later version is not ours to judge.
    if (!hyphens || std::ranges::any_of(value.substr(0, size_v00), is_upper)) return std::nullopt;

    std::uint8_t version = 0;
    std::uint8_t flags = 0;
    if (!hex::read<1>(value.data(), &version) || version == 0xFF) return std::nullopt;
    if (!hex::read<1>(value.data() + flags_at, &flags)) return std::nullopt;
    if (value.size() > size_v00 && (version == 0 || value[size_v00] != '-')) return std::nullopt;

    trace_context continued;
    if (!read_id(value.substr(trace_id_at, 32), continued.trace_id)) return std::nullopt;
    if (!read_id(value.substr(span_id_at, 16), continued.parent_id)) return std::nullopt;
    const std::uint64_t span = nonzero_bits();
    std::memcpy(continued.span_id.data(), &span, sizeof span);
    continued.sampled = (flags & 1U) != 0;
    return continued;
}

trace_context trace_context::child() const noexcept
{
    trace_context made = *this;
    made.parent_id = span_id;
    const std::uint64_t span = nonzero_bits();
    std::memcpy(made.span_id.data(), &span, sizeof span);
    return made;
}

// The last 56 bits are the random ones, whoever made the id (Trace Context, level 2); a double holds 53 of them.
bool trace_context::kept_at(double ratio) const noexcept
{
    std::uint64_t bits = 0;
    for (std::size_t i = 9; i < trace_id.size(); ++i) bits = bits << 8U | trace_id[i];
    return static_cast<double>(bits >> 3U) < ratio * 0x1p53;
}

void trace_context::write_trace_id(char* out) const noexcept { hex::write(trace_id.data(), trace_id.size(), out); }
void trace_context::write_span_id(char* out) const noexcept { hex::write(span_id.data(), span_id.size(), out); }

void trace_context::write_traceparent(char* out) const noexcept
{
    std::memcpy(out, "00-", trace_id_at);
    write_trace_id(out + trace_id_at);
    out[span_id_at - 1] = '-';
    write_span_id(out + span_id_at);
    std::memcpy(out + flags_at - 1, sampled ? "-01" : "-00", 3);
}

} // namespace sluice
