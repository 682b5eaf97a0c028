#include "shard/last_stop.hpp"

#include <sluice/shard/shard.hpp>
#include <sluice/shard/wait.hpp>

#include <algorithm>

namespace sluice {

wait::~wait() { SLUICE_ASSERT(!waiter_.queued); }

bool wait::begin(std::coroutine_handle<> handle, time_point limit)
{
    if (const context* current = context::current()) {
        if (current->stop != nullptr) {
            current->stop->add(*this); // ends the wait at once if the stop was requested before
            if (end_ != wait_end::pending) return false;
        }
        limit = std::min(limit, current->deadline);
    }
    shard& here = shard::current();
    if (limit <= here.now()) {
        end(wait_end::timeout);
        return false;
    }
    if (limit != never) here.timers().arm(*this, limit);
    waiter_.suspend(handle);
    return true;
}

void wait::end(wait_end how) noexcept
{
    if (end_ != wait_end::pending) return;
    end_ = how;
    stop_callback::unlink();
    if (timer::armed()) shard::current().timers().cancel(*this);
    if (waiter_.suspended()) waiter_.wake();
}

stop_source& last_stop() noexcept
{
    thread_local stop_source ends;
    return ends;
}

void wait::time_is_up(timer& t) { static_cast<wait&>(t).end(wait_end::timeout); }
void wait::stopped(stop_callback& c) { static_cast<wait&>(c).end(wait_end::cancelled); }

} // namespace sluice
