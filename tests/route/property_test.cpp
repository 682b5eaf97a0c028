// The compiled tree against the plainest matcher there is, over random sets of patterns and random paths.
#include "support.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace sluice::test {
namespace {

using segments = std::vector<std::string>;

segments split(std::string_view path)
{
    segments made;
    for (std::size_t begin = 0; begin < path.size();) {
        const std::size_t end = std::min(path.find('/', begin + 1), path.size());
        made.emplace_back(path.substr(begin + 1, end - begin - 1));
        begin = end;
    }
    return made;
}

bool parameter(std::string_view segment) { return segment.starts_with('{'); }

bool matches(const segments& pattern, const segments& path)
{
    if (pattern.size() != path.size()) return false;
    for (std::size_t i = 0; i < path.size(); ++i)
        if (parameter(pattern[i]) ? path[i].empty() : pattern[i] != path[i]) return false;
    return true;
}

// Of all that match, the one that is literal at the first segment where they differ.
bool better(const segments& a, const segments& b)
{
    for (std::size_t i = 0; i < a.size(); ++i)
        if (parameter(a[i]) != parameter(b[i])) return parameter(b[i]);
    return false;
}

class random_paths
{
public:
    explicit random_paths(unsigned seed) : random_(seed) {}
    std::size_t below(std::size_t bound) { return random_() % bound; }

    // Few letters, so that prefixes are shared and literals are parts of each other.
    std::string literal()
    {
        std::string made;
        for (std::size_t left = 1 + below(3); left > 0; --left) made += static_cast<char>('a' + below(2));
        return made;
    }
    std::string pattern()
    {
        std::string made;
        const std::size_t count = 1 + below(5);
        for (std::size_t i = 0; i < count; ++i)
            made += '/' + (below(3) == 0 ? "{p" + std::to_string(i) + "}" : literal());
        if (below(6) == 0) made += '/';
        return made;
    }
    std::string path()
    {
        std::string made;
        for (std::size_t left = 1 + below(5); left > 0; --left) made += '/' + (below(12) == 0 ? "" : literal());
        if (below(6) == 0) made += '/';
        return made;
    }
    // The same path, with some characters encoded.
    std::string encoded(std::string_view path)
    {
        constexpr std::string_view digits = "0123456789abcdef", capitals = "0123456789ABCDEF";
        std::string made;
        for (const char c : path) {
            if (c == '/' || below(2) == 0)
                made += c;
            else
                made += {'%', digits[static_cast<std::size_t>(c) / 16],
                         (below(2) == 0 ? digits : capitals)[static_cast<std::size_t>(c) % 16]};
        }
        return made;
    }

private:
    std::mt19937 random_;
};

std::string shape(const segments& pattern)
{
    std::string made;
    for (const std::string& segment : pattern) made += '/' + (parameter(segment) ? "{}" : segment);
    return made;
}

TEST(RouterProperty, agrees_with_a_naive_matcher)
{
    random_paths random(7);
    for (int round = 0; round < 400; ++round) {
        router routes;
        std::map<std::string, segments> patterns;
        std::set<std::string> shapes;
        for (std::size_t left = 1 + random.below(40); left > 0; --left) {
            const std::string pattern = random.pattern();
            if (!shapes.insert(shape(split(pattern))).second) continue;
            patterns.emplace(pattern, split(pattern));
            routes.get(pattern, says("found"));
        }
        routes.freeze();

        for (int i = 0; i < 200; ++i) {
            const std::string path = random.path();
            const segments parts = split(path);
            const std::pair<const std::string, segments>* best = nullptr;
            for (const auto& one : patterns)
                if (matches(one.second, parts) && (best == nullptr || better(one.second, best->second))) best = &one;

            for (const std::string& sent : {path, random.encoded(path)}) {
                sample one = get(sent);
                static_cast<void>(routes.find(one.asked));
                ASSERT_EQ(one.asked.route(), best != nullptr ? best->first : "") << sent;
                if (best == nullptr) continue;
                for (std::size_t at = 0; at < parts.size(); ++at) {
                    if (!parameter(best->second[at])) continue;
                    const std::string name = best->second[at].substr(1, best->second[at].size() - 2);
                    ASSERT_EQ(one.asked.path<std::string>(name), parts[at]) << sent;
                }
            }
        }
    }
}

} // namespace
} // namespace sluice::test
