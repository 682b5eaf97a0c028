// The ring of the thread that writes the log: all that this thread waits for.
//
// The problem: a pipe or a journal that nobody reads can keep a write waiting for ever, and the log must be able to
// end. The answer: the kernel waits, and the thread looks now and then whether the log ends; from then on ten looks, of
// a tenth of a second each, may find that nothing was taken, over all that it still writes, and then what waits is
// cancelled. Whatever a function starts is over when it returns; only the wake-up is under way all the time.
//
// Thread: the one that made it.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/core/error.hpp>
#include <sluice/ring/ring.hpp>

#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace sluice::telemetry {

class log_ring
{
public:
    static constexpr std::size_t messages_max = 64;

    // `wake`: an eventfd, which is written by those who wake the thread and read by nobody.
    [[nodiscard]] static result<std::unique_ptr<log_ring>> create(int wake, const std::atomic<bool>& ending);
    ~log_ring();
    log_ring(const log_ring&) = delete;
    log_ring& operator=(const log_ring&) = delete;

    // How many bytes were written, or -errno.
    [[nodiscard]] int write(int file, std::string_view bytes);
    // Likewise, to what is emptied by a reader; -ECANCELED once it is time to give up.
    [[nodiscard]] int write_to_reader(int descriptor, std::string_view bytes);
    // False once it is time to give up.
    [[nodiscard]] bool wait_for_room(int descriptor);

    struct sent
    {
        std::size_t messages = 0;
        int failure = 0; // errno of the one behind them; 0: there is none
    };
    // Datagrams, at most messages_max and in order: none overtakes one that was refused. Waits for no reader.
    [[nodiscard]] sent send(int socket, std::span<const msghdr> messages);

    // Until the thread is woken, or has been since it last slept.
    void sleep();
    void sleep(duration at_most);

private:
    struct step final : operation
    {
        step() noexcept : operation(&ended) {}
        static void ended(operation& op, completion c) { static_cast<step&>(op).result = c.result; }
        std::int32_t result = 0;
    };
    struct waking final : operation
    {
        explicit waking(log_ring& r) noexcept : operation(&woken), of(r) {}
        static void woken(operation& op, completion c);
        log_ring& of;
    };

    log_ring(std::unique_ptr<ring> made, int wake, const std::atomic<bool>& ending);
    [[nodiscard]] int finish(step& what);
    [[nodiscard]] int finish_or_give_up(step& what);

    std::unique_ptr<ring> ring_;
    const int wake_;
    const std::atomic<bool>& ending_;
    int looks_left_ = 10; // once the log ends
    bool woken_ = false;
    waking waking_{*this};
    step step_;
    std::array<step, messages_max> sends_;
};

} // namespace sluice::telemetry
