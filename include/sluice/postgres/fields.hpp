// Rows as models: a struct's declared fields (json/fields.hpp) are its columns, in that order.
#pragma once

#include <sluice/json/fields.hpp>
#include <sluice/postgres/rows.hpp>

#include <cstddef>
#include <tuple>
#include <utility>

#pragma GCC visibility push(default)

namespace sluice::postgres {

// The fields of a T from the columns 0 … of `from`; an error where one does not fit (row::read).
template <has_fields T> [[nodiscard]] result<T> read_fields(const row& from)
{
    result<T> made;
    constexpr auto count = std::tuple_size_v<std::remove_cvref_t<decltype(fields<T>::list)>>;
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        const auto read = [&]<class Member>(Member T::* member, int column) {
            auto done = from.read(column, (*made).*member);
            if (!done) made = fail(std::move(done).error());
            return made.has_value();
        };
        (void)(read(std::get<I>(fields<T>::list).member, static_cast<int>(I)) && ...);
    }(std::make_index_sequence<count>());
    return made;
}

} // namespace sluice::postgres

#pragma GCC visibility pop
