// Whom a request is counted for: an address, or what a client says of itself.
//
// An IPv6 address counts by its first 64 bits, since a client commands all addresses behind them. A text, however long
// and whatever it holds, is known by 128 bits of hash. The same client has the same key in every process. A value.
#pragma once

#include <sluice/http/ip.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

#pragma GCC visibility push(default)

namespace sluice::limit {

class client_key
{
public:
    // No client's.
    client_key() noexcept = default;

    [[nodiscard]] static client_key of_address(const http::ip& address) noexcept;
    // As http::request::client() says it; what is no address ("unix") is a text.
    [[nodiscard]] static client_key of_client(std::string_view client) noexcept;
    [[nodiscard]] static client_key of_text(std::string_view text) noexcept;

    // Of this process, for tables: not to be foreseen by clients.
    [[nodiscard]] std::uint64_t hash() const noexcept;

    static constexpr std::size_t name_size = 33;
    // A letter and hex digits, for names that processes share.
    void write_name(char* to) const noexcept;

    friend bool operator==(const client_key&, const client_key&) = default;

private:
    client_key(char kind, std::uint64_t high, std::uint64_t low) noexcept
        : high_(high), low_(low), kind_(static_cast<unsigned char>(kind))
    {}

    std::uint64_t high_ = 0;
    std::uint64_t low_ = 0;
    std::uint64_t kind_ = 0; // a letter, or 0 for nobody's; wide, so that there is no padding to hash
};

} // namespace sluice::limit

#pragma GCC visibility pop
