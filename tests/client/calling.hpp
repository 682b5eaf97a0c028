// A client on a shard of its own, called from the test's thread.
#pragma once

#include "run.hpp"

#include <sluice/client/client.hpp>
#include <sluice/shard/offload.hpp>
#include <sluice/shard/shard.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace sluice::testing {

class Calling : public ::testing::Test
{
protected:
    // Patient, so that a busy machine fails no test that is not about time.
    static http::client_options patient()
    {
        http::client_options options;
        options.connect_timeout = options.timeout = std::chrono::seconds(30);
        return options;
    }
    http::client& open(http::client_options options = patient())
    {
        return *shards.run([this, options]() -> task<http::client*> {
            shard& here = shard::current();
            co_return &here.own<http::client>(here, blocking, options);
        });
    }
    result<http::answer> get(http::client& with, std::string url)
    {
        return shards.run([&with, url] { return with.get(url); });
    }
    result<http::answer> send(http::client& with, http::call what)
    {
        return shards.run([&with, what] { return with.send(what); });
    }
    http::client_counters counters(http::client& of)
    {
        return shards.run([&of]() -> task<http::client_counters> { co_return of.counters(); });
    }
    // Until the counters are as f wants them, as they must become.
    template <class F> [[nodiscard]] bool await(http::client& of, F f)
    {
        for (int i = 0; i < 12000; ++i) {
            if (f(counters(of))) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        return false;
    }

    offload_pool blocking{{.threads = 1}};
    test::shard_runner shards;
};

} // namespace sluice::testing
