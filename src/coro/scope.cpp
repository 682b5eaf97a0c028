#include <sluice/core/turn_watch.hpp>
#include <sluice/coro/scope.hpp>

namespace sluice {

void scope::spawn(task<void>&& work, context* during)
{
    auto frame = work.release();
    frame.promise().belong_to(*this);
    ++running_;
    context* before = context::exchange_current(during);
    if (during != nullptr) turn_watch::current().turns_to(*during);
    frame.resume();
    context::exchange_current(before);
}

task<void> scope::join()
{
    struct last_one_ended
    {
        resumption& joiner;
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> handle) const noexcept { joiner.suspend(handle); }
        void await_resume() const noexcept {}
    };
    // The joiner runs a turn after the last task ended, and others may have been spawned until then.
    while (running_ != 0) co_await last_one_ended{joiner_};
}

void detail::spawned_task_finished(scope& owner, std::coroutine_handle<> frame) noexcept
{
    // The task's arguments may refer to what its scope's owner keeps for it: it counts until they are gone.
    frame.destroy();
    if (--owner.running_ == 0 && owner.joiner_.suspended()) owner.joiner_.wake();
}

} // namespace sluice
