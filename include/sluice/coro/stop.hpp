// Cancellation within a shard: a source is asked to stop, and tells everyone who registered.
//
// Single-threaded, so plain flags and an intrusive list do. A callback registered after the request runs at once. A
// callback may destroy itself, and must not destroy another.
#pragma once

#include <sluice/core/intrusive_list.hpp>

#pragma GCC visibility push(default)

namespace sluice {

class stop_callback : public list_node<stop_callback>
{
public:
    using function = void (*)(stop_callback&);
    explicit stop_callback(function f) noexcept : f_(f) {}
    void invoke() { f_(*this); }

private:
    function f_;
};

class stop_source
{
public:
    [[nodiscard]] bool requested() const noexcept { return requested_; }
    void request()
    {
        requested_ = true;
        while (!callbacks_.empty()) callbacks_.pop_front().invoke();
    }
    // Ends the request, for a source that is used again; nobody may be registered.
    void reset() noexcept
    {
        SLUICE_ASSERT(callbacks_.empty());
        requested_ = false;
    }
    // The callback runs once, on request(); unlink() it to leave.
    void add(stop_callback& callback)
    {
        if (requested_)
            callback.invoke();
        else
            callbacks_.push_back(callback);
    }

private:
    bool requested_ = false;
    intrusive_list<stop_callback, stop_callback> callbacks_;
};

} // namespace sluice

#pragma GCC visibility pop
