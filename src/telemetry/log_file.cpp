#include "telemetry/log_line.hpp"

#include <sluice/core/timestamp.hpp>
#include <sluice/shard/shard.hpp>
#include <sluice/telemetry/log_file.hpp>

#include <climits>

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace sluice {
namespace {

constexpr int poll_ms = 100;
constexpr int polls_after_stop = 10; // a reader that takes nothing for a second while the process ends gets no more

int open_for_appending(const std::string& path)
{
    constexpr mode_t owner_and_group = 0640;
    return ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, owner_and_group);
}

// A line on its way to the writing thread, which frees it.
struct waiting_line
{
    pooled_string text;
    waiting_line* next = nullptr;
};

} // namespace

struct log_file::state
{
    log_file_options options;
    int descriptor = STDOUT_FILENO;              // the writing thread's
    std::atomic<waiting_line*> newest = nullptr; // a stack that the writing thread takes whole
    std::atomic<std::uint32_t> signals = 0;      // counts what the writing thread must look at
    std::atomic<std::size_t> waiting_bytes = 0;
    std::atomic<std::uint64_t> dropped = 0;
    std::atomic<bool> reopening = false;
    std::atomic<bool> stopping = false;
    std::uint64_t dropped_and_said = 0;
    std::thread writer;

    void signal() noexcept
    {
        signals.fetch_add(1, std::memory_order_release);
        signals.notify_one();
    }

    void push(pooled_string text)
    {
        auto* line = new waiting_line{.text = std::move(text)};
        line->next = newest.load(std::memory_order_relaxed);
        while (!newest.compare_exchange_weak(line->next, line, std::memory_order_release, std::memory_order_relaxed)) {
        }
        signal();
    }

    // Everything that waits, oldest first.
    pooled_string take()
    {
        waiting_line* line = newest.exchange(nullptr, std::memory_order_acquire);
        waiting_line* oldest = nullptr;
        while (line != nullptr) {
            waiting_line* next = std::exchange(line->next, oldest);
            oldest = std::exchange(line, next);
        }
        pooled_string all;
        while (oldest != nullptr) {
            const std::unique_ptr<waiting_line> owned(std::exchange(oldest, oldest->next));
            all += owned->text;
        }
        return all;
    }

    // Writes through a descriptor that may block, without being stuck in it: a pipe that is ready takes at least
    // PIPE_BUF.
    bool put(std::string_view text)
    {
        int patience = polls_after_stop;
        while (!text.empty()) {
            pollfd wait = {.fd = descriptor, .events = POLLOUT, .revents = 0};
            const int ready = ::poll(&wait, 1, poll_ms);
            if (ready == 0 && stopping.load(std::memory_order_relaxed) && --patience == 0) return false;
            if (ready <= 0) continue;
            const ssize_t written = ::write(descriptor, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
            if (written > 0)
                text.remove_prefix(static_cast<std::size_t>(written));
            else if (errno != EINTR && errno != EAGAIN)
                return false;
        }
        return true;
    }

    void say(log_level level, std::string_view message, std::initializer_list<log_field> fields)
    {
        pooled_string text;
        telemetry::append_json({.when = wall_now(), .level = level, .shard = {}, .message = message, .fields = fields},
                               text);
        (void)put(text);
    }

    void open_again()
    {
        if (options.path.empty()) return;
        const int next = open_for_appending(options.path);
        if (next < 0) {
            say(log_level::error, "The log file cannot be opened again; this one is kept", {{"errno", errno}});
            return;
        }
        ::close(std::exchange(descriptor, next));
    }

    void flush()
    {
        const pooled_string all = take();
        if (all.empty()) return;
        const bool whole = put(all);
        waiting_bytes.fetch_sub(all.size(), std::memory_order_relaxed);
        if (!whole)
            dropped.fetch_add(static_cast<std::uint64_t>(std::ranges::count(all, '\n')), std::memory_order_relaxed);
        const std::uint64_t now = dropped.load(std::memory_order_relaxed);
        if (whole && now != dropped_and_said) {
            say(log_level::warn, "Log lines were dropped", {{"dropped", now - std::exchange(dropped_and_said, now)}});
        }
    }

    void run()
    {
        for (;;) {
            const std::uint32_t seen = signals.load(std::memory_order_acquire);
            const bool last = stopping.load(std::memory_order_acquire);
            flush(); // before the file changes: lines written before the call belong to the old one
            if (reopening.exchange(false, std::memory_order_acq_rel)) open_again();
            if (last) return;
            signals.wait(seen, std::memory_order_acquire);
        }
    }
};

log_file::log_file(std::unique_ptr<state> s) noexcept : state_(std::move(s)) {}

result<std::unique_ptr<log_file>> log_file::open(log_file_options options)
{
    auto made = std::make_unique<state>();
    made->options = std::move(options);
    if (!made->options.path.empty()) {
        made->descriptor = open_for_appending(made->options.path);
        if (made->descriptor < 0) {
            return fail(errc::unavailable, "the log file " + made->options.path + " cannot be opened (" +
                                               std::strerror(errno) + "): name one that this user may write");
        }
    }
    // Signals are for the thread that runs the server.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    made->writer = std::thread([s = made.get()] { s->run(); });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return std::unique_ptr<log_file>(new log_file(std::move(made)));
}

log_file::~log_file()
{
    state_->stopping.store(true, std::memory_order_release);
    state_->signal();
    state_->writer.join();
    if (!state_->options.path.empty()) ::close(state_->descriptor);
}

void log_file::write(log_level level, std::string_view message, std::span<const log_field> fields) noexcept
{
    if (level < state_->options.level) return;
    pooled_string text;
    telemetry::append_json({.when = wall_now(),
                            .level = level,
                            .shard = shard::is_current() ? std::optional(shard::current().index()) : std::nullopt,
                            .message = message,
                            .fields = fields},
                           text);
    const std::size_t size = text.size();
    if (state_->waiting_bytes.fetch_add(size, std::memory_order_relaxed) + size > state_->options.waiting_bytes_max) {
        state_->waiting_bytes.fetch_sub(size, std::memory_order_relaxed);
        state_->dropped.fetch_add(1, std::memory_order_relaxed);
        return;
    }
    state_->push(std::move(text));
}

void log_file::reopen() noexcept
{
    state_->reopening.store(true, std::memory_order_release);
    state_->signal();
}

std::uint64_t log_file::dropped() const noexcept { return state_->dropped.load(std::memory_order_relaxed); }

} // namespace sluice
