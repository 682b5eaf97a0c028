// Spans: what a request spent its time on, for traces that somebody keeps.
//
//     span looking("cache get", span_kind::client);
//     …
//     looking.attribute("cache.hit", 1);
//
// The problem: which requests are worth keeping is known at their end (they failed, they were slow), and most are not.
// The answer: a bounded list a request, filled only while this thread has a span_sink, which decides at the end; where
// there is none, a span costs one branch. All spans of a request have the request's own span as their parent: they show
// where its time went, and coroutines that run side by side need no stack of spans.
//
// A span lives within its request's tasks, on its shard, or within work that they wait for elsewhere. Names and texts
// must live until the request is answered: literals, patterns of routes. What another thread does for the request is
// its own list's (work_elsewhere.hpp); what another shard does is not recorded.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/core/context.hpp>
#include <sluice/core/pool.hpp>
#include <sluice/core/thread_local.hpp>
#include <sluice/core/trace.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#pragma GCC visibility push(default)

namespace sluice {

enum class span_kind : std::uint8_t
{
    internal,
    server, // the request itself
    client, // a call to something else: a database, another service
};

struct span_attribute
{
    std::string_view name = {};
    std::string_view text = {}; // without data(): it is the number
    std::int64_t number = 0;
};

struct span_record
{
    static constexpr std::size_t attributes_max = 6;

    std::string_view name = {};
    std::array<std::uint8_t, 8> id{};
    span_kind kind = span_kind::internal;
    bool failed = false;
    std::uint8_t attribute_count = 0;
    time_point begin{};
    time_point end = never; // until it has ended
    std::array<span_attribute, attributes_max> attributes = {};

    [[nodiscard]] std::span<const span_attribute> all() const noexcept { return {attributes.data(), attribute_count}; }
    // More than there is room for are left out.
    void attribute(span_attribute one) noexcept
    {
        if (attribute_count < attributes_max) attributes[attribute_count++] = one;
    }
};

// The spans of one request below its own.
class span_log
{
public:
    static constexpr std::size_t spans_max = 16;

    static void* operator new(std::size_t bytes) { return pool_allocate(bytes); }
    static void operator delete(void* block, std::size_t bytes) noexcept { pool_deallocate(block, bytes); }

    // Null at the bound, where the span is counted and not kept.
    [[nodiscard]] span_record* open(std::string_view name, span_kind kind) noexcept;
    [[nodiscard]] std::span<const span_record> all() const noexcept { return {spans_.data(), count_}; }
    [[nodiscard]] std::size_t dropped() const noexcept { return dropped_; }
    // Adds another's, as far as there is room.
    void take(const span_log& other) noexcept;
    void clear() noexcept { count_ = dropped_ = 0; }

private:
    std::size_t count_ = 0;
    std::size_t dropped_ = 0;
    std::array<span_record, spans_max> spans_;
};

class span
{
public:
    explicit span(std::string_view name, span_kind kind = span_kind::internal) noexcept
    {
        const context* current = context::current();
        if (current != nullptr && current->spans != nullptr) [[unlikely]]
            record_ = current->spans->open(name, kind);
    }
    ~span()
    {
        if (record_ != nullptr) [[unlikely]]
            record_->end = steady_clock::now();
    }
    span(const span&) = delete;
    span& operator=(const span&) = delete;

    void attribute(std::string_view name, std::int64_t number) noexcept
    {
        if (record_ != nullptr) record_->attribute({.name = name, .number = number});
    }
    void attribute(std::string_view name, std::string_view text) noexcept
    {
        if (record_ != nullptr) record_->attribute({.name = name, .text = text});
    }
    void failed() noexcept
    {
        if (record_ != nullptr) record_->failed = true;
    }
    void rename(std::string_view to) noexcept
    {
        if (record_ != nullptr) record_->name = to;
    }
    [[nodiscard]] span_record* record() noexcept { return record_; } // null where nothing is recorded

private:
    span_record* record_ = nullptr;
};

// A request's trace, complete: valid during the call that hands it over.
struct finished_trace
{
    const trace_context& trace;
    std::string_view trace_state;
    const span_record& request; // its name is the route, its first attribute the method
    const span_log& spans;
};

// Who may keep traces: one a thread, chosen by the application (telemetry/trace_exporter.hpp).
class span_sink
{
public:
    [[nodiscard]] static span_sink* current() noexcept;
    // Gives back the one before.
    static span_sink* exchange_current(span_sink* next) noexcept;

    // A trace that no trusted caller has decided about: is it sampled?
    [[nodiscard]] virtual bool samples(const trace_context& started) const noexcept = 0;
    virtual void take(const finished_trace& finished) noexcept = 0;

protected:
    ~span_sink() = default;
};

namespace detail {
SLUICE_THREAD_LOCAL inline thread_local span_sink* current_span_sink = nullptr;
}

inline span_sink* span_sink::current() noexcept { return detail::current_span_sink; }
inline span_sink* span_sink::exchange_current(span_sink* next) noexcept
{
    return std::exchange(detail::current_span_sink, next);
}

} // namespace sluice

#pragma GCC visibility pop
