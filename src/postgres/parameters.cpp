#include <sluice/postgres/parameters.hpp>

#include <algorithm>

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

int parameters::of_column(std::string_view column) const noexcept
{
    for (int i = 0; i < count_; ++i) {
        const std::string_view pointer = members_()[i] == nullptr ? "" : members_()[i];
        if (pointer.starts_with('/') && pointer.substr(1) == column) return i;
    }
    return -1;
}

int parameters::only_one(std::span<const type_id> of) const noexcept
{
    int found = -1;
    for (int i = 0; i < count_; ++i) {
        if (members_()[i] == nullptr || values_()[i] == nullptr) continue;
        if (!of.empty() && std::ranges::find(of, static_cast<type_id>(types_[i])) == of.end()) continue;
        // One member may be sent in several forms.
        if (found >= 0 && std::string_view(members_()[found]) != members_()[i]) return -1;
        found = i;
    }
    return found;
}

error parameters::invalid(int index, std::string detail) const
{
    error made{.code = errc::invalid, .detail = "A value cannot be stored", .dependency = "postgres"};
    const char* pointer = index >= 0 && index < count_ ? members_()[index] : nullptr;
    if (pointer != nullptr) made.violations.push_back({.pointer = pointer, .detail = std::move(detail)});
    return made;
}

} // namespace sluice::postgres
