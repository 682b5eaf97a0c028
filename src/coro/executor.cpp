#include <sluice/coro/executor.hpp>

#include <utility>

namespace sluice
{

namespace
{
thread_local executor* current_executor = nullptr;
}

executor::executor() noexcept : previous_(std::exchange(current_executor, this)) {}
executor::~executor() { current_executor = previous_; }
executor* executor::current() noexcept { return current_executor; }

std::size_t ready_queue::run()
{
    ready* item = std::exchange(head_, nullptr);
    tail_ = nullptr;
    std::size_t ran = 0;
    while (item != nullptr) {
        // The item may be posted again, or freed, by its own run: read what is needed first.
        ready* next = item->next;
        item->queued = false;
        item->run(*item);
        item = next;
        ++ran;
    }
    return ran;
}

void resumption::resume(ready& self)
{
    auto& me = static_cast<resumption&>(self);
    context* before = context::exchange_current(me.context_);
    std::exchange(me.handle_, nullptr).resume();
    context::exchange_current(before);
}

} // namespace sluice
