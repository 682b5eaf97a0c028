#include <sluice/core/json_escape.hpp>
#include <sluice/json/writer.hpp>

#include <algorithm>
#include <cstdint>

namespace sluice {

namespace {

constexpr std::uint64_t each(std::uint8_t byte) noexcept { return 0x0101010101010101u * byte; }

// Has one of eight bytes to be looked at: a control character, a quote, a backslash, or part of a longer sequence?
// The high bit of each byte of a term says so; a borrow may add false alarms above a true one, and never hides one.
bool special(std::uint64_t bytes) noexcept
{
    const std::uint64_t quote = bytes ^ each('"'), backslash = bytes ^ each('\\');
    const std::uint64_t found = (bytes - each(0x20)) | (quote - each(1)) | (backslash - each(1)) | bytes;
    return (found & each(0x80)) != 0;
}

bool plain(char c) noexcept
{
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

// How many bytes at the front of `text` stand for themselves.
std::size_t plain_prefix(std::string_view text) noexcept
{
    std::size_t size = 0;
    std::uint64_t bytes = 0;
    const auto special_at = [&](std::size_t at) {
        std::memcpy(&bytes, text.data() + at, sizeof bytes);
        return special(bytes);
    };
    while (text.size() - size >= sizeof bytes && !special_at(size)) size += sizeof bytes;
    // The rest, with some of what was seen before it.
    if (text.size() >= sizeof bytes && text.size() - size < sizeof bytes && !special_at(text.size() - sizeof bytes))
        return text.size();
    if (text.size() < sizeof bytes && text.size() >= sizeof bytes / 2) { // most names: its two halves overlap
        std::uint32_t halves[2];
        std::memcpy(halves, text.data(), sizeof halves[0]);
        std::memcpy(halves + 1, text.data() + text.size() - sizeof halves[1], sizeof halves[1]);
        if (!special(halves[0] | std::uint64_t{halves[1]} << 32)) return text.size();
    }
    while (size < text.size() && plain(text[size])) ++size;
    return size;
}

} // namespace

void json_writer::grow(std::size_t bytes)
{
    // The whole of the pool's block, less the terminator.
    const std::size_t size = pool_round_up(std::max(used_ + bytes, out_.size() * 2) + 1) - 1;
    out_.resize_and_overwrite(size, [](char*, std::size_t whole) { return whole; });
}

void json_writer::string(std::string_view text)
{
    char* at = room(text.size() + 2);
    *at = '"';
    const std::size_t plain = plain_prefix(text);
    if (plain != 0) std::memcpy(at + 1, text.data(), plain); // a text of nothing may have no address
    used_ += plain + 1;
    if (plain != text.size()) [[unlikely]]
        escaped(text.substr(plain));
    raw('"');
}

void json_writer::escaped(std::string_view text)
{
    while (!text.empty()) {
        const char c = text.front();
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x80) {
            const std::size_t size = utf8_sequence(text);
            raw(size != 0 ? text.substr(0, size) : std::string_view("\xEF\xBF\xBD"));
            text.remove_prefix(std::max<std::size_t>(size, 1));
            continue;
        }
        if (plain(c)) {
            const std::size_t size = plain_prefix(text);
            raw(text.substr(0, size));
            text.remove_prefix(size);
            continue;
        }
        constexpr std::string_view digits = "0123456789abcdef";
        const char unicode[] = {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]};
        switch (c) {
        case '"':
            raw("\\\"");
            break;
        case '\\':
            raw("\\\\");
            break;
        case '\b':
            raw("\\b");
            break;
        case '\f':
            raw("\\f");
            break;
        case '\n':
            raw("\\n");
            break;
        case '\r':
            raw("\\r");
            break;
        case '\t':
            raw("\\t");
            break;
        default:
            raw(std::string_view(unicode, sizeof unicode));
        }
        text.remove_prefix(1);
    }
}

} // namespace sluice
