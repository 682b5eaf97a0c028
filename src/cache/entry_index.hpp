// Where the entry of a key lies: a hash table of fixed size, in lines of twelve places that fill a cache line each.
//
// A key belongs into its first line or, where that is full, into its second; where both are, the newcomer takes
// another's place. So an operation looks at two lines at most, and at one unless its first line has spilled: keys that
// were chosen to collide push each other out, and cost nobody else time. A place is tried only where eight bits of
// the hash agree.
//
// Owned by a tier. It holds places in a tier's memory and never looks there.
#pragma once

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

namespace sluice::cache {

class entry_index
{
public:
    static constexpr std::size_t line_bytes = 64;
    static constexpr unsigned line_places = 12;

private:
    struct alignas(line_bytes) line
    {
        std::uint8_t tags[line_places]; // 0: nothing there
        std::uint8_t generation;        // another than the index's: the whole line is empty
        std::uint8_t next_victim;
        std::uint16_t spilled; // how many whose first line this is are in their second
        std::uint32_t places[line_places];
    };
    static_assert(sizeof(line) == line_bytes);

public:
    // Valid until the index changes.
    struct slot
    {
        line* in = nullptr;
        unsigned at = 0;

        explicit operator bool() const noexcept { return in != nullptr; }
        [[nodiscard]] std::uint32_t place() const noexcept { return in->places[at]; }
    };

    // `memory` is zeroed, aligned to a line, and outlives the index. At least two lines.
    entry_index(void* memory, std::uint32_t lines) noexcept : lines_(static_cast<line*>(memory)), count_(lines) {}

    // The first place under this hash of which `is_it(place)` is true.
    template <class IsIt> [[nodiscard]] slot find(std::uint64_t hash, IsIt is_it) const noexcept
    {
        line& first = first_line(hash);
        if (const slot found = find_in(first, hash, is_it)) return found;
        if (first.generation != generation_ || first.spilled == 0) return {};
        return find_in(second_line(hash, first), hash, is_it);
    }
    // The slot of that very place, which may have been taken.
    [[nodiscard]] slot find_place(std::uint64_t hash, std::uint32_t place) const noexcept
    {
        return find(hash, [place](std::uint32_t other) { return other == place; });
    }

    // Adds a place that is not there, and gives the one it has pushed out, if any. `cheap(place)`: may it be pushed out
    // rather than others? `hash_of(place)` is the hash under which it was added.
    template <class Cheap, class HashOf>
    std::optional<std::uint32_t> insert(std::uint64_t hash, std::uint32_t place, Cheap cheap, HashOf hash_of) noexcept
    {
        line& first = usable(first_line(hash));
        if (const unsigned empty = matches(first, 0)) {
            set({&first, lowest(empty)}, hash, place);
            return {};
        }
        line& second = usable(second_line(hash, first));
        if (const unsigned empty = matches(second, 0)) {
            ++first.spilled;
            set({&second, lowest(empty)}, hash, place);
            return {};
        }
        slot victim{&first, first.next_victim++ % line_places};
        for (unsigned i = 0; i < line_places && !cheap(victim.place()); ++i)
            victim.at = first.next_victim++ % line_places;
        const std::uint32_t out = victim.place();
        erase(victim, hash_of(out));
        set(victim, hash, place);
        return out;
    }

    void move(slot at, std::uint32_t place) noexcept { at.in->places[at.at] = place; }
    // `hash`: under which it was added.
    void erase(slot at, std::uint64_t hash) noexcept
    {
        at.in->tags[at.at] = 0;
        if (line& first = first_line(hash); at.in != &first) --first.spilled;
    }
    // Empties the index in no time: lines of an older generation are empty. As generations come round, each call also
    // wipes a part of the lines.
    void clear() noexcept;

    void prefetch(std::uint64_t hash) const noexcept { __builtin_prefetch(&first_line(hash), 1); }

private:
    [[nodiscard]] line& first_line(std::uint64_t hash) const noexcept { return lines_[(hash >> 32) * count_ >> 32]; }
    [[nodiscard]] line& second_line(std::uint64_t hash, const line& first) const noexcept
    {
        line* second = &lines_[std::uint64_t{static_cast<std::uint32_t>(hash >> 12)} * count_ >> 32];
        if (second == &first) second = second == lines_ ? second + 1 : second - 1;
        return *second;
    }
    static std::uint8_t tag_of(std::uint64_t hash) noexcept
    {
        const auto tag = static_cast<std::uint8_t>(hash >> 4);
        return tag == 0 ? 1 : tag;
    }
    line& usable(line& l) const noexcept
    {
        if (l.generation != generation_) {
            std::memset(&l, 0, sizeof(l));
            l.generation = generation_;
        }
        return l;
    }
    static void set(slot at, std::uint64_t hash, std::uint32_t place) noexcept
    {
        at.in->tags[at.at] = tag_of(hash);
        at.in->places[at.at] = place;
    }

    static unsigned lowest(unsigned set) noexcept { return static_cast<unsigned>(std::countr_zero(set)); }
    // A bit for each place whose tag it is.
    static unsigned matches(const line& l, std::uint8_t tag) noexcept
    {
#if defined(__SSE2__)
        // The four bytes behind the tags are loaded along.
        const __m128i tags = _mm_load_si128(reinterpret_cast<const __m128i*>(l.tags));
        const int equal = _mm_movemask_epi8(_mm_cmpeq_epi8(tags, _mm_set1_epi8(static_cast<char>(tag))));
        return static_cast<unsigned>(equal) & ((1U << line_places) - 1);
#else
        unsigned found = 0;
        for (unsigned at = 0; at < line_places; ++at) found |= unsigned{l.tags[at] == tag} << at;
        return found;
#endif
    }
    template <class IsIt> [[nodiscard]] slot find_in(line& l, std::uint64_t hash, IsIt is_it) const noexcept
    {
        if (l.generation != generation_) return {};
        for (unsigned left = matches(l, tag_of(hash)); left != 0; left &= left - 1) {
            const slot found{&l, lowest(left)};
            if (is_it(found.place())) return found;
        }
        return {};
    }

    line* lines_;
    std::uint32_t count_;
    std::uint32_t wiped_ = 0;
    std::uint8_t generation_ = 0;
};

} // namespace sluice::cache
