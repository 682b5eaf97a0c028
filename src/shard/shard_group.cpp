#include "shard/shard_group.hpp"

#include <exception>
#include <pthread.h>
#include <sched.h>
#include <string>
#include <unistd.h>

namespace sluice {

namespace {

// Pins the calling thread to the index-th (round and round) of the CPUs that the process may use.
void pin_to(unsigned index) noexcept
{
    cpu_set_t usable;
    if (sched_getaffinity(getpid(), sizeof usable, &usable) != 0) return;
    const int count = CPU_COUNT(&usable);
    if (count == 0) return;
    int wanted = static_cast<int>(index) % count;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (!CPU_ISSET(cpu, &usable) || wanted-- != 0) continue;
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        pthread_setaffinity_np(pthread_self(), sizeof one, &one);
        return;
    }
}

} // namespace

shard_group::shard_group(shard_group_options options)
    : options_(options), shards_(options.shards), ring_fds_(options.shards, -1), started_(options.shards),
      starting_(options.shards), working_(options.shards), unfinished_(options.shards), turning_(options.shards)
{
    for (unsigned pair = 0; pair < options.shards * options.shards; ++pair)
        mail_.push_back(std::make_unique<mailbox>(options.mailbox_messages));
}

shard_group::~shard_group() { join(); }

result<void> shard_group::start(std::function<result<void>(shard&)> main)
{
    for (unsigned index = 0; index < options_.shards; ++index)
        threads_.emplace_back([this, index, main] { run_shard(index, main); });
    for (unsigned left = starting_.load(); left != 0; left = starting_.load()) starting_.wait(left);
    for (auto& outcome : started_)
        if (!outcome) failed_ = true;
    go_ = true;
    go_.notify_all();
    if (!failed_) return {};
    join();
    for (auto& outcome : started_)
        if (!outcome) return outcome;
    return {};
}

void shard_group::join()
{
    for (auto& thread : threads_) thread.join();
    threads_.clear();
}

void shard_group::run_shard(unsigned index, const std::function<result<void>(shard&)>& main)
{
    pthread_setname_np(pthread_self(), ("shard-" + std::to_string(index)).c_str());
    if (options_.pin) pin_to(index);
    try {
        started_[index] = make_shard(index, main);
    } catch (const std::exception& e) {
        started_[index] = fail(errc::internal, e.what());
    }
    if (!shards_[index]) {
        working_.fetch_sub(1);
        unfinished_.fetch_sub(1);
    }
    if (starting_.fetch_sub(1) == 1) starting_.notify_all();
    go_.wait(false);

    if (shards_[index]) {
        if (failed_) shards_[index]->finish(); // what has begun in the background ends as in any other run
        shards_[index]->run();
    }
    // What a shard owns may speak to the others until all have stopped turning.
    if (turning_.fetch_sub(1) == 1) turning_.notify_all();
    for (unsigned left = turning_.load(); left != 0; left = turning_.load()) turning_.wait(left);
    shards_[index].reset();
}

result<void> shard_group::make_shard(unsigned index, const std::function<result<void>(shard&)>& main)
{
    auto made = ring::create(options_.ring);
    if (!made) return std::unexpected(made.error());
    ring_fds_[index] = (*made)->fd();
    auto policy = std::make_unique<poll_policy>(options_.busy_poll, options_.busy_poll_time);
    shards_[index] = std::unique_ptr<shard>(new shard(*this, index, *std::move(made), std::move(policy)));
    return main(*shards_[index]);
}

// Nobody sleeps through the end: the last one wakes the others.
void shard_group::wake_all() noexcept
{
    shard& last = shard::current();
    for (unsigned to = 0; to < options_.shards; ++to)
        if (to != last.index()) last.ring().message(ring_fds_[to]); // with what the turn sends
}

} // namespace sluice
