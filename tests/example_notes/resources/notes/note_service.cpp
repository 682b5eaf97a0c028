#include "resources/notes/note_service.hpp"

#include <utility>

namespace sluice::notes {

namespace {

result<void> validate(const new_note& input)
{
    if (!input.text.empty() && input.text.size() <= text_bytes_max) return {};
    return fail(error{.code = errc::invalid,
                      .detail = "The note is not valid",
                      .violations = {{"/text", "must be 1 to 1000 bytes"}}});
}

} // namespace

task<result<note>> note_service::create(new_note input)
{
    if (auto valid = validate(input); !valid) co_return fail(std::move(valid).error());
    co_return co_await notes_.insert(std::move(input));
}

} // namespace sluice::notes
