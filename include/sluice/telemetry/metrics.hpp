// Metrics: what a shard counts, kept where any thread can read it, and written as Prometheus text.
//
//     inline constexpr metric_family cache_hits{"sluice_cache_hits_total", "Found in a tier.", metric_kind::counter};
//
//     event_count& hits = metrics.counter(cache_hits, {{"tier", "l1"}});
//     ++hits;
//
// Each shard has its own set and changes its own numbers, without a lock (core/published.hpp). Whoever scrapes reads
// the numbers of all shards as they are and adds up the series of one name and the same labels: no shard is asked,
// stopped or waited for, so a scrape works even while one of them hangs.
//
// What a series is called is bounded by construction: names and labels come from the program (routes, statements,
// status codes), never from a request, and a set holds at most series_max of them; what comes after that is counted
// and shares one series that nobody sees.
//
// Owner: a shard owns its set and outlives every use of what it gave out. Threads: the owner adds series and changes
// them, at any time; any thread scrapes.
#pragma once

#include <sluice/core/latency_histogram.hpp>
#include <sluice/core/published.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#pragma GCC visibility push(default)

namespace sluice {

enum class metric_kind : std::uint8_t
{
    counter, // only grows; its name ends in _total
    gauge,
    maximum,   // a gauge of which the largest of all shards counts, not their sum
    histogram, // of seconds; its name ends in _seconds
};

// One a name, in the program's static storage.
struct metric_family
{
    std::string_view name;
    std::string_view help; // a sentence, in one line
    metric_kind kind;
};

struct metric_label
{
    std::string_view name;
    std::string_view value;
};

class metric_set
{
public:
    using labels = std::initializer_list<metric_label>;
    static constexpr std::size_t series_max = 1024;

    metric_set(); // part of what is scraped from now on
    ~metric_set();
    metric_set(const metric_set&) = delete;
    metric_set& operator=(const metric_set&) = delete;

    // Where a number is to be kept that this set makes; the same one for the same family and labels.
    [[nodiscard]] event_count& counter(const metric_family& of, labels with = {});
    [[nodiscard]] published<double>& gauge(const metric_family& of, labels with = {});
    [[nodiscard]] latency_histogram& histogram(const metric_family& of, labels with = {});
    // What is kept elsewhere: asked at each scrape, on whatever thread that is.
    void read(const metric_family& of, labels with, std::move_only_function<double() const> how);
    void read(const metric_family& of, labels with, const event_count& number);
    void histogram(const metric_family& of, labels with, const latency_histogram& kept_elsewhere);

    // Series that found no room.
    [[nodiscard]] std::uint64_t refused() const noexcept;

private:
    friend class metric_snapshot;
    struct state;
    std::unique_ptr<state> state_;
};

// The text of all sets of the process, in version 0.0.4 of Prometheus's format. Any thread, though a shard only if it
// can spare some part of a millisecond.
[[nodiscard]] std::string prometheus_text();
inline constexpr std::string_view prometheus_content_type = "text/plain; version=0.0.4; charset=utf-8";

// The same as JSON, for the live page: {"name":{"labels":number, …}, …}; a histogram is {"sum":…,"counts":[…]} with
// all of its buckets, in which the empty ones at the end are left out.
[[nodiscard]] std::string metrics_json();

} // namespace sluice

#pragma GCC visibility pop
