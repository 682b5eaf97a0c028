// What a request's work on another thread knows of the request, and what it brings back: whose it is, and its spans.
//
//     work_elsewhere work;                 // on the shard, in the request
//     work.run([&] { … span querying(…); … });  // on the other thread
//     work.bring_back();                   // on the shard again: the request's trace has those spans
//
// The problem: the work may outlive its request, so it must not touch what is the request's. The answer: it has a
// context and a list of spans of its own, and the request takes them over if it is still there. Their names and texts
// must outlive the work, as they must the request's tasks: literals.
//
// Made, brought back and destroyed on the shard; between them used by one other thread.
#pragma once

#include <sluice/core/context.hpp>
#include <sluice/core/span.hpp>

#include <memory>
#include <utility>

#pragma GCC visibility push(default)

namespace sluice {

class work_elsewhere
{
public:
    work_elsewhere()
    {
        const context* request = context::current();
        if (request == nullptr) return;
        context_.trace = request->trace;
        context_.task = request->task;
        context_.debug = request->debug;
        if (request->spans == nullptr) return;
        spans_ = std::make_unique<span_log>();
        context_.spans = spans_.get();
    }
    work_elsewhere(const work_elsewhere&) = delete;
    work_elsewhere& operator=(const work_elsewhere&) = delete;

    template <class F> void run(F f)
    {
        context* const before = context::exchange_current(&context_);
        std::move(f)();
        context::exchange_current(before);
    }
    // For what is done for several at once, between run() and bring_back(); null where nobody may keep them.
    [[nodiscard]] span_log* spans() noexcept { return spans_.get(); }
    void bring_back() noexcept
    {
        const context* request = context::current();
        if (spans_ && request != nullptr && request->spans != nullptr) request->spans->take(*spans_);
    }

private:
    context context_;
    std::unique_ptr<span_log> spans_;
};

} // namespace sluice

#pragma GCC visibility pop
