// The offload pool: where blocking work goes, so that no shard ever waits for it.
//
//     result<std::string> text = co_await offload(pool, [path] { return read_whole_file(path); });
//
// A few threads take work from one bounded queue; the result comes back to the shard that asked. At the bound the
// answer is errc::unavailable, at once. The work and its result belong to the operation and not to the awaiting
// coroutine, so a request that is cancelled or whose deadline passes is answered (errc::cancelled, errc::timeout) while
// the work runs on; its result is then dropped. The function must therefore own what it uses. Work that is still queued
// when its waiter leaves does not run at all. The request's trace goes with it, so its log lines name the request.
//
// Threads: the pool may be used from every shard; its threads do not inherit a shard's pinning.
#pragma once

#include <sluice/core/error.hpp>
#include <sluice/coro/executor.hpp>
#include <sluice/coro/task.hpp>

#include <cstddef>
#include <memory>
#include <type_traits>

#pragma GCC visibility push(default)

namespace sluice {

struct offload_options
{
    unsigned threads = 2;
    std::size_t queue_max = 1024;
};

class offload_pool
{
public:
    // A piece of work; owned by the operation that queued it.
    struct work
    {
        using function = void (*)(work&);
        explicit work(function f) noexcept : run(f) {}
        function run; // on a pool thread
    };

    explicit offload_pool(offload_options options);
    ~offload_pool(); // runs what is queued, then joins its threads
    offload_pool(const offload_pool&) = delete;
    offload_pool& operator=(const offload_pool&) = delete;

    // False at the bound: nothing was queued. From any thread.
    [[nodiscard]] bool submit(work& item) noexcept;
    [[nodiscard]] std::size_t queued() const noexcept;
    [[nodiscard]] unsigned threads() const noexcept;
    // The index of the pool thread that calls it (0 …): for per-thread resources such as a database connection.
    [[nodiscard]] static unsigned thread_index() noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

// What co_await offload(pool, f) gives: result<R> for a function that returns R, and the same result for one that
// already returns a result.
template <class R> struct offload_result
{
    using type = result<R>;
};
template <class T> struct offload_result<result<T>>
{
    using type = result<T>;
};

template <class F>
[[nodiscard]] task<typename offload_result<std::invoke_result_t<F&>>::type> offload(offload_pool& pool, F work);

} // namespace sluice

#pragma GCC visibility pop

#include <sluice/shard/offload.inl.hpp>
