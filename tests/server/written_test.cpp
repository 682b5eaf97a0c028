// An answer is over when its last byte has gone: until then its request is under way, in the stage "write", however it
// was made, and after that it has one line, with the bytes that went.
#include "kept_lines.hpp"
#include "running_server.hpp"

#include <sluice/server/live_routes.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::testing {
namespace {

const std::string many_bytes(64 * megabyte, 'x'); // more than the buffers of a connection hold
const std::string some_bytes(megabyte / 10, 'x');

struct Written : ::testing::Test
{
    kept_lines lines;
    running_server server{[](shard&, router& routes) {
                              routes.get("/static", [](request&) {
                                  response answer;
                                  answer.static_body(many_bytes, http::text_plain);
                                  return answer;
                              });
                              routes.get("/owned", [](request&) { return response::text(many_bytes); });
                              routes.get("/later", [](request&) -> task<result<response>> {
                                  (void)co_await sleep_for(std::chrono::milliseconds(1));
                                  co_return response::text(many_bytes);
                              });
                              routes.get("/stream", [](request&) {
                                  response answer;
                                  answer.stream(write_all, http::text_plain);
                                  return answer;
                              });
                              routes.get("/some", [](request&) { return response::text(some_bytes); });
                              routes.get("/small", [](request&) { return response::text("small"); });
                              live_routes(routes);
                          },
                          all_slow()};
    client peer{server.address()};

    static server_options all_slow()
    {
        server_options options = quick_options();
        options.access_log = {.lines = true, .slow = std::chrono::nanoseconds(1)};
        return options;
    }
    static task<result<void>> write_all(http::body_writer& out) { return out.write(many_bytes); }

    bool is_written(std::string_view path)
    {
        const std::string text = peer.ask(get("/inflight")).body;
        return text.find('"' + std::string(path) + R"(","client":"127.0.0.1","stage":"write")") != std::string::npos;
    }
    std::vector<values> lines_of(const std::string& message, const std::string& path)
    {
        std::vector<values> found = lines.named(message);
        std::erase_if(found, [&](const values& line) { return line.at("path") != path; });
        return found;
    }
};

struct WrittenAs : Written, ::testing::WithParamInterface<const char*>
{};
INSTANTIATE_TEST_SUITE_P(Answers, WrittenAs, ::testing::Values("/static", "/owned", "/later", "/stream"));

TEST_P(WrittenAs, is_under_way_until_its_reader_has_it)
{
    client slow(server.address());
    slow.send(get(GetParam()) + get("/small"));
    EXPECT_TRUE(eventually([&] { return is_written(GetParam()); }));
    EXPECT_TRUE(lines_of("request", GetParam()).empty());
    // What it was asked with is known for as long, whatever is received meanwhile: by others, and behind it.
    for (int i = 0; i < 600; ++i) (void)peer.ask(get("/small?" + std::string(200, 'y')));
    for (int i = 0; i < 20; ++i) slow.send(get("/small?" + std::string(200, 'z')));
    EXPECT_TRUE(is_written(GetParam()));
    const answer whole = slow.read_answer();
    EXPECT_TRUE(whole.body == many_bytes);
    for (int i = 0; i < 21; ++i) EXPECT_EQ(slow.read_answer().body, "small");
    ASSERT_TRUE(eventually([&] { return lines_of("slow request", "/small").size() == 621; }));
    const auto access = lines_of("request", GetParam());
    ASSERT_EQ(access.size(), 1U);
    EXPECT_EQ(access[0].at("status"), "200");
    EXPECT_GE(std::stoull(access[0].at("bytes_out")), many_bytes.size());
    const auto stages = lines_of("slow request", GetParam());
    ASSERT_EQ(stages.size(), 1U);
    EXPECT_GT(std::stoll(stages[0].at("write_us")), 0);
    EXPECT_FALSE(is_written(GetParam()));
}

TEST_P(WrittenAs, says_of_a_reader_that_leaves_how_much_went)
{
    client leaving(server.address());
    leaving.send(get(GetParam()));
    EXPECT_TRUE(eventually([&] { return is_written(GetParam()); }));
    EXPECT_EQ(leaving.read_bytes(1000).size(), 1000U);
    leaving.reset();
    ASSERT_TRUE(eventually([&] { return !lines_of("request", GetParam()).empty(); }));
    const auto access = lines_of("request", GetParam());
    ASSERT_EQ(access.size(), 1U);
    EXPECT_EQ(access[0].at("status"), "499");
    EXPECT_GE(std::stoull(access[0].at("bytes_out")), 1000U);
    EXPECT_LT(std::stoull(access[0].at("bytes_out")), many_bytes.size());
}

TEST_F(Written, is_cut_off_where_nobody_reads_it)
{
    server_options impatient = all_slow();
    impatient.idle_timeout = std::chrono::milliseconds(50);
    running_server short_of_time(
        [](shard&, router& routes) { routes.get("/owned", [](request&) { return response::text(many_bytes); }); },
        impatient);
    client deaf(short_of_time.address());
    deaf.send(get("/owned"));
    ASSERT_TRUE(eventually([&] { return !lines_of("request", "/owned").empty(); }));
    EXPECT_EQ(lines_of("request", "/owned")[0].at("status"), "499");
}

// Between those that leave at once and those that surely wait.
TEST_F(Written, has_one_line_for_each_of_many_that_are_asked_for_at_once)
{
    constexpr int count = 30;
    std::string asked;
    for (int i = 0; i < count; ++i) asked += get(i % 3 == 2 ? "/small" : "/some");
    peer.send(asked + get("/small", "Connection: close\r\n"));
    for (int i = 0; i < count; ++i) EXPECT_TRUE(peer.read_answer().body == (i % 3 == 2 ? "small" : some_bytes));
    EXPECT_EQ(peer.read_answer().body, "small");
    EXPECT_TRUE(peer.closed_by_server());
    EXPECT_TRUE(eventually([&] { return lines.named("request").size() == count + 1; }));
    for (const values& line : lines.named("request")) EXPECT_EQ(line.at("status"), "200");
}

} // namespace
} // namespace sluice::testing
