#include <sluice/postgres/parameters.hpp>

namespace sluice::postgres {

namespace {

constexpr std::array<int, parameters_max> all_binary = [] {
    std::array<int, parameters_max> formats{};
    formats.fill(1);
    return formats;
}();

} // namespace

const int* parameters::formats() const noexcept { return all_binary.data(); }

std::optional<error> parameters::refusal() const
{
    if (refused_ < 0) return std::nullopt;
    return invalid(refused_, "must be without NUL characters and shorter than a gigabyte");
}

error parameters::invalid(int index, std::string detail) const
{
    error made{.code = errc::invalid, .detail = "A value cannot be stored", .dependency = "postgres"};
    const char* pointer = index >= 0 && index < count_ ? members_()[index] : nullptr;
    if (pointer != nullptr) made.violations.push_back({.pointer = pointer, .detail = std::move(detail)});
    return made;
}

} // namespace sluice::postgres
