#include "schema_upkeep.hpp"

#include <sluice/core/log.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace sluice::app {
namespace {

using namespace std::chrono_literals;

// Between attempts: soon at first, and never so late that somebody waits for it.
constexpr duration pause_min = 50ms;
constexpr duration pause_max = 1s;

} // namespace

schema_upkeep::schema_upkeep(postgres::session_options with, std::span<const postgres::migration> steps)
    : with_(std::move(with)), steps_(steps), thread_([this](const std::stop_token& stop) { run(stop); })
{}

void schema_upkeep::wait_for_the_first_attempt(duration at_most)
{
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, at_most, [this] { return attempted_; });
}

void schema_upkeep::run(const std::stop_token& stop)
{
    for (duration pause = pause_min; !attempt(stop); pause = std::min(2 * pause, pause_max)) {
        note_end_of_attempt();
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, stop, pause, [] { return false; });
        if (stop.stop_requested()) return;
    }
    note_end_of_attempt();
}

bool schema_upkeep::attempt(const std::stop_token& stop)
{
    postgres::session_options with = with_;
    with.stop = stop;
    const auto found = postgres::migrate(with, steps_);
    if (!found) {
        if (!stop.stop_requested() && std::exchange(last_reason_, found.error().detail) != found.error().detail)
            log(log_level::error, found.error().detail, {{"dependency", "postgres"}});
        return false;
    }
    if (found->version != found->newest)
        log(log_level::info, "Schema migrated",
            {{"dependency", "postgres"}, {"from", found->version}, {"to", found->newest}});
    done_.store(true, std::memory_order_release);
    return true;
}

void schema_upkeep::note_end_of_attempt()
{
    const std::scoped_lock lock(mutex_);
    attempted_ = true;
    changed_.notify_all();
}

} // namespace sluice::app
