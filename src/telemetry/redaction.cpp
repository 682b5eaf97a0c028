#include "telemetry/redaction.hpp"

#include <algorithm>
#include <utility>

namespace sluice::telemetry {
namespace {

constexpr char folded(char c) noexcept
{
    if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
    return c == '-' ? '_' : c;
}

} // namespace

redaction::redaction(std::span<const std::string> words)
{
    for (std::string word : words) {
        if (word.size() < 2) continue;
        std::ranges::transform(word, word.begin(), folded);
        mark(word[0], word[1]);
        if (word[1] == '_') mark(word[0], '-');
        if (word[0] == '_') mark('-', word[1]);
        words_.push_back(std::move(word));
    }
}

bool redaction::begins_here(std::string_view rest) const noexcept
{
    return std::ranges::any_of(words_, [rest](const std::string& word) {
        return rest.size() >= word.size() && std::ranges::equal(rest.substr(0, word.size()), word, {}, folded);
    });
}

} // namespace sluice::telemetry
