// Replies out of the bytes of one connection: hiredis's reader, kept within bounds, without I/O.
//
// The problem: hiredis 0.14 takes any length that a server announces, and gathers bytes until that many are there. The
// answer: of one reply it is fed so many bytes and no more; arrays grow as their elements come, never to what was
// announced. After a failure the connection is of no use, since nobody knows where the next reply begins.
//
// Owned by its connection's client, on its shard.
#pragma once

#include <sluice/redis/reply.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

struct redisReader;

namespace sluice::redis {

class reader
{
public:
    explicit reader(std::size_t reply_bytes_max);
    ~reader();
    reader(const reader&) = delete;
    reader& operator=(const reader&) = delete;

    // Bytes as they came, in any pieces: next() is to be asked until it has none before more are given.
    void feed(std::string_view bytes);

    enum class state : std::uint8_t
    {
        reply, // take() it
        none,  // more bytes must come
        too_large,
        malformed,
    };
    [[nodiscard]] state next();
    [[nodiscard]] reply take() { return std::move(whole_); }

    // Another connection begins.
    void reset();

private:
    struct callbacks;
    struct closer
    {
        void operator()(redisReader* r) const noexcept;
    };

    [[nodiscard]] std::size_t unread() const noexcept;

    std::size_t reply_bytes_max_;
    std::size_t partial_ = 0;    // bytes of the reply that is not whole yet
    std::string_view waiting_{}; // bytes that were given and not fed yet; valid until next() has none
    bool failed_ = false;
    reply whole_;
    std::unique_ptr<redisReader, closer> hiredis_;
};

} // namespace sluice::redis
