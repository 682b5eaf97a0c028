#include <sluice/core/span.hpp>
#include <sluice/http/problem.hpp>
#include <sluice/route/route.hpp>
#include <sluice/route/router.hpp>

namespace sluice {

route& route::use(middleware& around)
{
    chain_.push_back({&around, dynamic_cast<waiting_middleware*>(&around)});
    return *this;
}

std::vector<std::string_view> route::middleware_names() const
{
    std::vector<std::string_view> names;
    names.reserve(chain_.size());
    for (const link& one : chain_) names.push_back(one.around->name());
    return names;
}

// Called by freeze(): what stands around the route comes before what it brought itself.
void route::enclose(const std::vector<middleware*>& outer)
{
    const std::vector<link> own = std::exchange(chain_, {});
    for (middleware* around : outer) use(*around);
    chain_.insert(chain_.end(), own.begin(), own.end());
}

response route::problem(const error& why, const request& asked) { return http::problem(why, &asked.context()); }

void route::stream_failed(const request& asked, std::exception_ptr why) const
{
    if (owner_.on_exception_) owner_.on_exception_(asked, std::move(why));
}

response route::failed(const request& asked, std::exception_ptr why) const
{
    stream_failed(asked, std::move(why));
    return problem(error{.code = errc::internal, .detail = {}}, asked);
}

response route::settle(result<response>&& made, const request& asked) const
{
    return made ? *std::move(made) : problem(made.error(), asked);
}

response route::call(request& asked) const
{
    try {
        return plain_handler_(asked);
    } catch (...) {
        return failed(asked, std::current_exception());
    }
}

void route::run_after(request& asked, response& answer, std::size_t passed) const
{
    while (passed-- > 0) {
        try {
            chain_[passed].around->after(asked, answer);
        } catch (...) {
            answer = failed(asked, std::current_exception());
        }
    }
}

admission route::admit_at_once(request& asked) const
{
    admission made;
    for (; made.passed < chain_.size(); ++made.passed) {
        const link& one = chain_[made.passed];
        try {
            waiting_middleware::said said;
            if (one.waiting != nullptr) {
                std::optional<waiting_middleware::said> now = one.waiting->at_once(asked);
                if (!now) return made;
                said = *std::move(now);
            } else {
                said = one.around->before(asked);
            }
            if (said) made.early = settle(*std::move(said), asked);
        } catch (...) {
            made.early = failed(asked, std::current_exception());
        }
        if (!made.early) continue;
        run_after(asked, *made.early, made.passed + 1);
        return made;
    }
    made.complete = true;
    return made;
}

response route::handle(request& asked) const
{
    response answer = call(asked);
    run_after(asked, answer, chain_.size());
    return answer;
}

std::optional<response> route::handle_at_once(request& asked) const
{
    if (!coroutine_) return handle(asked);
    std::optional<response> answer;
    if (!at_once_) return answer;
    try {
        std::optional<result<response>> made = at_once_(asked);
        if (!made) return answer;
        if (*made) [[likely]]
            answer.emplace(**std::move(made));
        else
            answer.emplace(problem(made->error(), asked));
    } catch (...) {
        answer.emplace(failed(asked, std::current_exception()));
    }
    run_after(asked, *answer, chain_.size());
    return answer;
}

void route::finish(request& asked, response& answer) const { run_after(asked, answer, chain_.size()); }

task<response> route::answer_waiting(request& asked, std::size_t passed) const
{
    std::optional<response> early;
    if (passed != chain_.size()) early = co_await admit_waiting(asked, passed);
    if (early) co_return *std::move(early);
    co_return co_await handle_waiting(asked);
}

task<std::optional<response>> route::admit_waiting(request& asked, std::size_t passed) const
{
    for (std::size_t i = passed; i < chain_.size(); ++i) {
        std::optional<response> early;
        try {
            waiting_middleware::said said;
            std::optional<waiting_middleware::said> now;
            waiting_middleware* const waiting = chain_[i].waiting;
            // Where it goes on from, it has said already that it has to wait.
            if (waiting != nullptr && i != passed) now = waiting->at_once(asked);
            if (now)
                said = *std::move(now);
            else if (waiting != nullptr) {
                const span taken(waiting->name());
                said = co_await waiting->before_waiting(asked);
            } else
                said = chain_[i].around->before(asked);
            if (said) early = settle(*std::move(said), asked);
        } catch (...) {
            early = failed(asked, std::current_exception());
        }
        if (!early) continue;
        run_after(asked, *early, i + 1);
        co_return early;
    }
    co_return std::nullopt;
}

task<response> route::handle_waiting(request& asked) const
{
    if (!coroutine_) co_return handle(asked);
    response answer;
    try {
        result<response> made = co_await coroutine_(asked);
        answer = settle(std::move(made), asked);
    } catch (...) {
        answer = failed(asked, std::current_exception());
    }
    run_after(asked, answer, chain_.size());
    co_return answer;
}

} // namespace sluice
