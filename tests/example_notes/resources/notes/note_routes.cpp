#include "resources/notes/note_routes.hpp"

#include <sluice/route/json.hpp>

#include <utility>

namespace sluice::notes {

namespace {

task<result<response>> create_note(note_service& notes, request& asked)
{
    auto input = json_body<new_note>(asked);
    if (!input) co_return fail(std::move(input).error());
    auto made = co_await notes.create(std::move(*input));
    if (!made) co_return fail(std::move(made).error());
    response answer = json(*made, http::status::created);
    answer.header("Location", "/notes/" + made->id.to_string());
    co_return answer;
}

task<result<response>> show_note(note_service& notes, request& asked)
{
    const auto id = asked.path<uuid>("id");
    if (!id) co_return fail(id.error());
    auto found = co_await notes.find(*id);
    if (!found) co_return fail(std::move(found).error());
    co_return json(*found);
}

} // namespace

void note_routes(router& routes, note_service& notes)
{
    auto group = routes.group("/notes");
    group.post("", [&notes](request& asked) { return create_note(notes, asked); });
    group.get("/{id}", [&notes](request& asked) { return show_note(notes, asked); });
}

} // namespace sluice::notes
