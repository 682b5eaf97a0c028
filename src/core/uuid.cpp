#include "core/hex.hpp"

#include <sluice/core/hash.hpp>
#include <sluice/core/random.hpp>
#include <sluice/core/thread_local.hpp>
#include <sluice/core/uuid.hpp>

#include <algorithm>
#include <cstring>

namespace sluice {

namespace {

constexpr std::size_t text_size = 36;
constexpr std::uint64_t counter_max = 0xFFF;
constexpr std::uint64_t counter_start_max = 0x7FF;

// RFC 9562, 6.2, method 1: a counter of 12 bits behind the milliseconds. It starts somewhere in its lower half each
// millisecond; when it overflows, or the clock goes back, the time of the last id runs ahead of the clock instead.
struct v7_state
{
    std::uint64_t milliseconds = 0;
    std::uint64_t counter = 0;
};
SLUICE_THREAD_LOCAL thread_local v7_state last = {};

} // namespace

uuid uuid::make_v7(timestamp now) noexcept
{
    const auto clock = static_cast<std::uint64_t>(
        std::max<std::int64_t>(0, std::chrono::floor<std::chrono::milliseconds>(now).time_since_epoch().count()));
    if (clock > last.milliseconds) {
        last = {clock, random_bits() & counter_start_max};
    } else if (++last.counter > counter_max) {
        last = {last.milliseconds + 1, random_bits() & counter_start_max};
    }

    const std::uint64_t high = last.milliseconds << 16U | 0x7000U | last.counter;
    const std::uint64_t low = std::uint64_t{1} << 63U | random_bits() >> 2U;
    uuid made;
    for (unsigned i = 0; i < 8; ++i) {
        made.bytes[i] = static_cast<std::uint8_t>(high >> (56 - 8 * i));
        made.bytes[8 + i] = static_cast<std::uint8_t>(low >> (56 - 8 * i));
    }
    return made;
}

std::optional<uuid> uuid::parse(std::string_view text) noexcept
{
    if (text.size() != text_size || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-')
        return std::nullopt;
    char digits[32];
    std::memcpy(digits, text.data(), 8);
    std::memcpy(digits + 8, text.data() + 9, 4);
    std::memcpy(digits + 12, text.data() + 14, 4);
    std::memcpy(digits + 16, text.data() + 19, 4);
    std::memcpy(digits + 20, text.data() + 24, 12);
    uuid read;
    if (!hex::read<16>(digits, read.bytes.data())) return std::nullopt;
    return read;
}

void uuid::write(char* out) const noexcept
{
    char digits[32];
    hex::write(bytes.data(), bytes.size(), digits);
    std::memcpy(out, digits, 8);
    std::memcpy(out + 9, digits + 8, 4);
    std::memcpy(out + 14, digits + 12, 4);
    std::memcpy(out + 19, digits + 16, 4);
    std::memcpy(out + 24, digits + 20, 12);
    out[8] = out[13] = out[18] = out[23] = '-';
}

std::string uuid::to_string() const
{
    std::string text(text_size, '\0');
    write(text.data());
    return text;
}

} // namespace sluice

std::size_t std::hash<sluice::uuid>::operator()(const sluice::uuid& id) const noexcept
{
    return sluice::hash_bytes({reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()});
}
