#include "server/live_page.hpp"

namespace sluice {
namespace {

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc23-extensions"
constexpr char document[] = {
#embed "live_page.html"
};
#pragma clang diagnostic pop

} // namespace

std::string_view live_page() noexcept { return {document, sizeof document}; }

} // namespace sluice
