#include <sluice/json/read.hpp>

namespace sluice::json_detail {

namespace {

// RFC 6901: "~" and "/" in a name are written "~0" and "~1".
void append_pointer(const place& here, std::string& pointer)
{
    if (here.parent == nullptr) return;
    append_pointer(*here.parent, pointer);
    pointer += '/';
    if (here.element) {
        pointer += std::to_string(here.index);
        return;
    }
    for (const char c : here.name) {
        if (c == '~')
            pointer += "~0";
        else if (c == '/')
            pointer += "~1";
        else
            pointer += c;
    }
}

} // namespace

void place::refuse(std::string detail) const
{
    if (violations.size() == violations_max) return;
    violation made{.pointer = {}, .detail = std::move(detail)};
    append_pointer(*this, made.pointer);
    violations.push_back(std::move(made));
}

error invalid(std::vector<violation> violations)
{
    return {.code = errc::invalid, .detail = "The document is not as it must be", .violations = std::move(violations)};
}

} // namespace sluice::json_detail
