#include "redis/kept_connection.hpp"
#include "redis/subscription.hpp"

#include <sluice/core/assert.hpp>
#include <sluice/core/bound.hpp>
#include <sluice/redis/client.hpp>
#include <sluice/redis/subscriber.hpp>
#include <sluice/shard/timer.hpp>

#include <algorithm>
#include <utility>

namespace sluice::redis {

struct subscriber::state final : connection_user
{
    state(shard& on, offload_pool& blocking, subscriber_options o, functions f)
        : home(on), options(std::move(o)), tell(std::move(f)), channels(options.channels),
          connection(on, blocking,
                     {.where = options.where,
                      .name = options.name,
                      .connect_timeout = options.connect_timeout,
                      .reply_bytes_max = options.message_bytes_max},
                     *this)
    {
        SLUICE_ASSERT(!options.channels.empty());
    }
    ~state()
    {
        if (watch.armed()) home.timers().cancel(watch);
    }

    void greeted() override
    {
        channels.begin();
        ask(channels.request());
    }
    void ask(std::string_view bytes)
    {
        asked = sending = true;
        asked_at = home.now();
        connection.send(bytes);
        home.timers().arm(watch, asked_at + options.answer_timeout);
    }
    void sent() override { sending = false; }
    void released() override { sending = false; }

    void took(reply r) override
    {
        const auto is = channels.on_reply(r);
        if (std::exchange(asked, !channels.subscribed()) && !asked)
            home.timers().arm(watch, connection.heard_at() + options.ping_after);
        switch (is) {
        case subscription::meaning::progress:
            return;
        case subscription::meaning::subscribed:
            if (options.beside != nullptr) options.beside->follow(connection.greeted_at(), connection.run_id());
            return tell.subscribed();
        case subscription::meaning::message:
            ++messages;
            return tell.heard({.channel = subscription::channel_of(r), .payload = subscription::payload_of(r)});
        case subscription::meaning::unexpected:
            return connection.end("it sent what is no message: " + std::string(r.text));
        }
    }

    void look()
    {
        if (!connection.is_greeted()) return;
        if (options.beside != nullptr && options.beside->moved_since(connection.greeted_at(), connection.run_id()))
            return connection.end("its name stands for another server by now");
        const time_point heard_at = connection.heard_at();
        const time_point limit = std::max(asked_at, heard_at) + options.answer_timeout;
        if (!asked && home.now() >= heard_at + options.ping_after && !sending) return ask(channels.ping());
        if (asked && home.now() >= limit) return connection.give_up("it does not answer");
        home.timers().arm(watch, asked ? limit : heard_at + options.ping_after);
    }

    void lost() override
    {
        if (channels.subscribed() && !stops) tell.lost();
    }
    void away() override {}
    void stopping() override
    {
        stops = true;
        connection.end({});
    }
    void ended() override {}
    [[nodiscard]] bool is_subscribed() const noexcept { return connection.is_greeted() && channels.subscribed(); }

    shard& home;
    subscriber_options options;
    functions tell;
    subscription channels;
    time_point asked_at = {};
    bool asked = false; // and not answered
    bool sending = false;
    bool stops = false;
    std::uint64_t messages = 0;
    bound<timer, &state::look> watch{*this};
    kept_connection connection; // last: it speaks to the rest
};

subscriber::subscriber(shard& on, offload_pool& blocking, subscriber_options options, functions tell)
    : state_(std::make_unique<state>(on, blocking, std::move(options), std::move(tell)))
{}

subscriber::~subscriber() = default;

bool subscriber::is_subscribed() const noexcept { return state_->is_subscribed(); }

std::string_view subscriber::run_id() const noexcept
{
    return is_subscribed() ? std::string_view(state_->connection.run_id()) : std::string_view();
}

subscriber_counters subscriber::counters() const noexcept
{
    const connection_counters& c = state_->connection.counters();
    return {.subscribed = is_subscribed(),
            .messages = state_->messages,
            .connects = c.connects,
            .failed_connects = c.failed_connects,
            .losses = c.losses};
}

} // namespace sluice::redis
