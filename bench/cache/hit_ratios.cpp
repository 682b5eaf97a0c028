// Hit ratios of the first tier beside those of policies known from the literature, over traces of every shape.
//
//     hit_ratios [--json] [--keys N] [--requests N]
#include "policy.hpp"
#include "trace.hpp"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace {

using namespace hit_ratios;

constexpr double shares[] = {0.01, 0.05, 0.1, 0.25};

std::uint32_t number(const char* text)
{
    std::uint32_t read = 0;
    const std::string_view all(text);
    std::from_chars(all.data(), all.data() + all.size(), read);
    if (read < 1000) {
        std::fputs("hit_ratios: a number from 1000 is needed\n", stderr);
        std::exit(2);
    }
    return read;
}

void print_table(const trace& of)
{
    std::printf("%s\n  %-8s", of.name.c_str(), "memory");
    for (const named_policy& one : policies) std::printf("%12s", one.name);
    std::puts("");
    for (const double share : shares) {
        std::printf("  %5.0f %% ", share * 100);
        for (const named_policy& one : policies) std::printf("%12.1f", hit_ratio(one.make, of, share));
        std::puts("");
        std::fflush(stdout);
    }
}

// One object a line.
void print_json(const trace& of)
{
    for (const double share : shares) {
        std::printf(R"({"trace":"%s","scans":%s,"share":%g)", of.name.c_str(), of.scans ? "true" : "false", share);
        for (const named_policy& one : policies) std::printf(R"(,"%s":%.2f)", one.name, hit_ratio(one.make, of, share));
        std::puts("}");
    }
}

} // namespace

int main(int count, char** arguments)
{
    trace_size size{.keys = 100'000, .requests = 1'000'000};
    bool json = false;
    for (int i = 1; i < count; ++i) {
        const std::string_view name = arguments[i];
        if (name == "--json")
            json = true;
        else if (name == "--keys" && i + 1 < count)
            size.keys = number(arguments[++i]);
        else if (name == "--requests" && i + 1 < count)
            size.requests = number(arguments[++i]);
        else {
            std::fputs("hit_ratios [--json] [--keys N] [--requests N]\n", stderr);
            return 2;
        }
    }
    for (std::size_t which = 0; which < trace_count(); ++which) {
        const trace made = make_trace(which, size);
        json ? print_json(made) : print_table(made);
    }
}
