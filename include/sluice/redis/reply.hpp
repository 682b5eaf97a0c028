// What Redis answered: a value of RESP2, whole, in memory of its own.
//
// An array holds replies, to the depth that the protocol's reader allows (seven). A failure that stands inside an array
// (of a transaction, a script) is a reply, too; one that is the whole answer becomes an error before anyone sees it.
// A value: free to move, and to pass between shards.
#pragma once

#include <sluice/core/pool.hpp>

#include <cstdint>

#pragma GCC visibility push(default)

namespace sluice::redis {

struct reply
{
    enum class kind : std::uint8_t
    {
        nil, // there is nothing by that name
        integer,
        text,
        status, // "OK"
        array,
        failure, // "WRONGTYPE Operation against a key …"
    };

    kind is = kind::nil;
    std::int64_t integer = 0;
    pooled_string text = {}; // of text, status and failure
    pooled_vector<reply> elements = {};

    [[nodiscard]] bool nil() const noexcept { return is == kind::nil; }
};

} // namespace sluice::redis

#pragma GCC visibility pop
