#include <sluice/coro/scope.hpp>

namespace sluice
{

void scope::spawn(task<void> work, context* during)
{
    auto frame = work.release();
    frame.promise().belong_to(*this);
    ++running_;
    context* before = context::exchange_current(during);
    frame.resume();
    context::exchange_current(before);
}

void detail::spawned_task_finished(scope& owner, std::coroutine_handle<> frame, std::exception_ptr failure) noexcept
{
    if (failure) std::terminate();
    frame.destroy();
    if (--owner.running_ == 0 && owner.joining_) {
        owner.joining_ = false;
        owner.joiner_.wake();
    }
}

} // namespace sluice
