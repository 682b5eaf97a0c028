// A server in this process, on a free port of the loopback, for as long as a test wants it.
//
//     running_server server([](shard&, router& routes) { routes.get("/", …); });
//     client(server.address()).ask(get("/"));
//
// It drains and ends with the object; whatever a handler refers to must be declared before it.
#pragma once

#include "client.hpp"

#include <sluice/server/server.hpp>
#include <sluice/shard/shard.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <future>
#include <iterator>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace sluice::testing {

// What most tests want: one shard, no signals, a free port.
[[nodiscard]] inline server_options quick_options()
{
    server_options options;
    options.listen = {"127.0.0.1:0"};
    options.shards = 1;
    options.handle_signals = false;
    options.busy_poll = busy_poll_mode::off;
    return options;
}

inline constexpr std::size_t megabyte = 1024 * 1024;

// Of this process.
[[nodiscard]] inline std::ptrdiff_t open_descriptors()
{
    return std::ranges::distance(std::filesystem::directory_iterator("/proc/self/fd"));
}

// Waits until something has become true, as it must; a test fails where it would hang.
template <class Condition> [[nodiscard]] bool eventually(Condition condition)
{
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

class running_server
{
public:
    explicit running_server(server::wiring wire, server_options options = quick_options()) : server_(std::move(options))
    {
        server_.on_shard([this, wire = std::move(wire)](shard& here, router& routes) {
            {
                const std::scoped_lock lock(guard_);
                shards_.push_back(&here);
            }
            wire(here, routes);
        });
        std::promise<std::vector<std::string>> ready;
        server_.on_ready([&ready](const std::vector<std::string>& listening) { ready.set_value(listening); });
        thread_ = std::thread([this, &ready] {
            ended_ = server_.run();
            has_ended_ = true;
            if (!ended_) ready.set_value({});
        });
        addresses_ = ready.get_future().get();
        if (addresses_.empty()) ADD_FAILURE() << ended_.error().detail;
    }
    ~running_server() { EXPECT_TRUE(stop()); }
    running_server(const running_server&) = delete;
    running_server& operator=(const running_server&) = delete;

    [[nodiscard]] const std::string& address(std::size_t index = 0) const { return addresses_.at(index); }
    // Asks it to drain, and does not wait.
    void begin_to_stop() { server_.stop(); }
    [[nodiscard]] bool has_ended() const { return has_ended_; }
    // Drains and waits for the end.
    bool stop()
    {
        if (!thread_.joinable()) return true;
        server_.stop();
        return join();
    }
    bool join()
    {
        thread_.join();
        return ended_.has_value();
    }

    // Runs a function on a shard's thread and brings back what it gives.
    template <class F> auto on(unsigned index, F work) -> std::invoke_result_t<F&, shard&>
    {
        struct order : inbox_item
        {
            order(F& f, unsigned) : inbox_item(&run_it), work(f) {}
            static void run_it(inbox_item& item)
            {
                auto& self = static_cast<order&>(item);
                auto told = std::move(self.result); // the order is gone once the other thread knows
                told.set_value(self.work(shard::current()));
            }
            F& work;
            std::promise<std::invoke_result_t<F&, shard&>> result;
        } order(work, index);
        auto result = order.result.get_future();
        for (shard* one : shards_)
            if (one->index() == index) one->inbox().push(order);
        return result.get();
    }

private:
    server server_;
    std::mutex guard_;
    std::vector<shard*> shards_;
    std::vector<std::string> addresses_;
    result<void> ended_;
    std::atomic<bool> has_ended_{false};
    std::thread thread_;
};

} // namespace sluice::testing
