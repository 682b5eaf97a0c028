// Entity tags and the conditions that name them (RFC 9110, sections 8.8.3 and 13.1). Views into a request's fields.
#pragma once

#include <sluice/http/request.hpp>

#include <optional>
#include <string_view>

#pragma GCC visibility push(default)

namespace sluice::http {

struct entity_tag
{
    bool weak = false;
    std::string_view opaque; // without its quotes
};

// The tags of one field, one by one.
class entity_tag_list
{
public:
    explicit entity_tag_list(std::string_view field) noexcept : rest_(field) {}
    // Nothing at the end, or where the rest is no list of tags.
    [[nodiscard]] std::optional<entity_tag> next() noexcept;
    // After the last: was the field not what it should be?
    [[nodiscard]] bool malformed() const noexcept { return malformed_; }

private:
    std::string_view rest_;
    bool malformed_ = false;
};

// Has the client what `tag` (with its quotes, strong) stands for? True if If-None-Match names it, by the weak
// comparison, or is "*". The answer to a GET is then 304.
[[nodiscard]] bool if_none_match_names(const request& asked, std::string_view tag) noexcept;

} // namespace sluice::http

#pragma GCC visibility pop
