// Notifications of a real PostgreSQL: heard, and heard again after a loss. Run by server.py.
#include "database.hpp"

#include <sluice/postgres/listener.hpp>

#include <condition_variable>
#include <functional>
#include <mutex>

namespace sluice::postgres {
namespace {

class Listener : public test::Database
{
protected:
    void listen(std::vector<std::string> channels, const std::string& options = "")
    {
        on_shard([this, channels, url = test::environment("SLUICE_TEST_DATABASE_URL") + options] {
            shard& here = shard::current();
            here.own<listener>(
                here, blocking, listener_options{.url = url, .channels = channels},
                listener::functions{
                    .heard =
                        [this](const notification& n) { note(std::string(n.channel) + "=" + std::string(n.payload)); },
                    .listening = [this] { note("listening"); },
                    .lost = [this] { note("lost"); },
                });
            return true;
        });
    }
    void note(std::string what)
    {
        const std::lock_guard lock(mutex);
        notes.push_back(std::move(what));
        changed.notify_all();
    }
    // Until that many have been noted.
    std::vector<std::string> noted(std::size_t count)
    {
        std::unique_lock lock(mutex);
        EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(60), [&] { return notes.size() >= count; }));
        return notes;
    }

    std::mutex mutex;
    std::condition_variable changed;
    std::vector<std::string> notes;
};

TEST_F(Listener, hears_its_channels_in_order_and_no_other)
{
    listen({"news", "odd \"name\""});
    noted(1);
    admin("NOTIFY other, 'x'; NOTIFY news, 'one'; NOTIFY \"odd \"\"name\"\"\", 'two'");
    EXPECT_EQ(noted(3), (std::vector<std::string>{"listening", "news=one", "odd \"name\"=two"}));
}

TEST_F(Listener, says_when_it_may_have_missed_something)
{
    listen({"news"});
    noted(1);
    admin(std::string("SELECT pg_terminate_backend(pid) ") + test::back_ends);
    noted(3);
    admin("NOTIFY news, 'again'");
    EXPECT_EQ(noted(4), (std::vector<std::string>{"listening", "lost", "listening", "news=again"}));
}

TEST_F(Listener, leaves_a_server_that_takes_no_changes_any_more)
{
    listen({"news"}, "?target_session_attrs=read-write");
    noted(1);
    admin("ALTER SYSTEM SET default_transaction_read_only = on");
    admin("SELECT pg_reload_conf()");
    noted(2);
    admin("ALTER SYSTEM RESET default_transaction_read_only");
    admin("SELECT pg_reload_conf()");
    noted(3);
    admin("NOTIFY news, 'again'");
    EXPECT_EQ(noted(4), (std::vector<std::string>{"listening", "lost", "listening", "news=again"}));
}

} // namespace
} // namespace sluice::postgres
