// Prometheus's text format, version 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/
#include "telemetry/metric_snapshot.hpp"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <cmath>
#include <iterator>

namespace sluice {
namespace {

// A histogram's buckets are written at these of its bounds: each half of an octave from the first, 0.95 µs, to a
// second, each octave to 32 s. All scrapes name the same ones, and none that would cut a bucket in two.
constexpr std::size_t halves_until =
    static_cast<std::size_t>(0 - latency_histogram::smallest_octave) * latency_histogram::parts;
constexpr std::size_t last_written =
    static_cast<std::size_t>(5 - latency_histogram::smallest_octave) * latency_histogram::parts;

std::string_view type_of(metric_kind kind)
{
    switch (kind) {
    case metric_kind::counter:
        return "counter";
    case metric_kind::gauge:
    case metric_kind::maximum:
        return "gauge";
    case metric_kind::histogram:
        return "histogram";
    }
    return "untyped";
}

void write_number(std::string& out, double number)
{
    if (number == std::trunc(number) && std::abs(number) < 1e15)
        fmt::format_to(std::back_inserter(out), FMT_COMPILE("{}"), static_cast<std::int64_t>(number));
    else
        fmt::format_to(std::back_inserter(out), FMT_COMPILE("{}"), number);
}

void write_line(std::string& out, std::string_view name, std::string_view suffix, std::string_view labels,
                double number)
{
    out.append(name).append(suffix);
    if (!labels.empty()) out.append("{").append(labels).append("}");
    out += ' ';
    write_number(out, number);
    out += '\n';
}

void write_histogram(std::string& out, std::string_view name, std::string_view labels,
                     const metric_snapshot::series& of)
{
    const std::string_view comma = labels.empty() ? "" : ",";
    std::uint64_t below = 0;
    std::size_t at = 0;
    const auto write_bucket = [&](std::string_view bound) {
        fmt::format_to(std::back_inserter(out), FMT_COMPILE("{}_bucket{{{}{}le=\"{}\"}} {}\n"), name, labels, comma,
                       bound, below);
    };
    for (std::size_t last = 0; last <= last_written;
         last += last < halves_until ? latency_histogram::parts / 2 : latency_histogram::parts) {
        for (; at <= last; ++at) below += of.counts[at];
        fmt::memory_buffer bound;
        fmt::format_to(std::back_inserter(bound), FMT_COMPILE("{}"), latency_histogram::end_of(last));
        write_bucket({bound.data(), bound.size()});
    }
    for (; at < of.counts.size(); ++at) below += of.counts[at];
    write_bucket("+Inf");
    write_line(out, name, "_sum", labels, of.value);
    write_line(out, name, "_count", labels, static_cast<double>(below));
}

} // namespace

std::string prometheus_text()
{
    const metric_snapshot all;
    std::string out;
    for (const auto& [name, family] : all.families()) {
        out.append("# HELP ").append(name).append(" ").append(family.what->help);
        out.append("\n# TYPE ").append(name).append(" ").append(type_of(family.what->kind)).append("\n");
        for (const auto& [labels, series] : family.by_labels) {
            if (family.what->kind == metric_kind::histogram)
                write_histogram(out, name, labels, series);
            else
                write_line(out, name, "", labels, series.value);
        }
    }
    return out;
}

} // namespace sluice
