// What a subscribed connection says and hears, without I/O: RESP2 gives it arrays that name what they are.
//
// Owned by a subscriber. It does not send, wait or watch the clock.
#pragma once

#include <sluice/redis/command_line.hpp>
#include <sluice/redis/reply.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sluice::redis {

class subscription
{
public:
    explicit subscription(std::span<const std::string> channels)
        : request_(channels.size() + 1), channels_(channels.size())
    {
        request_.add("SUBSCRIBE");
        for (const std::string& channel : channels) request_.add(channel);
    }

    [[nodiscard]] std::string_view request() const noexcept { return request_.bytes(); }
    [[nodiscard]] std::string_view ping() const noexcept { return ping_.bytes(); }

    // The request has been sent on another connection.
    void begin() noexcept { confirmed_ = 0; }

    enum class meaning : std::uint8_t
    {
        progress,   // a channel of several is confirmed, or a ping answered
        subscribed, // to all of them, from now on
        message,    // channel_of() and payload_of() it
        unexpected, // a refusal, or what this connection cannot be told
    };
    [[nodiscard]] meaning on_reply(const reply& r) noexcept
    {
        if (r.is != reply::kind::array || r.elements.empty()) return meaning::unexpected;
        const std::string_view what = r.elements[0].text;
        if (what == "message" && r.elements.size() == 3) return meaning::message;
        if (what == "pong") return meaning::progress;
        if (what != "subscribe" || confirmed_ == channels_) return meaning::unexpected;
        return ++confirmed_ == channels_ ? meaning::subscribed : meaning::progress;
    }
    [[nodiscard]] bool subscribed() const noexcept { return confirmed_ == channels_; }

    [[nodiscard]] static std::string_view channel_of(const reply& message) noexcept { return message.elements[1].text; }
    [[nodiscard]] static std::string_view payload_of(const reply& message) noexcept { return message.elements[2].text; }

private:
    command_line request_;
    command_line ping_ = command_line::of("PING");
    std::size_t channels_;
    std::size_t confirmed_ = 0;
};

} // namespace sluice::redis
