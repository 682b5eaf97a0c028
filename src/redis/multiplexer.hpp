// The commands of one connection as a state machine without I/O: what to send next, and whose each reply is.
//
// The problem: replies come in the order of the commands and name none of them, those who wait may leave at any time,
// and a connection may end at any byte. The answer: one queue of commands, the sent ones first. A flight takes all that
// wait, in one piece; a reply belongs to the first that was sent. Who leaves before the flight takes the bytes along;
// who leaves after it is passed over when the reply comes. When the connection is lost, what was sent is unknown, and
// what waits goes on waiting, for the next connection or for drop().
//
// A connection begins once the server has greeted us, so what meets one that refuses us was never sent.
//
// Owned by a client, on its shard. A command is a ticket, whose owner keeps it until its end or leaves. It does not
// send, wait or watch the clock.
#pragma once

#include <sluice/core/assert.hpp>
#include <sluice/core/buffer.hpp>
#include <sluice/core/pool.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>

namespace sluice::redis {

class multiplexer
{
public:
    using ticket = std::uint64_t;
    using place = std::uint64_t; // in the order of all commands that ever were
    static constexpr ticket nobody = 0;

    struct limits
    {
        std::size_t commands_max;      // waiting or sent, whether or not somebody still wants the reply
        std::size_t waiting_bytes_max; // of those that wait
    };
    explicit multiplexer(limits l) : limits_(l) {}

    // Nothing at a bound, where nothing is taken.
    [[nodiscard]] std::optional<place> submit(ticket command, std::string_view bytes)
    {
        if (entries_.size() >= limits_.commands_max || bytes.size() > limits_.waiting_bytes_max - waiting_.size())
            return std::nullopt;
        waiting_.append(bytes);
        entries_.push_back({.command = command, .bytes = bytes.size()});
        return first_ + entries_.size() - 1;
    }

    // Its owner goes away. True: it was never sent, and never will be. False: its reply is passed over when it comes.
    bool leave(place which)
    {
        SLUICE_ASSERT(which >= first_ && which - first_ < entries_.size());
        entries_[which - first_].command = nobody;
        const bool waits = which - first_ >= sent_;
        if (waits) left_ = true;
        return waits;
    }

    // A connection begins.
    void begin()
    {
        SLUICE_ASSERT(sent_ == 0 && !flying_);
        connected_ = true;
    }

    // What is to be sent next, in one piece; it stays where it is until landed(). Empty: nothing, for now.
    [[nodiscard]] std::string_view take_off()
    {
        if (flying_ || !connected_ || sent_ == entries_.size()) return {};
        left_ ? gather() : flight_.swap(waiting_);
        waiting_.clear();
        sent_ = entries_.size();
        pass();
        flying_ = !flight_.empty();
        return flight_.view();
    }
    // The flight was sent, or its connection is gone: nobody reads its bytes any more.
    void landed() noexcept
    {
        flying_ = false;
        flight_.capacity() > kept_bytes_max ? flight_.reset() : flight_.clear();
    }

    // Whose it is: a command's, or nobody's. Nothing: nothing had been asked, so the connection cannot be trusted.
    [[nodiscard]] std::optional<ticket> on_reply()
    {
        if (sent_ == 0) return std::nullopt;
        return pop_sent();
    }

    // The connection is gone. To be asked until it says nothing: whose replies will never come, in their order.
    [[nodiscard]] std::optional<ticket> on_lost()
    {
        connected_ = false;
        while (sent_ > 0)
            if (const ticket command = pop_sent(); command != nobody) return command;
        return std::nullopt;
    }
    // There will be no connection soon. To be asked until it says nothing: who has waited in vain. Not with a
    // connection.
    [[nodiscard]] std::optional<ticket> drop()
    {
        SLUICE_ASSERT(sent_ == 0);
        while (!entries_.empty()) {
            const ticket command = entries_.front().command;
            pop();
            if (command != nobody) return command;
        }
        waiting_.clear();
        left_ = false;
        return std::nullopt;
    }

    [[nodiscard]] bool expects() const noexcept { return sent_ > 0; } // a reply
    [[nodiscard]] bool idle() const noexcept { return entries_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

private:
    // A flight larger than this gives its memory back.
    static constexpr std::size_t kept_bytes_max = std::size_t{256} << 10;

    struct entry
    {
        ticket command;
        std::size_t bytes;    // its part of waiting_, while it waits
        bool skipped = false; // not part of the flight: no reply will come
    };

    void pop()
    {
        entries_.pop_front();
        ++first_;
    }
    ticket pop_sent()
    {
        const ticket command = entries_.front().command;
        pop();
        --sent_;
        pass();
        return command;
    }
    void pass()
    {
        for (; sent_ > 0 && entries_.front().skipped; --sent_) pop();
    }

    // The flight without the bytes of those who left.
    void gather()
    {
        for (std::size_t i = sent_, at = 0; i < entries_.size(); ++i) {
            entry& e = entries_[i];
            e.skipped = e.command == nobody;
            if (!e.skipped) flight_.append(waiting_.view().substr(at, e.bytes));
            at += e.bytes;
        }
        left_ = false;
    }

    limits limits_;
    std::deque<entry, pool_allocator<entry>> entries_; // those sent, then those that wait
    std::size_t sent_ = 0;
    place first_ = 0; // of entries_
    buffer waiting_;
    buffer flight_;
    bool flying_ = false; // somebody reads flight_
    bool connected_ = false;
    bool left_ = false; // somebody among those that wait did
};

} // namespace sluice::redis
