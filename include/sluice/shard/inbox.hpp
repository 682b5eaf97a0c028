// How other threads hand something to a shard: a lock-free, intrusive queue of items that their senders own, and one
// eventfd wake-up for many of them.
//
// Any thread pushes; the shard alone takes. An item lives until it has run. What is in it is bounded by what its
// senders own. (Shards talk to each other by mailboxes, which need no eventfd: see message.hpp. This is for the offload
// pool and for threads of an application.)
#pragma once

#include <atomic>

#pragma GCC visibility push(default)

namespace sluice {

struct inbox_item
{
    using function = void (*)(inbox_item&);
    explicit inbox_item(function f) noexcept : run(f) {}
    function run; // on the shard's thread
    inbox_item* next = nullptr;
};

class inbox
{
public:
    inbox();  // throws std::system_error without a descriptor to be had
    ~inbox(); // once those have left push() whose items it has run
    inbox(const inbox&) = delete;
    inbox& operator=(const inbox&) = delete;

    // From any thread.
    void push(inbox_item& item) noexcept;

    // From the shard: runs all that is there, oldest first.
    void drain();
    [[nodiscard]] int event_fd() const noexcept { return event_fd_; }

private:
    std::atomic<inbox_item*> newest_{nullptr};
    // Threads inside push(): their items may have run, the shard's last among them, before they return.
    std::atomic<unsigned> pushing_{0};
    int event_fd_;
};

} // namespace sluice

#pragma GCC visibility pop
