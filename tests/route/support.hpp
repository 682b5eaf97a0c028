// What the router's tests share: requests made by hand, and coroutines run to their end.
#pragma once

#include <sluice/coro/executor.hpp>
#include <sluice/coro/task.hpp>
#include <sluice/http/test_request.hpp>
#include <sluice/route/router.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::test {

struct sample
{
    sample(http::method method, std::string_view path) : made(method, path), asked(made.get()) {}
    http::test_request made;
    request& asked;
};

inline sample get(std::string_view path) { return {http::method::get, path}; }

// Runs what waits on this thread's executor until the task has ended.
template <class T> T run(executor& during, task<T> work)
{
    auto frame = work.release();
    frame.resume();
    while (!frame.done()) during.run();
    T value = frame.promise().take();
    frame.destroy();
    return value;
}

// The answer as the driver of a connection gets it: at once as far as that goes.
inline response answer_of(const route& found, request& asked, executor& during)
{
    admission made = found.admit_at_once(asked);
    if (made.early) return *std::move(made.early);
    if (!made.complete) return test::run(during, found.answer_waiting(asked, made.passed));
    if (std::optional<response> now = found.handle_at_once(asked)) return *std::move(now);
    return test::run(during, found.handle_waiting(asked));
}

// `co_await turn()`: goes on in the executor's next turn.
class turn
{
public:
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle)
    {
        resumption_.suspend(handle);
        resumption_.wake();
    }
    void await_resume() const noexcept {}

private:
    resumption resumption_;
};

// A handler that says its name.
inline auto says(std::string_view text)
{
    return [text](request&) { return response::text(text); };
}

} // namespace sluice::test
