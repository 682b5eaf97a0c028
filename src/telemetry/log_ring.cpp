#include "telemetry/log_ring.hpp"

#include <sluice/ring/probe.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <poll.h>
#include <utility>

namespace sluice::telemetry {
namespace {

constexpr duration between_looks = std::chrono::milliseconds(100);

// Chains of messages must fit into the submission queue, with what else may stand in it. Nothing is received.
static_assert(log_ring_options.submissions >= 2 * log_ring::messages_max);

} // namespace

result<std::unique_ptr<log_ring>> log_ring::create(int wake, const std::atomic<bool>& ending)
{
    auto made = ring::create(log_ring_options);
    if (!made) return std::unexpected(std::move(made).error());
    return std::unique_ptr<log_ring>(new log_ring(*std::move(made), wake, ending));
}

log_ring::log_ring(std::unique_ptr<ring> made, int wake, const std::atomic<bool>& ending)
    : ring_(std::move(made)), wake_(wake), ending_(ending)
{
    ring_->poll_multishot(wake_, POLLIN, waking_);
}

log_ring::~log_ring() { ring_->abandon(waking_); }

void log_ring::waking::woken(operation& op, completion c)
{
    log_ring& self = static_cast<waking&>(op).of;
    self.woken_ = true;
    if (!c.more()) self.ring_->poll_multishot(self.wake_, POLLIN, op);
}

int log_ring::finish(step& what)
{
    while (what.in_flight()) {
        ring_->enter(ring::wait::yes);
        ring_->dispatch();
    }
    return what.result;
}

int log_ring::finish_or_give_up(step& what)
{
    while (what.in_flight()) {
        ring_->enter(1, looks_left_ > 0 ? between_looks : duration::zero());
        if (ring_->dispatch() != 0 || !ending_.load(std::memory_order_relaxed) || --looks_left_ > 0) continue;
        ring_->cancel(what);
        return finish(what);
    }
    return what.result;
}

int log_ring::write(int file, std::string_view bytes)
{
    ring_->write(file, bytes, step_);
    return finish(step_);
}

int log_ring::write_to_reader(int descriptor, std::string_view bytes)
{
    ring_->write(descriptor, bytes, step_);
    return finish_or_give_up(step_);
}

bool log_ring::wait_for_room(int descriptor)
{
    ring_->poll(descriptor, POLLOUT, step_);
    return finish_or_give_up(step_) > 0;
}

log_ring::sent log_ring::send(int socket, std::span<const msghdr> messages)
{
    for (std::size_t i = 0; i < messages.size(); ++i) {
        if (i != 0) ring_->chain();
        ring_->try_send_message(socket, messages[i], sends_[i]);
    }
    const std::span<const step> all = std::span(sends_).first(messages.size());
    while (const auto left = std::ranges::count_if(all, &step::in_flight)) {
        ring_->enter(static_cast<unsigned>(left), between_looks);
        ring_->dispatch();
    }
    const auto refused = std::ranges::find_if(all, [](const step& one) { return one.result < 0; });
    return {.messages = static_cast<std::size_t>(refused - all.begin()),
            .failure = refused == all.end() ? 0 : -refused->result};
}

void log_ring::sleep()
{
    while (!woken_) {
        ring_->enter(ring::wait::yes);
        ring_->dispatch();
    }
    woken_ = false;
}

void log_ring::sleep(duration at_most)
{
    if (!woken_) {
        ring_->enter(1, at_most);
        ring_->dispatch();
    }
    woken_ = false;
}

} // namespace sluice::telemetry
