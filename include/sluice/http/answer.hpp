// What another server answered to a call of ours (client/client.hpp), whole.
//
// A value: it owns its bytes, and its fields and body are views of them that stay where they are when it moves. They
// have been checked as strictly as a request's. Thread: a shard's (its memory is that thread's pool).
#pragma once

#include <sluice/core/buffer.hpp>
#include <sluice/http/headers.hpp>
#include <sluice/http/status.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

#pragma GCC visibility push(default)

namespace sluice::http {

class [[gnu::visibility("hidden")]] answer_parser; // makes answers, inside the library

class answer
{
public:
    [[nodiscard]] http::status status() const noexcept { return status_; }
    // 2xx
    [[nodiscard]] bool successful() const noexcept { return static_cast<std::uint16_t>(status_) / 100 == 2; }
    [[nodiscard]] const http::headers& headers() const noexcept { return headers_; }
    [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const noexcept
    {
        return headers_.find(name);
    }
    [[nodiscard]] std::string_view body() const noexcept { return body_.view(); }

private:
    friend class answer_parser;
    http::status status_ = http::status::ok;
    http::headers headers_;
    buffer head_;
    buffer body_;
};

// Bounds of one answer.
struct answer_limits
{
    std::size_t header_bytes = std::size_t{16} << 10; // of the head, with those of interim answers before it
    std::size_t headers = 100;                        // fields
    std::size_t body_bytes = std::size_t{1} << 20;
};

} // namespace sluice::http

#pragma GCC visibility pop
