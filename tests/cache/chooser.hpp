// Which of several possible things happens next: by chance from a seed, or every way there is, one after the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace sluice::cache::test {

class chooser
{
public:
    virtual ~chooser() = default;
    // 0 … count - 1.
    virtual std::size_t choose(std::size_t count) = 0;
};

class by_chance final : public chooser
{
public:
    explicit by_chance(std::uint64_t seed) : engine_(seed) {}
    std::size_t choose(std::size_t count) override { return engine_() % count; }

private:
    std::mt19937_64 engine_;
};

// Runs a world again and again until every sequence of choices has been taken.
class every_way final : public chooser
{
public:
    std::size_t choose(std::size_t count) override
    {
        if (at_ == taken_.size()) taken_.push_back({.choice = 0, .count = count});
        return taken_[at_++].choice;
    }
    // The next way; false: that was the last.
    bool next()
    {
        at_ = 0;
        while (!taken_.empty() && taken_.back().choice + 1 == taken_.back().count) taken_.pop_back();
        if (taken_.empty()) return false;
        ++taken_.back().choice;
        return true;
    }

private:
    struct taken
    {
        std::size_t choice;
        std::size_t count;
    };
    std::vector<taken> taken_;
    std::size_t at_ = 0;
};

} // namespace sluice::cache::test
