// The note: what it is made of, and what makes one. Values; no rules and no I/O.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/core/pool.hpp>
#include <sluice/core/uuid.hpp>
#include <sluice/json/fields.hpp>

#include <tuple>

namespace sluice::notes {

struct note
{
    uuid id;
    pooled_string text;
    timestamp created_at{};
};

struct new_note
{
    pooled_string text;
};

} // namespace sluice::notes

template <> struct sluice::fields<sluice::notes::note>
{
    using note = notes::note;
    static constexpr auto list =
        std::tuple{field("id", &note::id), field("text", &note::text), field("created_at", &note::created_at)};
};

template <> struct sluice::fields<sluice::notes::new_note>
{
    using new_note = notes::new_note;
    static constexpr auto list = std::tuple{field("text", &new_note::text)};
};
