// What a connection to Redis says before all else, and what the answers mean; without I/O.
//
// Who we are and which database decide whether there is a connection at all. The connection's name, and what the server
// tells of itself, are done without where a user's rights or a service's own Redis refuse them.
//
// Owned by whoever keeps the connection.
#pragma once

#include <sluice/core/error.hpp>
#include <sluice/redis/location.hpp>
#include <sluice/redis/reply.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::redis {

class greeting
{
public:
    greeting(const location& where, std::string_view name);

    [[nodiscard]] std::string_view bytes() const noexcept { return bytes_; }

    // Another connection begins.
    void begin();
    // In their order. A failure: the server refuses us; its words, for operators.
    [[nodiscard]] result<void> on_reply(const reply& r);
    [[nodiscard]] bool answered() const noexcept { return next_ == steps_.size(); }

    // What was refused last and done without: a server that ends the connection may have said so why.
    [[nodiscard]] const std::string& refusal() const noexcept { return refusal_; }

    // Of this run of the server: another after a restart, and where another server has taken over. Empty: not told.
    [[nodiscard]] const std::string& run_id() const noexcept { return run_id_; }
    // Why it is not told: the server's words.
    [[nodiscard]] const std::string& why_no_run_id() const noexcept { return why_no_run_id_; }

private:
    enum class step : std::uint8_t
    {
        authenticate,
        select,
        name,
        identify,
    };
    void add(step s, std::string_view line);
    void identify(const reply& r);

    std::string bytes_;
    std::vector<step> steps_;
    std::size_t next_ = 0; // of steps_, to be answered
    std::string refusal_;
    std::string run_id_;
    std::string why_no_run_id_;
};

} // namespace sluice::redis
