// All shards of a process: their threads, the queues between them, their common start and end.
//
// start() makes each shard on its own pinned thread, calls `main` there, and returns when all of them turn, or with the
// first failure. A shard ends once every shard has called finish(). Thread: the one that made it.
#pragma once

#include "shard/poll_policy.hpp"

#include <sluice/core/error.hpp>
#include <sluice/core/spsc_queue.hpp>
#include <sluice/ring/ring.hpp>
#include <sluice/shard/shard.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace sluice {

struct shard_group_options
{
    unsigned shards = 1;
    bool pin = true; // to the CPUs that the process may use, in turn
    ring_options ring = {};
    busy_poll_mode busy_poll = busy_poll_mode::automatic;
    duration busy_poll_time = {};
    std::size_t mailbox_messages = 1024; // for each pair of shards
};

class shard_group
{
public:
    explicit shard_group(shard_group_options options);
    ~shard_group(); // the shards must have been told to finish: joins their threads
    shard_group(const shard_group&) = delete;
    shard_group& operator=(const shard_group&) = delete;

    // `main` runs once on each shard, before its loop; what it fails with ends the start.
    [[nodiscard]] result<void> start(std::function<result<void>(shard&)> main);
    void join();

    [[nodiscard]] unsigned count() const noexcept { return options_.shards; }
    // For other threads: hand something to a shard. Only between start() and join().
    [[nodiscard]] inbox& inbox_of(unsigned index) noexcept { return shards_[index]->inbox(); }

private:
    friend class shard;
    using mailbox = spsc_queue<message*>;

    void run_shard(unsigned index, const std::function<result<void>(shard&)>& main);
    [[nodiscard]] result<void> make_shard(unsigned index, const std::function<result<void>(shard&)>& main);
    [[nodiscard]] mailbox& mail(unsigned from, unsigned to) noexcept { return *mail_[from * options_.shards + to]; }
    void wake_all() noexcept;

    shard_group_options options_;
    std::vector<std::unique_ptr<mailbox>> mail_;
    std::vector<std::unique_ptr<shard>> shards_; // each made and destroyed on its own thread
    std::vector<int> ring_fds_;
    std::vector<std::thread> threads_;
    std::vector<result<void>> started_;
    std::atomic<unsigned> starting_{0}; // shards that are not ready (or failed) yet
    std::atomic<bool> go_{false};       // all are ready: turn
    std::atomic<bool> failed_{false};
    std::atomic<unsigned> working_{0};    // shards that have not finished
    std::atomic<unsigned> unfinished_{0}; // or whose background has not
    std::atomic<unsigned> turning_{0};    // shards whose parts are still there
};

} // namespace sluice
