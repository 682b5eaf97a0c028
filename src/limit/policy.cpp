#include <sluice/core/units.hpp>
#include <sluice/limit/policy.hpp>

#include <algorithm>

namespace sluice::limit {

namespace {

bool fit_for_a_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

} // namespace

result<void> check(const policy& p)
{
    if (p.name.empty() || p.name.size() > policy_name_max || !std::ranges::all_of(p.name, fit_for_a_name))
        return fail(errc::invalid, "A rate limit's name must be 1 to 32 letters, digits, - or _");
    if (p.quotas.empty() || p.quotas.size() > quotas_max)
        return fail(errc::invalid, "A rate limit must have one to four quotas");
    for (const quota& one : p.quotas) {
        if (one.requests == 0) return fail(errc::invalid, "A quota must be of at least one request");
        if (one.window < window_min || one.window > window_max)
            return fail(errc::invalid, "A quota's window must be from 10ms to 31 days");
        if (std::ranges::count(p.quotas, one.window, &quota::window) != 1)
            return fail(errc::invalid, "A rate limit's quotas must differ in their windows");
    }
    return {};
}

std::string to_string(const policy& p)
{
    std::string text;
    for (const quota& one : p.quotas) {
        if (!text.empty()) text += ", ";
        text += std::to_string(one.requests) + "/" + sluice::to_string(one.window);
    }
    return text;
}

} // namespace sluice::limit
