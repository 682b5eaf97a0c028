#include <sluice/http/entity_tag.hpp>
#include <sluice/http/headers.hpp>

#include <algorithm>

namespace sluice::http {

namespace {

constexpr std::string_view blanks_and_commas = " \t,";

constexpr bool is_tag_character(char c) noexcept
{
    const auto byte = static_cast<unsigned char>(c);
    return byte == 0x21 || (byte >= 0x23 && byte != 0x7f);
}

} // namespace

std::optional<entity_tag> entity_tag_list::next() noexcept
{
    rest_.remove_prefix(std::min(rest_.find_first_not_of(blanks_and_commas), rest_.size()));
    if (rest_.empty()) return std::nullopt;

    malformed_ = true; // until the tag has proved otherwise
    entity_tag tag{.weak = rest_.starts_with("W/"), .opaque = {}};
    if (tag.weak) rest_.remove_prefix(2);
    const std::size_t end = rest_.starts_with('"') ? rest_.find('"', 1) : std::string_view::npos;
    if (end != std::string_view::npos) {
        tag.opaque = rest_.substr(1, end - 1);
        rest_.remove_prefix(end + 1);
        const std::size_t after = rest_.find_first_not_of(" \t");
        const bool ended = after == std::string_view::npos || rest_[after] == ',';
        malformed_ = !ended || !std::ranges::all_of(tag.opaque, is_tag_character);
    }
    if (!malformed_) return tag;
    rest_ = {};
    return std::nullopt;
}

bool if_none_match_names(const request& asked, std::string_view tag) noexcept
{
    const std::string_view opaque = tag.substr(1, tag.size() - 2);
    for (const header& field : asked.headers().all()) {
        if (!equal_ignoring_case(field.name, "If-None-Match")) continue;
        if (field.value == "*") return true;
        entity_tag_list tags(field.value);
        while (const auto each = tags.next())
            if (each->opaque == opaque) return true;
    }
    return false;
}

} // namespace sluice::http
