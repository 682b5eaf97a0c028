#include <sluice/telemetry/metrics.hpp>
#include <sluice/telemetry/offload_metrics.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <semaphore>
#include <string>
#include <thread>

namespace sluice {
namespace {

using namespace std::chrono_literals;

constexpr metric_family tests = {"tests_total", "Tests that ran.", metric_kind::counter};
constexpr metric_family level = {"level", "How full it is.", metric_kind::gauge};
constexpr metric_family worst = {"worst_seconds", "The worst.", metric_kind::maximum};
constexpr metric_family took = {"took_seconds", "How long it took.", metric_kind::histogram};

bool says(const std::string& text, std::string_view line)
{
    return ("\n" + text).find("\n" + std::string(line) + "\n") != std::string::npos;
}

TEST(Metrics, are_written_with_their_help_and_type)
{
    metric_set set;
    set.counter(tests) += 3;
    set.gauge(level, {{"tank", "left"}}) = 0.25;
    const std::string text = prometheus_text();
    EXPECT_TRUE(says(text, "# HELP tests_total Tests that ran.\n# TYPE tests_total counter\ntests_total 3")) << text;
    EXPECT_TRUE(says(text, "# TYPE level gauge\nlevel{tank=\"left\"} 0.25")) << text;
}

TEST(Metrics, of_several_shards_are_added_up_where_name_and_labels_are_the_same)
{
    metric_set one;
    metric_set other;
    one.counter(tests, {{"of", "a"}}) += 3;
    other.counter(tests, {{"of", "a"}}) += 4;
    other.counter(tests, {{"of", "b"}}) += 5;
    one.read(worst, {}, [] { return 2.0; });
    other.read(worst, {}, [] { return 1.0; });
    const std::string text = prometheus_text();
    EXPECT_TRUE(says(text, "tests_total{of=\"a\"} 7\ntests_total{of=\"b\"} 5")) << text;
    EXPECT_TRUE(says(text, "worst_seconds 2")) << text;
}

TEST(Metrics, of_which_the_largest_counts_may_be_negative)
{
    metric_set one;
    metric_set other;
    one.read(worst, {}, [] { return -2.0; });
    other.read(worst, {}, [] { return -1.0; });
    const std::string text = prometheus_text();
    EXPECT_TRUE(says(text, "worst_seconds -1")) << text;
}

TEST(Metrics, give_the_same_series_for_the_same_name_and_labels)
{
    metric_set set;
    EXPECT_EQ(&set.counter(tests, {{"of", "a"}}), &set.counter(tests, {{"of", "a"}}));
    EXPECT_NE(&set.counter(tests, {{"of", "a"}}), &set.counter(tests, {{"of", "b"}}));
}

TEST(Metrics, write_a_histogram_with_growing_buckets_that_end_in_all)
{
    metric_set set;
    latency_histogram& times = set.histogram(took, {{"of", "it"}});
    times.record(1us);
    times.record(10us);
    times.record(10ms);
    times.record(100s);
    const std::string text = prometheus_text();
    std::uint64_t before = 0;
    std::size_t lines = 0;
    const std::string_view head = "took_seconds_bucket{of=\"it\",le=\"";
    for (std::size_t at = text.find(head); at != std::string::npos; at = text.find(head, at + 1)) {
        const std::uint64_t count = std::stoull(text.substr(text.find("} ", at) + 2));
        EXPECT_GE(count, before);
        before = count;
        ++lines;
    }
    EXPECT_EQ(lines, 20 * 2 + 5 + 2U); // halves of octaves from 2^-20 to 1 s, octaves to 32 s, and all
    EXPECT_TRUE(says(text, "took_seconds_bucket{of=\"it\",le=\"0.015625\"} 3")) << text;
    EXPECT_TRUE(says(text, "took_seconds_bucket{of=\"it\",le=\"+Inf\"} 4")) << text;
    EXPECT_TRUE(says(text, "took_seconds_count{of=\"it\"} 4")) << text;
}

// Reads from the first tier take some two microseconds: their distribution is to be seen.
TEST(Metrics, tell_apart_what_takes_a_few_microseconds)
{
    metric_set set;
    latency_histogram& times = set.histogram(took);
    std::string counted;
    for (const auto one : {1200ns, 1700ns, 2400ns, 3500ns}) times.record(one);
    const std::string text = prometheus_text();
    const std::string_view head = "took_seconds_bucket{le=\"";
    for (std::size_t at = text.find(head); counted.size() < 5; at = text.find(head, at + 1))
        counted += text.at(text.find("} ", at) + 2);
    EXPECT_EQ(counted, "01234") << text;
}

TEST(Metrics, escape_what_would_end_a_label)
{
    metric_set set;
    set.counter(tests, {{"of", "a\"b\\c\nd"}}) += 1;
    EXPECT_TRUE(says(prometheus_text(), R"(tests_total{of="a\"b\\c\nd"} 1)"));
}

TEST(Metrics, are_text_that_a_scraper_takes_whatever_a_label_holds)
{
    metric_set set;
    set.counter(tests, {{"1st one\n", "caf\xC3\xA9 \xFF\xC3"}}) += 1;
    EXPECT_TRUE(says(prometheus_text(), "tests_total{_st_one_=\"caf\xC3\xA9 \xEF\xBF\xBD\xEF\xBF\xBD\"} 1"));
}

TEST(Metrics, go_with_their_set)
{
    {
        metric_set set;
        set.counter(tests) += 1;
    }
    EXPECT_EQ(prometheus_text(), "");
    EXPECT_EQ(metrics_json(), "{}");
}

TEST(Metrics, are_bounded_in_number)
{
    metric_set set;
    for (std::size_t i = 0; i < metric_set::series_max + 10; ++i) ++set.counter(tests, {{"of", std::to_string(i)}});
    EXPECT_EQ(set.refused(), 10U);
    EXPECT_EQ(prometheus_text().find("of=\"1030\""), std::string::npos);
}

TEST(Metrics, are_json_for_the_page)
{
    metric_set set;
    set.counter(tests, {{"of", "a"}}) += 3;
    set.histogram(took).record(1ns);
    EXPECT_EQ(metrics_json(), R"({"tests_total":{"of=\"a\"":3},"took_seconds":{"":{"sum":1e-09,"counts":[1]}}})");
}

