// Results that are too large to hold: read piece by piece, each only when the one before has been used.
//
//     auto sent = co_await stream(db, every_user, parameters::of(), {}, [&](const rows& piece) -> task<result<void>> {
//         for (const row one : piece) write(one);
//         co_return co_await out.flush();
//     });
//
// A cursor in a read-only transaction of its own, so all pieces show one moment, and it works behind a transaction
// pooler. An error that the callback gives ends the stream and is its result. Each piece must come within the pool's
// statement timeout; what the callback takes does not count.
//
// Thread: the pool's shard.
#pragma once

#include <sluice/postgres/transaction.hpp>

#include <utility>

#pragma GCC visibility push(default)

namespace sluice::postgres {

struct stream_options
{
    unsigned rows_a_piece = 500; // at most; 0 is taken for 1
};

namespace detail {
[[nodiscard]] task<result<void>> open_cursor(transaction& t, const statement& s, parameters with);
// Empty at the end.
[[nodiscard]] task<result<rows>> fetch(transaction& t, unsigned count);
} // namespace detail

// The statement is a SELECT (or VALUES); F is callable with const rows& and returns a task<result<void>>.
template <class F>
[[nodiscard]] task<result<void>> stream(pool& from, const statement& s, parameters with, stream_options options, F each)
{
    transaction t(from, {.level = isolation::repeatable_read, .read_only = true});
    auto begun = co_await t.begin();
    if (!begun) co_return begun;
    auto opened = co_await detail::open_cursor(t, s, std::move(with));
    while (opened) {
        auto piece = co_await detail::fetch(t, options.rows_a_piece);
        if (!piece) opened = fail(std::move(piece.error()));
        if (!opened || piece->empty()) break;
        opened = co_await each(std::as_const(*piece));
    }
    auto ended = co_await t.roll_back();
    if (!opened) co_return opened;
    co_return ended;
}

} // namespace sluice::postgres

#pragma GCC visibility pop
