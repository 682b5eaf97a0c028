#include "telemetry/file_output.hpp"
#include "telemetry/journal_output.hpp"
#include "telemetry/log_buffer.hpp"

#include <sluice/core/context.hpp>
#include <sluice/core/thread_local.hpp>
#include <sluice/core/timestamp.hpp>
#include <sluice/shard/shard.hpp>
#include <sluice/telemetry/log_file.hpp>

#include <sys/eventfd.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstring>
#include <iterator>
#include <latch>
#include <mutex>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using telemetry::log_buffer;

constexpr duration gathering = std::chrono::milliseconds(10);

// What the writing thread does. After each round it lets lines gather for a while, so that a busy shard does not pay
// for waking it with every line.
enum class writer_is : std::uint8_t
{
    awake,
    gathering, // it looks again by itself, soon
    asleep,    // until it is woken
};

// Which buffer this thread's lines go to, and of which log; without a destructor, so that reaching it costs nothing.
struct attached
{
    std::uint64_t log = 0;
    log_buffer* buffer = nullptr;
    bool thread_ended = false;
};
SLUICE_THREAD_LOCAL thread_local attached here = {};

// Keeps the buffer as long as the thread may write to it.
struct attachment
{
    std::shared_ptr<log_buffer> buffer;

    attachment() noexcept = default;
    attachment(const attachment&) = delete;
    attachment& operator=(const attachment&) = delete;
    ~attachment()
    {
        leave();
        here = {.log = 0, .buffer = nullptr, .thread_ended = true};
    }
    void leave() noexcept
    {
        if (buffer != nullptr) buffer->retire();
        buffer.reset();
    }
};

std::unique_ptr<telemetry::log_output> output_for(log_file_options& options)
{
    telemetry::redaction hidden(options.redact);
    if (options.journal_socket.empty())
        return std::make_unique<telemetry::file_output>(std::move(options.path), std::move(hidden));
    return std::make_unique<telemetry::journal_output>(std::move(options.journal_socket), std::move(hidden));
}

// Never given twice: a thread may still hold the buffer of a log that is gone.
std::uint64_t next_log_number() noexcept
{
    static std::atomic<std::uint64_t> last = 0;
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

} // namespace

std::vector<std::string> secret_words()
{
    return {"api_key",  "apikey", "authorization", "cookie", "credential", "passphrase",
            "password", "passwd", "private_key",   "secret", "token"};
}

bool output_is_journal(std::string_view stream) noexcept
{
    // Its device and inode: "8:1048576".
    struct stat what = {};
    if (::fstat(STDOUT_FILENO, &what) != 0) return false;
    return stream == std::to_string(what.st_dev) + ':' + std::to_string(what.st_ino);
}

