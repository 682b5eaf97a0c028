#include <sluice/core/turn_watch.hpp>
#include <sluice/coro/executor.hpp>

#include <utility>

namespace sluice {

executor::executor() noexcept : previous_(std::exchange(detail::current_executor, this)) {}

executor::~executor()
{
    SLUICE_ASSERT(idle() && current() == this);
    detail::current_executor = previous_;
}

std::size_t ready_queue::run() noexcept
{
    ready* item = std::exchange(head_, nullptr);
    tail_ = nullptr;
    std::size_t ran = 0;
    turn_watch& watch = turn_watch::current();
    while (item != nullptr) {
        // The item may be posted again, or freed, by its own run: read what is needed first.
        ready* next = item->next;
        item->queued = false;
        item->run(*item);
        watch.cut();
        item = next;
        ++ran;
    }
    return ran;
}

void resumption::resume(ready& self)
{
    auto& me = static_cast<resumption&>(self);
    context* before = context::exchange_current(me.context_);
    if (me.context_ != nullptr) turn_watch::current().runs_for(*me.context_);
    std::exchange(me.handle_, nullptr).resume();
    context::exchange_current(before);
}

} // namespace sluice
