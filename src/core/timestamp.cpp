#include <sluice/core/timestamp.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace sluice {

namespace {

using namespace std::chrono;

constexpr timestamp earliest = sys_days(year(0) / January / 1);
constexpr timestamp latest = sys_days(year(10000) / January / 1) - microseconds(1);

// "00", "01", … "99": one read for two digits.
constexpr std::array<char, 200> pairs = [] {
    std::array<char, 200> made{};
    for (std::size_t i = 0; i < 100; ++i) {
        made[2 * i] = static_cast<char>('0' + i / 10);
        made[2 * i + 1] = static_cast<char>('0' + i % 10);
    }
    return made;
}();

// Two digits of a number below 100.
void write_pair(char* out, std::uint32_t value) noexcept { std::memcpy(out, pairs.data() + 2 * std::size_t{value}, 2); }

// Reads an RFC 3339 text from the front; once something does not fit, `ok` stays false.
struct reader
{
    std::string_view rest;
    bool ok = true;

    int number(std::size_t digits) noexcept
    {
        int value = 0;
        if (rest.size() < digits) ok = false;
        for (std::size_t i = 0; ok && i < digits; ++i) value = value * 10 + digit(rest[i]);
        if (ok) rest.remove_prefix(digits);
        return value;
    }
    int digit(char c) noexcept
    {
        ok = ok && c >= '0' && c <= '9';
        return c - '0';
    }
    bool next_is(char c) const noexcept { return !rest.empty() && rest.front() == c; }
    bool skip(char c) noexcept
    {
        if (!next_is(c)) return false;
        rest.remove_prefix(1);
        return true;
    }
    void expect(char c) noexcept { ok = skip(c) && ok; }

    microseconds fraction() noexcept
    {
        if (!skip('.')) return microseconds(0);
        std::size_t count = 0;
        while (count < rest.size() && rest[count] >= '0' && rest[count] <= '9') ++count;
        ok = ok && count >= 1 && count <= 9;
        std::int64_t value = 0;
        for (std::size_t i = 0; i < 6; ++i) value = value * 10 + (i < count ? rest[i] - '0' : 0);
        rest.remove_prefix(count);
        return microseconds(value);
    }
    minutes offset() noexcept
    {
        if (skip('Z') || skip('z')) return minutes(0);
        const bool behind = next_is('-');
        ok = (skip('-') || skip('+')) && ok;
        const int hour = number(2);
        expect(':');
        const int minute = number(2);
        ok = ok && hour <= 23 && minute <= 59;
        const minutes ahead(hour * 60 + minute);
        return behind ? -ahead : ahead;
    }
};

} // namespace

timestamp wall_now() noexcept { return floor<microseconds>(system_clock::now()); }

void write_timestamp(timestamp t, char* out) noexcept
{
    t = std::clamp(t, earliest, latest);
    const auto day = floor<days>(t);
    const year_month_day date(day);
    const auto in_day = static_cast<std::uint64_t>((t - day).count());
    const auto second = static_cast<std::uint32_t>(in_day / 1'000'000);
    const auto fraction = static_cast<std::uint32_t>(in_day % 1'000'000);
    const auto year = static_cast<std::uint32_t>(static_cast<int>(date.year()));
    write_pair(out, year / 100);
    write_pair(out + 2, year % 100);
    write_pair(out + 5, static_cast<unsigned>(date.month()));
    write_pair(out + 8, static_cast<unsigned>(date.day()));
    write_pair(out + 11, second / 3600);
    write_pair(out + 14, second / 60 % 60);
    write_pair(out + 17, second % 60);
    write_pair(out + 20, fraction / 10000);
    write_pair(out + 22, fraction / 100 % 100);
    write_pair(out + 24, fraction % 100);
    out[4] = out[7] = '-';
    out[10] = 'T';
    out[13] = out[16] = ':';
    out[19] = '.';
    out[26] = 'Z';
}

std::string to_string(timestamp t)
{
    std::string text(timestamp_size, '\0');
    write_timestamp(t, text.data());
    return text;
}

std::optional<timestamp> parse_timestamp(std::string_view text) noexcept
{
    reader in{text};
    const int y = in.number(4);
    in.expect('-');
    const auto m = static_cast<unsigned>(in.number(2));
    in.expect('-');
    const auto d = static_cast<unsigned>(in.number(2));
    in.ok = (in.skip('T') || in.skip('t')) && in.ok;
    const int hour = in.number(2);
    in.expect(':');
    const int minute = in.number(2);
    in.expect(':');
    const int second = in.number(2);
    const microseconds fraction = in.fraction();
    const minutes offset = in.offset();
    const year_month_day date = year(y) / month(m) / day(d);
    if (!in.ok || !in.rest.empty() || !date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;

    const auto whole_minute = sys_days(date) + hours(hour) + minutes(minute) - offset;
    // A leap second ends a day of UTC; it is read as the first second of the next.
    if (second == 60 && whole_minute + minutes(1) != floor<days>(whole_minute) + days(1)) return std::nullopt;
    return timestamp(whole_minute) + seconds(second) + fraction;
}

} // namespace sluice
