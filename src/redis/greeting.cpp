#include "redis/greeting.hpp"

#include "redis/errors.hpp"
#include "redis/info.hpp"

#include <sluice/core/assert.hpp>
#include <sluice/redis/command_line.hpp>

namespace sluice::redis {

greeting::greeting(const location& where, std::string_view name)
{
    if (!where.password.empty()) {
        const command_line line = where.user.empty() ? command_line::of("AUTH", where.password)
                                                     : command_line::of("AUTH", where.user, where.password);
        add(step::authenticate, line.bytes());
    }
    if (where.database != 0) add(step::select, command_line::of("SELECT", where.database).bytes());
    add(step::name, command_line::of("CLIENT", "SETNAME", name).bytes());
    add(step::identify, command_line::of("INFO", "server").bytes());
}

void greeting::add(step s, std::string_view line)
{
    steps_.push_back(s);
    bytes_ += line;
}

void greeting::begin()
{
    next_ = 0;
    run_id_.clear();
    refusal_.clear();
    why_no_run_id_.clear();
}

result<void> greeting::on_reply(const reply& r)
{
    SLUICE_ASSERT(!answered());
    const step now = steps_[next_++];
    const bool refused = r.is == reply::kind::failure;
    const bool needed = now == step::authenticate || now == step::select || r.text.starts_with("NOAUTH");
    if (refused && needed) return fail(errc::unavailable, "it refuses us: " + std::string(words_of(r)));
    if (refused) refusal_ = words_of(r);
    if (now == step::identify) identify(r);
    return {};
}

void greeting::identify(const reply& r)
{
    if (r.is == reply::kind::text) run_id_ = info_value(r.text, "run_id");
    if (!run_id_.empty()) return;
    why_no_run_id_ = r.is == reply::kind::failure ? std::string(words_of(r)) : "INFO server tells no run_id";
}

} // namespace sluice::redis
