// A caller's traceparent and tracestate: what is taken is what the recommendation allows and nothing else, by a reading
// of its own, and what is written is read as the same.
#include <sluice/core/assert.hpp>
#include <sluice/core/trace.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace {

using namespace sluice;

bool all_of(std::string_view text, std::string_view allowed)
{
    return text.find_first_not_of(allowed) == std::string_view::npos;
}

bool hex(std::string_view text) { return all_of(text, "0123456789abcdef"); }

// https://www.w3.org/TR/trace-context/#traceparent-header
bool may_be_taken(std::string_view text)
{
    if (text.size() < 55) return false;
    const std::string_view version = text.substr(0, 2);
    if (!hex(version) || version == "ff") return false;
    if (text.size() > 55 && (version == "00" || text[55] != '-')) return false;
    const std::string_view trace = text.substr(3, 32);
    const std::string_view parent = text.substr(36, 16);
    return text[2] == '-' && text[35] == '-' && text[52] == '-' && hex(trace) && hex(parent) &&
           hex(text.substr(53, 2)) && !all_of(trace, "0") && !all_of(parent, "0");
}

void check_parent(std::string_view text)
{
    const auto taken = trace_context::from_traceparent(text);
    SLUICE_ASSERT(taken.has_value() == may_be_taken(text));
    if (!taken) return;
    // What a next service is sent: the same trace, and the span here as its parent.
    char written[traceparent_size];
    taken->write_traceparent(written);
    SLUICE_ASSERT(std::string_view(written, 3) == "00-");
    SLUICE_ASSERT(std::string_view(written + 3, 32) == text.substr(3, 32));
    const auto next = trace_context::from_traceparent({written, sizeof written});
    SLUICE_ASSERT(next && next->trace_id == taken->trace_id && next->parent_id == taken->span_id &&
                  next->sampled == taken->sampled && next->span_id != taken->span_id);
}

// https://www.w3.org/TR/trace-context/#tracestate-header
bool may_be_key(std::string_view key)
{
    constexpr std::string_view lower = "abcdefghijklmnopqrstuvwxyz";
    constexpr std::string_view lower_or_digit = "abcdefghijklmnopqrstuvwxyz0123456789";
    constexpr std::string_view any = "abcdefghijklmnopqrstuvwxyz0123456789_-*/";
    const auto begins = [](std::string_view text, std::string_view with) {
        return !text.empty() && with.contains(text.front());
    };
    const std::size_t at = key.find('@');
    if (at == std::string_view::npos) return begins(key, lower) && all_of(key, any) && key.size() <= 256;
    const std::string_view tenant = key.substr(0, at);
    const std::string_view system = key.substr(at + 1);
    return begins(tenant, lower_or_digit) && all_of(tenant, any) && tenant.size() <= 241 && begins(system, lower) &&
           all_of(system, any) && system.size() <= 14;
}

bool may_be_passed_on(std::string_view state)
{
    std::set<std::string_view> keys;
    if (state.size() > 512) return false;
    while (!state.empty()) {
        std::string_view member = state.substr(0, state.find(','));
        state.remove_prefix(std::min(member.size() + 1, state.size()));
        const std::size_t first = member.find_first_not_of(" \t");
        if (first == std::string_view::npos) continue;
        member = member.substr(first, member.find_last_not_of(" \t") + 1 - first);
        const std::size_t equals = member.find('=');
        if (equals == std::string_view::npos || !may_be_key(member.substr(0, equals))) return false;
        const std::string_view value = member.substr(equals + 1);
        if (value.empty() || value.size() > 256 || value.contains('=')) return false;
        if (std::ranges::any_of(value, [](char c) { return c < 0x20 || c > 0x7e; })) return false;
        if (!keys.insert(member.substr(0, equals)).second) return false;
    }
    return !keys.empty() && keys.size() <= 32;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    check_parent(bytes);
    SLUICE_ASSERT(valid_tracestate(bytes) == may_be_passed_on(bytes));

    // What is nearly right: a valid one with some bytes changed, and one made of the pieces that matter.
    std::string parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-tail";
    if (size > 0) parent.resize(data[0] % 8 == 0 ? 55 + data[0] / 8 % 6 : 55);
    for (std::size_t i = 1; i + 1 < std::min<std::size_t>(size, 8); i += 2) {
        constexpr std::string_view likely = "0123456789abcdefAFg-";
        const std::uint8_t byte = data[i + 1];
        parent[data[i] % parent.size()] = byte < 200 ? likely[byte % likely.size()] : static_cast<char>(byte);
    }
    if (size > 8 && data[8] % 4 == 0) parent.replace(data[8] % 8 == 0 ? 3 : 36, 16, 16, '0');
    if (size > 8 && data[8] % 32 == 0) parent.replace(3, 32, 32, '0');
    check_parent(parent);

    std::string state;
    for (std::size_t i = 0; i < size; ++i) {
        static const std::string pieces[] = {"a",
                                             "b",
                                             "=",
                                             ",",
                                             "a=1",
                                             "b=2,",
                                             " ",
                                             "\t",
                                             "@",
                                             "-",
                                             "Z",
                                             "9",
                                             "\x7f",
                                             "\n",
                                             "a@b=",
                                             std::string(120, 'k'),
                                             std::string(13, 's')};
        state += pieces[data[i] % std::size(pieces)];
    }
    SLUICE_ASSERT(valid_tracestate(state) == may_be_passed_on(state));
    return 0;
}
