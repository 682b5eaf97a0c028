#include <sluice/core/error.hpp>

namespace sluice {

std::string_view name(errc code) noexcept
{
    switch (code) {
    case errc::malformed:
        return "malformed";
    case errc::invalid:
        return "invalid";
    case errc::not_found:
        return "not_found";
    case errc::conflict:
        return "conflict";
    case errc::precondition_failed:
        return "precondition_failed";
    case errc::unsupported_media_type:
        return "unsupported_media_type";
    case errc::too_large:
        return "too_large";
    case errc::too_many_requests:
        return "too_many_requests";
    case errc::unavailable:
        return "unavailable";
    case errc::overloaded:
        return "overloaded";
    case errc::outcome_unknown:
        return "outcome_unknown";
    case errc::timeout:
        return "timeout";
    case errc::too_slow:
        return "too_slow";
    case errc::cancelled:
        return "cancelled";
    case errc::internal:
        return "internal";
    }
    return "unknown";
}

} // namespace sluice
