// A client on a shard of its own beside the test's Redis, a plain connection to look over its shoulder, and the
// server's life in the test's hands. Programs that include it are run by server.py.
#pragma once

#include "run.hpp"

#include <sluice/redis/client.hpp>
#include <sluice/shard/offload.hpp>
#include <sluice/shard/shard.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <hiredis/hiredis.h>
#include <memory>
#include <string>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace sluice::redis::test {

inline std::string environment(const char* name)
{
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

// Tells server.py what to do with the server, and returns once that is done.
inline void order(const std::string& what)
{
    const int control = std::stoi(environment("SLUICE_TEST_REDIS_CONTROL"));
    const std::string line = what + "\n";
    ASSERT_EQ(write(control, line.data(), line.size()), static_cast<ssize_t>(line.size()));
    std::string said;
    for (char c = 0; !said.ends_with('\n') && read(control, &c, 1) == 1;) said += c;
    ASSERT_EQ(said, "done\n") << what;
}

// A command outside of the client; what it gives as text.
inline std::string admin(const std::vector<std::string>& words)
{
    const std::unique_ptr<redisContext, void (*)(redisContext*)> to(
        redisConnectUnix(environment("SLUICE_TEST_REDIS_SOCKET").c_str()), &redisFree);
    std::vector<const char*> texts;
    std::vector<std::size_t> sizes;
    for (const std::string& word : words) {
        texts.push_back(word.data());
        sizes.push_back(word.size());
    }
    auto* given = static_cast<redisReply*>(
        redisCommandArgv(to.get(), static_cast<int>(words.size()), texts.data(), sizes.data()));
    if (given == nullptr) return "";
    const std::unique_ptr<void, void (*)(void*)> owned(given, &freeReplyObject);
    if (given->type == REDIS_REPLY_INTEGER) return std::to_string(given->integer);
    return given->str == nullptr ? "" : std::string(given->str, given->len);
}

class Redis : public testing::Test
{
protected:
    void SetUp() override
    {
        ASSERT_EQ(admin({"FLUSHALL"}), "OK");
        ASSERT_EQ(admin({"SCRIPT", "FLUSH"}), "OK");
        ASSERT_EQ(admin({"CONFIG", "RESETSTAT"}), "OK");
    }

    // Patient, so that a busy machine fails no test that is not about time.
    client_options options() const
    {
        return {.where = parse_url(environment("SLUICE_TEST_REDIS_URL")).value(),
                .connect_timeout = std::chrono::seconds(20),
                .command_timeout = std::chrono::seconds(20)};
    }
    client_options hasty() const
    {
        client_options o = options();
        o.connect_timeout = std::chrono::milliseconds(200);
        o.command_timeout = std::chrono::milliseconds(100);
        return o;
    }
    client& open(client_options o)
    {
        return *shards.run([this, o]() -> task<client*> {
            shard& here = shard::current();
            co_return &here.own<client>(here, blocking, o);
        });
    }
    client& open() { return open(options()); }

    // `count` tasks at once, each make(i); their values in that order.
    template <class Make> auto all(std::size_t count, Make make)
    {
        using value = typename std::invoke_result_t<Make&, std::size_t>::value_type;
        std::vector<std::future<value>> waiting;
        for (std::size_t i = 0; i < count; ++i) waiting.push_back(shards.start(0, [make, i] { return make(i); }));
        std::vector<value> values;
        for (auto& one : waiting) values.push_back(one.get());
        return values;
    }
    client_counters counters(client& of)
    {
        return shards.run([&of]() -> task<client_counters> { co_return of.counters(); });
    }
    // Until the counters are as f wants them.
    template <class F> void await(client& of, F f)
    {
        for (int i = 0; i < 12000; ++i) {
            if (f(counters(of))) return;
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        ADD_FAILURE() << "waited a minute in vain";
    }
    void await_connected(client& of)
    {
        await(of, [](const client_counters& c) { return c.connected && !c.away; });
    }

    offload_pool blocking{{.threads = 2}};
    sluice::test::shard_runner shards;
};

} // namespace sluice::redis::test
