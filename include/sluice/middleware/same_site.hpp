// Keeps pages of other sites away from a listener that a browser on this machine can reach.
//
//     routes.use(s.own<same_site>(std::vector<std::string>{"metrics.internal"}));
//
// The problem: an admin listener on the loopback is not reachable from outside, but every page that its operator's
// browser shows can send requests to it, and one whose name is made to point here (DNS rebinding) can read the answers.
// The answer: a request must name this server by an address, as localhost or by a name that it was told; and a request
// that says where its page came from (Origin, Sec-Fetch-Site) must come from a page of this server. Programs that send
// neither, such as a scraper, are not asked.
//
// Refused with 403 ahead of any handler. Thread: any shard's; it keeps nothing but the names.
#pragma once

#include <sluice/route/middleware.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#pragma GCC visibility push(default)

namespace sluice {

class same_site final : public middleware
{
public:
    // Names beside the addresses and localhost: without a port, in lower case.
    explicit same_site(std::vector<std::string> names = {}) : names_(std::move(names)) {}

    [[nodiscard]] std::string_view name() const noexcept override { return "same site"; }
    [[nodiscard]] std::optional<result<response>> before(request& asked) override;

private:
    [[nodiscard]] bool names_this_server(std::string_view host) const;

    std::vector<std::string> names_;
};

} // namespace sluice

#pragma GCC visibility pop
