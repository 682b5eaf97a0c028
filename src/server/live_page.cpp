#include "server/live_page.hpp"

namespace sluice {
namespace {

// A compiler cache that does not know #embed (ccache before 4.11) goes on giving the page as it was: CCACHE_RECACHE=1.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc23-extensions"
constexpr char document[] = {
#embed "live_page.html"
};
#pragma clang diagnostic pop

} // namespace

std::string_view live_page() noexcept { return {document, sizeof document}; }

} // namespace sluice
