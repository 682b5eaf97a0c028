// Runs a task to its end from a test: here, where nothing has to wait for a shard; or on a shard of its own.
#pragma once

#include "shard/shard_group.hpp"

#include <sluice/coro/executor.hpp>
#include <sluice/coro/scope.hpp>
#include <sluice/coro/task.hpp>

#include <gtest/gtest.h>

#include <future>
#include <optional>
#include <utility>

namespace sluice::test {

template <class T> task<void> keep(task<T>& work, std::optional<T>& outcome)
{
    outcome.emplace(co_await std::move(work));
}

// On the calling thread.
template <class T> T run(task<T> work)
{
    executor ready;
    scope tasks;
    std::optional<T> outcome;
    tasks.spawn(keep(work, outcome));
    while (!ready.idle()) ready.run();
    return std::move(outcome).value();
}

// Shards whose tasks a test waits for from its own thread.
class shard_runner
{
public:
    explicit shard_runner(unsigned shards = 1) : group_({.shards = shards, .pin = false})
    {
        auto started = group_.start([](shard&) { return result<void>(); });
        EXPECT_TRUE(started) << started.error().detail;
    }
    ~shard_runner()
    {
        for (unsigned i = 0; i < group_.count(); ++i) post(i, [] { shard::current().finish(); });
        group_.join();
    }

    // Starts make() on a shard: the task that it returns. The future gets its value.
    template <class Make> [[nodiscard]] auto start(unsigned on, Make make, context* during = nullptr)
    {
        using value = typename std::invoke_result_t<Make&>::value_type;
        auto promised = std::make_shared<std::promise<value>>();
        post(on, [promised, make, during] { shard::current().background().spawn(deliver(make, promised), during); });
        return promised->get_future();
    }
    template <class Make> [[nodiscard]] auto run(Make make) { return start(0, std::move(make)).get(); }

private:
    template <class Make, class T> static task<void> deliver(Make make, std::shared_ptr<std::promise<T>> promised)
    {
        promised->set_value(co_await make());
    }
    template <class F> void post(unsigned to, F f)
    {
        struct item final : inbox_item
        {
            explicit item(F what)
                : inbox_item([](inbox_item& self) {
                      auto* mine = static_cast<item*>(&self);
                      mine->f();
                      delete mine;
                  }),
                  f(std::move(what))
            {}
            F f;
        };
        group_.inbox_of(to).push(*new item(std::move(f)));
    }
    shard_group group_;
};

} // namespace sluice::test
