// A look-up takes no memory from the heap, nor does a plain route's answer.
#include "heap_count.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

namespace sluice::test {
namespace {

// http::test_request owns its bytes, and so takes memory.
struct plain_request
{
    explicit plain_request(std::string_view path)
    {
        http::request::parts::path(asked) = path;
        http::request::parts::context(asked) = &about;
    }
    context about;
    request asked;
};

TEST(RouterAllocation, a_steady_state_has_none)
{
    if constexpr (!pool_recycles) GTEST_SKIP() << "the pool gives everything back under AddressSanitizer";
    executor turns;
    router routes;
    routes.get("/users", says("list"));
    routes.get("/users/{id}", [](request& one) -> result<response> {
        return response::text(*one.path<int>("id") == 7 ? "yes" : "no");
    });
    routes.get("/wait/{id}", [](request&) -> task<result<response>> { co_return response::text("waited"); });
    routes.freeze();
    std::uint64_t before = 0;
    for (int i = 0; i < 100; ++i) {
        if (i == 10) before = heap_blocks_of_thread();
        for (const std::string_view path : {"/users", "/users/7", "/us%65rs/7"}) {
            plain_request one(path);
            if (answer_of(*routes.find(one.asked).found, one.asked, turns).status() != http::status::ok) FAIL() << path;
        }
        plain_request one("/wait/1");
        if (test::run(turns, routes.find(one.asked).found->answer_waiting(one.asked)).body() != "waited") FAIL();
    }
    EXPECT_EQ(heap_blocks_of_thread(), before);
}

} // namespace
} // namespace sluice::test
