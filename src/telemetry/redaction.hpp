// Which fields of a log line hold secrets, by their names: their values are not written.
//
// A name is secret if it contains one of the words, in whatever case, with '-' and '_' alike. Immutable, so any thread
// may ask. Most names are let pass by a look at their pairs of letters.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::telemetry {

inline constexpr std::string_view redacted = "[redacted]";

class redaction
{
public:
    // Words of fewer than two letters are no words.
    explicit redaction(std::span<const std::string> words);
    [[nodiscard]] bool hides(std::string_view name) const noexcept
    {
        for (std::size_t i = 0; i + 1 < name.size(); ++i) {
            if ((begins_[index(name[i])] >> index(name[i + 1]) & 1U) != 0 && begins_here(name.substr(i))) [[unlikely]]
                return true;
        }
        return false;
    }

private:
    // The same for both cases of a letter; other characters may share it with one.
    [[nodiscard]] static constexpr std::size_t index(char c) noexcept { return static_cast<std::size_t>(c) & 31U; }
    void mark(char first, char second) noexcept { begins_[index(first)] |= 1U << index(second); }
    [[nodiscard]] bool begins_here(std::string_view rest) const noexcept;

    std::vector<std::string> words_;         // lower case, with '_'
    std::array<std::uint32_t, 32> begins_{}; // the pairs with which they begin: by the first, a bit for each second
};

} // namespace sluice::telemetry
