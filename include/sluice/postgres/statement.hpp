// A statement of the program: its SQL, named once.
//
// Owned by nobody: a constant of static storage duration, whose address is its identity and whose name is the prepared
// statement's on every connection. Any shard may read it. It holds no parameters and runs nothing.
#pragma once

#include <cstdint>

#pragma GCC visibility push(default)

namespace sluice::postgres {

// What may be done with a statement whose answer was lost: a read may run again, a write never by itself. Whoever says
// nothing has written a write, because to run one of those twice is the worse mistake.
enum class access : std::uint8_t
{
    reads,
    writes,
};

struct statement
{
    const char* name;
    const char* sql;
    access does = access::writes;
    bool is_change = true; // of a write; false: a database that only reads does it too, as it does NOTIFY
};

} // namespace sluice::postgres

#pragma GCC visibility pop
