#include <sluice/http/ip.hpp>

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace sluice::http {

namespace {

constexpr std::array<std::uint8_t, 12> v4_prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

// The usual one, read without a copy: four numbers without leading zeros.
std::optional<ip> parse_v4(std::string_view text) noexcept
{
    ip found;
    std::ranges::copy(v4_prefix, found.bytes.begin());
    const char* at = text.data();
    const char* const end = at + text.size();
    for (std::size_t i = 0; i < 4; ++i) {
        if (i != 0 && (at == end || *at++ != '.')) return std::nullopt;
        const char* const begin = at;
        unsigned value = 0;
        while (at != end && *at >= '0' && *at <= '9' && at - begin < 3)
            value = value * 10 + static_cast<unsigned>(*at++ - '0');
        if (at == begin || value > 255 || (*begin == '0' && at - begin > 1)) return std::nullopt;
        found.bytes[v4_prefix.size() + i] = static_cast<std::uint8_t>(value);
    }
    if (at != end) return std::nullopt;
    return found;
}

} // namespace

bool ip::v4() const noexcept { return std::equal(v4_prefix.begin(), v4_prefix.end(), bytes.begin()); }

std::uint32_t ip::v4_bits() const noexcept
{
    std::uint32_t made = 0;
    for (std::size_t i = v4_prefix.size(); i < bytes.size(); ++i) made = made << 8 | bytes[i];
    return made;
}

std::uint64_t ip::prefix() const noexcept
{
    std::uint64_t made = 0;
    for (std::size_t i = 0; i < 8; ++i) made = made << 8 | bytes[i];
    return made;
}

std::string_view ip::write(text& to) const noexcept
{
    static_assert(std::tuple_size_v<text> >= INET6_ADDRSTRLEN);
    const int family = v4() ? AF_INET : AF_INET6;
    const std::uint8_t* const from = v4() ? bytes.data() + v4_prefix.size() : bytes.data();
    return inet_ntop(family, from, to.data(), static_cast<socklen_t>(to.size())) != nullptr
               ? std::string_view(to.data())
               : std::string_view();
}

std::optional<ip> parse_ip(std::string_view text) noexcept
{
    if (!text.contains(':')) return parse_v4(text);
    std::array<char, INET6_ADDRSTRLEN> terminated{};
    if (text.size() >= terminated.size()) return std::nullopt;
    std::ranges::copy(text, terminated.begin());
    ip found;
    if (inet_pton(AF_INET6, terminated.data(), found.bytes.data()) != 1) return std::nullopt;
    return found;
}

bool ip_network::holds(const ip& one) const noexcept
{
    const std::size_t whole = bits / 8;
    if (!std::equal(one.bytes.begin(), one.bytes.begin() + static_cast<std::ptrdiff_t>(whole), address.bytes.begin()))
        return false;
    const unsigned rest = bits % 8;
    return rest == 0 || (one.bytes[whole] ^ address.bytes[whole]) >> (8 - rest) == 0;
}

std::optional<ip_network> parse_network(std::string_view text) noexcept
{
    const std::size_t slash = text.find('/');
    const std::optional<ip> address = parse_ip(text.substr(0, slash));
    if (!address) return std::nullopt;
    if (slash == std::string_view::npos) return ip_network{.address = *address};
    const std::string_view digits = text.substr(slash + 1);
    const bool v4 = !text.substr(0, slash).contains(':');
    unsigned bits = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (read.ec != std::errc() || read.ptr != digits.data() + digits.size() || bits > (v4 ? 32U : 128U))
        return std::nullopt;
    return ip_network{.address = *address, .bits = v4 ? bits + 96 : bits};
}

result<trusted_peers> trusted_peers::parse(std::span<const std::string> networks)
{
    trusted_peers made;
    for (const std::string& text : networks) {
        const std::optional<ip_network> one = parse_network(text);
        if (!one) return fail(errc::invalid, "'" + text + "' is neither an address nor a network");
        made.add(*one);
    }
    return made;
}

bool trusted_peers::trusts(const ip& one) const noexcept
{
    return std::ranges::any_of(networks_, [&](const ip_network& network) { return network.holds(one); });
}

bool trusted_peers::trusts(std::string_view peer) const noexcept
{
    if (peer == "unix") return true;
    if (networks_.empty()) return false;
    const std::optional<ip> address = parse_ip(peer);
    return address && trusts(*address);
}

} // namespace sluice::http
