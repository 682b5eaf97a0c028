#include "telemetry/metric_snapshot.hpp"

#include <sluice/core/pool.hpp>
#include <sluice/json/writer.hpp>

#include <algorithm>

namespace sluice {
namespace {

void write_histogram(json_writer& out, const metric_snapshot::series& of)
{
    std::size_t used = of.counts.size();
    while (used > 0 && of.counts[used - 1] == 0) --used;
    out.raw(R"({"sum":)");
    out.number(of.value);
    out.raw(R"(,"counts":[)");
    for (std::size_t i = 0; i < used; ++i) {
        if (i != 0) out.raw(",");
        out.number(of.counts[i]);
    }
    out.raw("]}");
}

} // namespace

std::string metrics_json()
{
    const metric_snapshot all;
    pooled_string text;
    {
        constexpr std::size_t expected_bytes = 16 * 1024;
        json_writer out(text, expected_bytes);
        std::string_view before = "{";
        for (const auto& [name, family] : all.families()) {
            out.raw(before);
            out.string(name);
            std::string_view between = ":{";
            for (const auto& [labels, series] : family.by_labels) {
                out.raw(between);
                out.string(labels);
                out.raw(":");
                if (family.what->kind == metric_kind::histogram)
                    write_histogram(out, series);
                else
                    out.number(series.value);
                between = ",";
            }
            out.raw("}");
            before = ",";
        }
        out.raw(all.families().empty() ? "{}" : "}");
    }
    return {text.begin(), text.end()};
}

} // namespace sluice