TEST(Metrics, are_read_while_their_thread_changes_and_adds_them)
{
    std::atomic<bool> done = false;
    std::thread shard([&] {
        metric_set set;
        latency_histogram& times = set.histogram(took);
        for (int i = 0; i < 20'000; ++i) {
            ++set.counter(tests, {{"of", std::to_string(i % 50)}});
            times.record(std::chrono::nanoseconds(i));
        }
        done = true;
    });
    while (!done) {
        const std::string text = prometheus_text();
        EXPECT_TRUE(text.empty() || text.ends_with('\n'));
    }
    shard.join();
}

struct held_work final : offload_pool::work
{
    held_work()
        : work([](work& w) {
              auto& self = static_cast<held_work&>(w);
              self.begun.release();
              self.may_end.acquire();
          })
    {}
    std::binary_semaphore begun{0}, may_end{0};
};

TEST(Metrics, of_an_offload_pool_say_what_is_queued_for_how_many_threads)
{
    held_work under_way;
    held_work waits;
    held_work waits_too;
    offload_pool pool({.threads = 1});
    metric_set set;
    show_metrics(set, pool, "files");
    EXPECT_TRUE(says(prometheus_text(), "sluice_offload_queued{pool=\"files\"} 0"));
    ASSERT_TRUE(pool.submit(under_way));
    under_way.begun.acquire();
    ASSERT_TRUE(pool.submit(waits));
    ASSERT_TRUE(pool.submit(waits_too));
    const std::string text = prometheus_text();
    EXPECT_TRUE(says(text, "sluice_offload_queued{pool=\"files\"} 2")) << text;
    EXPECT_TRUE(says(text, "sluice_offload_threads{pool=\"files\"} 1")) << text;
    for (held_work* one : {&under_way, &waits, &waits_too}) one->may_end.release();
}

} // namespace
} // namespace sluice
