// Addresses and networks as text says them, and who is trusted to speak for others.
//
//     auto trusted = http::trusted_peers::parse({"10.0.0.0/8", "2001:db8::1"});
//
// An IPv4 address that is written as IPv6 (::ffff:192.0.2.1) is the IPv4 address. Values; any thread.
#pragma once

#include <sluice/core/error.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#pragma GCC visibility push(default)

namespace sluice::http {

struct ip
{
    std::array<std::uint8_t, 16> bytes = {}; // IPv4: the last four of ::ffff:0:0/96

    [[nodiscard]] bool v4() const noexcept;
    [[nodiscard]] std::uint32_t v4_bits() const noexcept;
    [[nodiscard]] std::uint64_t prefix() const noexcept; // the first 64 bits
    using text = std::array<char, 46>;
    // As parse_ip() reads it; the view is of `to`.
    std::string_view write(text& to) const noexcept;
    friend bool operator==(const ip&, const ip&) = default;
};

// "192.0.2.1" or "2001:db8::1"; no port, no zone, no brackets.
[[nodiscard]] std::optional<ip> parse_ip(std::string_view text) noexcept;

struct ip_network
{
    ip address;
    unsigned bits = 128; // of the 16 bytes
    [[nodiscard]] bool holds(const ip& one) const noexcept;
    friend bool operator==(const ip_network&, const ip_network&) = default;
};

// An address, or an address and the number of its leading bits: "10.0.0.0/8".
[[nodiscard]] std::optional<ip_network> parse_network(std::string_view text) noexcept;

// Those whose word about their clients counts. A peer on a unix socket ("unix") always does: it is on this machine, and
// the socket's file says who may use it.
class trusted_peers
{
public:
    [[nodiscard]] static result<trusted_peers> parse(std::span<const std::string> networks);

    void add(ip_network one) { networks_.push_back(one); }
    [[nodiscard]] bool trusts(const ip& one) const noexcept;
    [[nodiscard]] bool trusts(std::string_view peer) const noexcept; // an address as text, or "unix"

private:
    std::vector<ip_network> networks_;
};

} // namespace sluice::http

#pragma GCC visibility pop
