// What a client knows: its connection, who waits for a reply, and when to connect again.
//
// One task makes connections, one after the other, for as long as the shard lives; the multiplexer decides whose each
// reply is, and this hands bytes and verdicts about.
#pragma once

#include "redis/connection.hpp"
#include "redis/multiplexer.hpp"
#include "redis/reader.hpp"

#include <sluice/core/bound.hpp>
#include <sluice/core/context.hpp>
#include <sluice/coro/executor.hpp>
#include <sluice/coro/stop.hpp>
#include <sluice/redis/client.hpp>
#include <sluice/shard/offload.hpp>
#include <sluice/shard/shard.hpp>
#include <sluice/shard/timer.hpp>
#include <sluice/shard/wait.hpp>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace sluice::redis {

class client_state final : public connection_owner
{
public:
    client_state(shard& on, offload_pool& blocking, client_options options);
    ~client_state();

    // The reply as it is, be it a failure. The bytes must stay until the task has begun.
    [[nodiscard]] task<result<reply>> ask(std::string_view bytes, effect does);
    // A failure becomes an error.
    [[nodiscard]] task<result<reply>> run(command_line what, effect does);
    [[nodiscard]] task<result<reply>> run_script(const script& s, command_line call);

    [[nodiscard]] client_counters counters() const;

private:
    using digest = std::array<char, digest_placeholder.size()>;

    // A command, in the frame of the coroutine that waits for it.
    struct waiter
    {
        void end(result<reply> how)
        {
            outcome.emplace(std::move(how));
            finished.complete();
        }
        effect does;
        std::optional<result<reply>> outcome = {};
        wait finished = {};
    };

    // connection_owner:
    void received(std::string_view bytes) override;
    void sent() override;
    void ended() override;

    [[nodiscard]] task<void> keep_connected();
    [[nodiscard]] task<std::string> connect_to_any();
    [[nodiscard]] task<result<void>> serve_at(const address& where, time_point limit);
    [[nodiscard]] task<result<void>> greet(connection& c, time_point limit);
    void greeted();
    void lost(const std::string& why);
    void tell_of_loss();
    void not_connected(std::string why);
    [[nodiscard]] task<void> pause(duration how_long);

    void take(reply r);
    void take_greeting(const reply& r);
    void flush();
    void look_at_head();
    void on_stop();
    void give_up(std::string why);
    void drop_waiting(std::string_view why);
    [[nodiscard]] result<multiplexer::place> submit(waiter& w, std::string_view bytes);
    [[nodiscard]] result<reply> settle(result<reply> how);
    [[nodiscard]] task<result<digest>> load(const script& s);

    shard& shard_;
    offload_pool& blocking_;
    client_options options_;
    context background_;
    std::string preamble_;
    std::size_t preamble_commands_ = 0;
    multiplexer commands_;
    reader reader_;
    connection* connection_ = nullptr; // while there is a socket
    wait* greeting_ = nullptr;         // while the preamble's replies are awaited
    wait* pause_ = nullptr;            // while it is not tried to connect
    time_point heard_at_ = {};         // when bytes came last, or a reply was first expected
    time_point greeted_at_ = {};
    bool away_ = false;
    bool stopping_ = false;
    bool ended_ = false;
    unsigned failures_ = 0; // to connect, one after the other
    std::string said_;      // of the outage that goes on
    std::unordered_map<const script*, digest> digests_;
    client_counters counters_;
    bound<ready, &client_state::flush> flush_{*this};
    bound<timer, &client_state::look_at_head> watch_{*this};
    bound<stop_callback, &client_state::on_stop> stop_{*this};
};

} // namespace sluice::redis
