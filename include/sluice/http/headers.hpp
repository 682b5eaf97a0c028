// A request's header fields: views in the order in which they came, names compared without regard to ASCII case.
#pragma once

#include <sluice/core/pool.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#pragma GCC visibility push(default)

namespace sluice::http {

struct header
{
    std::string_view name;
    std::string_view value; // without surrounding white space
};

[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;

class headers
{
public:
    [[nodiscard]] std::span<const header> all() const noexcept { return fields_; }
    [[nodiscard]] std::size_t size() const noexcept { return fields_.size(); }
    // The first field of that name, if there is one.
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;
    [[nodiscard]] std::size_t count(std::string_view name) const noexcept;
    // Is `token` an element of the comma-separated list that all fields of that name make together?
    [[nodiscard]] bool has_token(std::string_view name, std::string_view token) const noexcept;

    // --- For those who build requests.
    header& add(std::string_view name, std::string_view value)
    {
        // Assigned in place: a header made on the stack and copied would wait for its own stores.
        header& added = fields_.emplace_back();
        added.name = name;
        added.value = value;
        return added;
    }
    [[nodiscard]] header& last() noexcept { return fields_.back(); }
    [[nodiscard]] std::span<header> all() noexcept { return fields_; }
    void clear() noexcept { fields_.clear(); }

private:
    pooled_vector<header> fields_;
};

} // namespace sluice::http

#pragma GCC visibility pop