struct log_file::state
{
    explicit state(log_file_options o)
        : waiting_bytes_max(o.waiting_bytes_max), output(output_for(o)), wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))
    {}
    ~state()
    {
        if (wake >= 0) ::close(wake);
    }
    state(const state&) = delete;
    state& operator=(const state&) = delete;

    const std::uint64_t number = next_log_number();
    const std::size_t waiting_bytes_max;
    const std::unique_ptr<telemetry::log_output> output;
    const int wake; // an eventfd
    std::atomic<writer_is> writer_state = writer_is::awake;
    std::atomic<std::uint64_t> dropped = 0;
    std::atomic<bool> reopening = false;
    std::atomic<bool> stopping = false;
    std::mutex newcomers_lock; // taken once in a thread's life, and for an instant in each round
    std::vector<std::shared_ptr<log_buffer>> newcomers;
    std::latch started{1};
    result<void> able; // to make the ring; once started
    std::thread writer;

    // The writing thread's own.
    telemetry::log_ring* ring = nullptr;
    std::vector<std::shared_ptr<log_buffer>> buffers;
    std::uint64_t dropped_and_said = 0;
    bool heard = true; // nothing of what was put last is lost

    // --- Any thread.

    void wake_writer() const noexcept
    {
        const std::uint64_t one = 1;
        (void)!::write(wake, &one, sizeof one);
    }

    [[gnu::cold]] log_buffer* attach()
    {
        if (here.thread_ended) return nullptr;
        static thread_local attachment mine;
        mine.leave();
        mine.buffer = std::make_shared<log_buffer>(waiting_bytes_max);
        here = {.log = number, .buffer = mine.buffer.get(), .thread_ended = false};
        const std::lock_guard lock(newcomers_lock);
        newcomers.push_back(mine.buffer);
        return here.buffer;
    }

    void append(std::string_view line)
    {
        log_buffer* buffer = here.log == number ? here.buffer : attach();
        if (buffer == nullptr || !buffer->try_append(line)) {
            dropped.fetch_add(1, std::memory_order_relaxed);
            return;
        }
        const writer_is found = writer_state.load(std::memory_order_seq_cst);
        if (found == writer_is::awake || (found == writer_is::gathering && !buffer->more_than_half_full())) return;
        if (writer_state.exchange(writer_is::awake, std::memory_order_seq_cst) != writer_is::awake) wake_writer();
    }

    // --- The writing thread.

    void put(std::string_view lines) noexcept
    {
        const std::size_t lost = output->put(lines, *ring);
        if (lost != 0) dropped.fetch_add(lost, std::memory_order_relaxed);
        heard = lost == 0;
    }

    // A line about the log itself, which does not count where it is lost.
    bool say(log_level level, std::string_view message, std::initializer_list<log_field> fields)
    {
        pooled_string text;
        output->encode({.when = wall_now(),
                        .level = level,
                        .shard = std::nullopt,
                        .trace = nullptr,
                        .message = message,
                        .fields = fields},
                       text);
        return output->put(text, *ring) == 0;
    }

    // Writes all that waits; says whether there was anything.
    bool flush()
    {
        {
            const std::lock_guard lock(newcomers_lock);
            std::ranges::move(newcomers, std::back_inserter(buffers));
            newcomers.clear();
        }
        bool any = false;
        std::erase_if(buffers, [&](const auto& buffer) {
            const bool last = buffer->retired();
            any = buffer->take([this](std::string_view lines) { put(lines); }) || any;
            return last;
        });
        const std::uint64_t now = dropped.load(std::memory_order_relaxed);
        // Once somebody hears again: what is said to nobody would be said of less than is missing.
        const bool news = any && heard && now != dropped_and_said;
        if (news && say(log_level::warn, "Log lines were dropped", {{"dropped", now - dropped_and_said}}))
            dropped_and_said = now;
        return any;
    }

    void open_again()
    {
        if (const int failure = output->open(); failure != 0)
            (void)say(log_level::error, "The log file cannot be opened again; this one is kept", {{"errno", failure}});
    }

    [[nodiscard]] bool nothing_waits()
    {
        const std::lock_guard lock(newcomers_lock);
        return newcomers.empty() && std::ranges::all_of(buffers, [](const auto& buffer) { return buffer->empty(); });
    }

    void wait(writer_is how)
    {
        writer_state.store(how, std::memory_order_seq_cst);
        // A line that came before the store did not wake anyone; one that comes after it does.
        if (how == writer_is::gathering)
            ring->sleep(gathering);
        else if (nothing_waits())
            ring->sleep();
        writer_state.store(writer_is::awake, std::memory_order_seq_cst);
    }

    void run()
    {
        ::pthread_setname_np(::pthread_self(), "log");
        const auto made = telemetry::log_ring::create(wake, stopping);
        if (made)
            ring = made->get();
        else
            able = std::unexpected(made.error());
        started.count_down();
        if (made) write_until_the_end();
    }

    void write_until_the_end()
    {
        for (;;) {
            const bool last = stopping.load(std::memory_order_acquire);
            const bool reopen = reopening.exchange(false, std::memory_order_acq_rel);
            const bool any =
                flush(); // before the file changes: what was written before the call belongs to the old one
            if (reopen) open_again();
            if (last) return;
            wait(any ? writer_is::gathering : writer_is::asleep);
        }
    }
};

log_file::log_file(log_level level, std::unique_ptr<state> s) noexcept : log_sink(level), state_(std::move(s)) {}

result<std::unique_ptr<log_file>> log_file::open(log_file_options options)
{
    const log_level level = options.level;
    const std::string name =
        options.journal_socket.empty() ? "the log file " + options.path : "the journal at " + options.journal_socket;
    auto made = std::make_unique<state>(std::move(options));
    if (made->wake < 0)
        return fail(errc::unavailable, "the log has no file descriptor left: raise the limit (ulimit -n)");
    const int failure = made->output->open();
    if (failure == ENXIO) return fail(errc::unavailable, name + " is a pipe that nobody reads: start its reader first");
    if (failure != 0) {
        return fail(errc::unavailable,
                    name + " cannot be opened (" + std::strerror(failure) + "): name one that this user may write");
    }
    // Signals are for the thread that runs the server.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    made->writer = std::thread([s = made.get()] { s->run(); });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    made->started.wait();
    if (!made->able) {
        made->writer.join();
        return std::unexpected(std::move(made->able).error());
    }
    return std::unique_ptr<log_file>(new log_file(level, std::move(made)));
}

log_file::~log_file() { (void)close(); }

std::uint64_t log_file::close() noexcept
{
    if (state_->writer.joinable()) {
        state_->stopping.store(true, std::memory_order_release);
        state_->wake_writer();
        state_->writer.join();
    }
    return dropped() - state_->dropped_and_said;
}

void log_file::write(log_level level, std::string_view message, std::span<const log_field> fields) noexcept
{
    // Background work may have a context, for its deadline or its stop, and yet no trace.
    const context* request = context::current();
    const bool traced = request != nullptr && request->trace.trace_id != trace_context().trace_id;
    pooled_string text;
    state_->output->encode({.when = wall_now(),
                            .level = level,
                            .shard = shard::is_current() ? std::optional(shard::current().index()) : std::nullopt,
                            .trace = traced ? &request->trace : nullptr,
                            .message = message,
                            .fields = fields},
                           text);
    state_->append(text);
}

void log_file::reopen() noexcept
{
    state_->reopening.store(true, std::memory_order_release);
    state_->wake_writer();
}

std::uint64_t log_file::dropped() const noexcept { return state_->dropped.load(std::memory_order_relaxed); }

} // namespace sluice
