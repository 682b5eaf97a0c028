// What a client knows of one of its connections: its connection, who waits for a reply, and when to connect again.
//
// The connection comes and goes by itself; the multiplexer decides whose each reply is, and this hands bytes and
// verdicts about.
#pragma once

#include "redis/client_metrics.hpp"
#include "redis/kept_connection.hpp"
#include "redis/multiplexer.hpp"
#include "redis/said_once.hpp"

#include <sluice/core/bound.hpp>
#include <sluice/coro/executor.hpp>
#include <sluice/redis/client.hpp>
#include <sluice/shard/offload.hpp>
#include <sluice/shard/shard.hpp>
#include <sluice/shard/timer.hpp>
#include <sluice/shard/wait.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace sluice::redis {

class client_state final : connection_user
{
public:
    client_state(shard& on, offload_pool& blocking, client_options options);
    ~client_state();

    // The reply as it is, be it a failure. The bytes must stay until the task has begun.
    [[nodiscard]] task<result<reply>> ask(std::string_view bytes, effect does);
    // A failure becomes an error.
    [[nodiscard]] task<result<reply>> run(command_line what, effect does);
    [[nodiscard]] task<result<reply>> run_script(const script& s, command_line call);

    // Somebody has asked that server, and has heard nothing for so long.
    void hear_of_silence(duration silent_for);
    // Has this connection been made after that time, and to another run than that one?
    [[nodiscard]] bool moved_since(time_point greeted_at, std::string_view run) const;
    // The subscriber beside it has been greeted by that run, then: if this is an older connection to another run, it is
    // left.
    void hear_of_run(time_point greeted_at, std::string_view run);
    // The same of another client of the group: which of its greetings that was.
    void hear_of_run(std::uint64_t greeting, std::string_view run);

    [[nodiscard]] client_counters counters() const;
    [[nodiscard]] duration command_timeout() const noexcept { return options_.command_timeout; }
    [[nodiscard]] bool is_connected() const noexcept { return connection_.is_greeted(); }
    [[nodiscard]] std::string_view run_id() const noexcept { return connection_.run_id(); }
    // How long a command would have to wait, by comparison.
    [[nodiscard]] std::size_t load() const noexcept;

private:
    using digest = std::array<char, digest_placeholder.size()>;

    struct known_script
    {
        digest sha{};
        bool known = false;
        bool loading = false; // whatever is sent from now on comes after it
    };

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

    // Counts a command that was taken when its waiting ends, however it does.
    class timing
    {
    public:
        timing(client_state& of, std::size_t command) noexcept : of_(of), command_(command), began_(of.shard_.now()) {}
        ~timing()
        {
            if (of_.metrics_) of_.metrics_->answered(command_, of_.shard_.now() - began_);
        }
        timing(const timing&) = delete;
        timing& operator=(const timing&) = delete;

    private:
        client_state& of_;
        std::size_t command_;
        time_point began_;
    };

    // connection_user:
    void greeted() override;
    void sent() override;
    void took(reply r) override;
    void lost() override;
    void released() override { commands_.landed(); }
    void away() override { drop_waiting("Redis is away"); }
    void stopping() override;
    void ended() override { drop_waiting("Redis is not asked any more"); }

    void flush();
    void look_at_end();
    [[nodiscard]] bool is_elsewhere(std::string_view run) const;
    void look_at_head();
    void leave_former();
    void fell_silent(std::string why);
    void give_up(std::string why);
    void drop_waiting(std::string_view why);
    void count_in_flight() noexcept { counters_.in_flight = commands_.size(); }
    [[nodiscard]] result<multiplexer::place> submit(waiter& w, std::string_view bytes);
    [[nodiscard]] result<reply> settle(result<reply> how);
    [[nodiscard]] task<result<void>> load(const script& s, known_script& as);

    shard& shard_;
    client_options options_;
    multiplexer commands_;
    time_point asked_at_ = {}; // when a reply was first expected
    bool stopping_ = false;
    std::uint64_t greeting_ = 0; // of the group's
    std::string why_leaving_;    // once every reply is there; empty: it is not left
    std::unordered_map<const script*, known_script> scripts_;
    client_counters counters_;
    said_once said_; // of refused commands
    std::optional<client_metrics> metrics_;
    bound<ready, &client_state::flush> flush_{*this};
    bound<timer, &client_state::look_at_head> watch_{*this};
    kept_connection connection_; // last: it speaks to the rest
};

} // namespace sluice::redis
