#include <sluice/core/assert.hpp>
#include <sluice/core/turn_watch.hpp>
#include <sluice/shard/inbox.hpp>

#include <sys/eventfd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace sluice {

inbox::inbox() : event_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))
{
    if (event_fd_ < 0)
        throw std::system_error(errno, std::generic_category(),
                                "eventfd (raise RLIMIT_NOFILE if descriptors are short)");
}

inbox::~inbox()
{
    SLUICE_ASSERT(newest_.load(std::memory_order_relaxed) == nullptr);
    while (pushing_.load(std::memory_order_acquire) != 0) std::this_thread::yield();
    close(event_fd_);
}

void inbox::push(inbox_item& item) noexcept
{
    pushing_.fetch_add(1, std::memory_order_relaxed); // seen with the item
    inbox_item* before = newest_.load(std::memory_order_relaxed);
    do item.next = before;
    while (!newest_.compare_exchange_weak(before, &item, std::memory_order_release, std::memory_order_relaxed));
    // Whoever makes it non-empty wakes the shard; the others find it awake, or woken by that one.
    if (before == nullptr) {
        const std::uint64_t one = 1;
        [[maybe_unused]] auto written = write(event_fd_, &one, sizeof one);
    }
    pushing_.fetch_sub(1, std::memory_order_release);
}

void inbox::drain()
{
    std::uint64_t wakes = 0;
    [[maybe_unused]] auto taken = read(event_fd_, &wakes, sizeof wakes);
    // Taken whole, in one step; newest first, so turn it round.
    inbox_item* item = newest_.exchange(nullptr, std::memory_order_acquire);
    inbox_item* oldest = nullptr;
    while (item != nullptr) {
        inbox_item* next = item->next;
        item->next = oldest;
        oldest = item;
        item = next;
    }
    while (oldest != nullptr) {
        inbox_item* next = oldest->next; // the item may be gone once it has run
        turn_watch::current().cut();
        oldest->run(*oldest);
        oldest = next;
    }
}

} // namespace sluice
