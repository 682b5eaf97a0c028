// The notes of CONTRIBUTING.md, layer by layer: rules without HTTP, routes without a socket.
#include "resources/notes/memory_note_repository.hpp"
#include "resources/notes/note_routes.hpp"

#include <sluice/http/test_request.hpp>

#include <gtest/gtest.h>

#include <string>

namespace sluice::notes {
namespace {

// Nothing of these notes waits, so a task has ended when it returns.
template <class T> T run(task<T> work)
{
    auto frame = work.release();
    frame.resume();
    EXPECT_TRUE(frame.done());
    T value = frame.promise().take();
    frame.destroy();
    return value;
}

class Notes : public testing::Test
{
protected:
    memory_note_repository repository;
    note_service service{repository};
};

TEST_F(Notes, keeps_a_note_and_finds_it)
{
    const auto made = run(service.create({.text = "milk"}));
    ASSERT_TRUE(made);
    const auto found = run(service.find(made->id));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->text, "milk");
    EXPECT_EQ(found->created_at, made->created_at);
}

TEST_F(Notes, refuses_a_note_without_text)
{
    const auto made = run(service.create({.text = ""}));
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, errc::invalid);
    ASSERT_EQ(made.error().violations.size(), 1U);
    EXPECT_EQ(made.error().violations.front().pointer, "/text");
}

TEST_F(Notes, answers_created_with_a_location_that_leads_to_the_note)
{
    router routes;
    note_routes(routes, service);
    routes.freeze();

    http::test_request asked(http::method::post, "/notes", R"({"text":"milk"})");
    asked.header("Content-Type", "application/json");
    const auto made = run(routes.find(asked.get()).found->answer_waiting(asked.get()));
    EXPECT_EQ(made.status(), http::status::created);

    http::test_request again(http::method::get, made.header("Location").value_or("none"));
    const auto found = run(routes.find(again.get()).found->answer_waiting(again.get()));
    EXPECT_EQ(found.status(), http::status::ok);
    EXPECT_NE(found.body().find(R"("text":"milk")"), std::string::npos);
}

} // namespace
} // namespace sluice::notes
