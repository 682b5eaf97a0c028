// The rows that a statement gave, typed and not copied: what views refer to is the result itself.
//
//     for (const row one : *found) total += one.get<std::int64_t>(0);
//
// Owns libpq's result and frees it; a view or a row ends with its rows. Movable; of one thread at a time.
#pragma once

#include <sluice/core/error.hpp>
#include <sluice/postgres/decode.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#pragma GCC visibility push(default)

struct pg_result;

namespace sluice::postgres {

// Columns count from 0.
class row
{
public:
    // T: see types.hpp, or an optional of one for a column that may be NULL; otherwise NULL is T(). For what the
    // statement alone decides: a column of a type that does not fit T is an error of the program, which ends with a
    // message that names the column and both types.
    template <class T> [[nodiscard]] T get(int column) const;
    // For what a table decides, which others may change while this runs: a column that does not fit T, NULL for what is
    // no optional included, is errc::unavailable, and a line in the log that says the same.
    template <class T> [[nodiscard]] result<void> read(int column, T& into) const;
    [[nodiscard]] bool is_null(int column) const noexcept { return at(column).data == nullptr; }

private:
    friend class rows;
    struct cell
    {
        const char* data; // null for NULL
        std::size_t size;
        type_id type;
    };
    row(const pg_result* of, int index) noexcept : result_(of), index_(index) {}
    [[nodiscard]] cell at(int column) const noexcept;
    [[noreturn]] void misread(int column, std::string_view wanted) const noexcept;
    [[nodiscard]] error unfit(int column, std::string_view wanted) const;
    [[nodiscard]] std::string mismatch(int column, std::string_view wanted) const;

    const pg_result* result_;
    int index_;
};

class rows
{
public:
    class iterator
    {
    public:
        using value_type = row;
        using difference_type = std::ptrdiff_t;
        iterator() noexcept = default;
        row operator*() const noexcept { return {result_, index_}; }
        iterator& operator++() noexcept
        {
            ++index_;
            return *this;
        }
        iterator operator++(int) noexcept
        {
            iterator before = *this;
            ++index_;
            return before;
        }
        friend bool operator==(const iterator&, const iterator&) = default;

    private:
        friend class rows;
        iterator(const pg_result* of, int index) noexcept : result_(of), index_(index) {}
        const pg_result* result_ = nullptr;
        int index_ = 0;
    };

    rows() noexcept = default;
    explicit rows(pg_result* owned) noexcept;
    rows(rows&& other) noexcept : result_(std::exchange(other.result_, nullptr)), count_(std::exchange(other.count_, 0))
    {}
    rows& operator=(rows&& other) noexcept
    {
        std::swap(result_, other.result_);
        std::swap(count_, other.count_);
        return *this;
    }
    ~rows();

    [[nodiscard]] std::size_t size() const noexcept { return static_cast<std::size_t>(count_); }
    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
    [[nodiscard]] row operator[](std::size_t index) const noexcept;
    [[nodiscard]] iterator begin() const noexcept { return {result_, 0}; }
    [[nodiscard]] iterator end() const noexcept { return {result_, count_}; }
    // How many rows an INSERT, UPDATE or DELETE touched, or a SELECT gave.
    [[nodiscard]] std::uint64_t affected() const noexcept;
    // What was done, as PostgreSQL tags it ("SELECT 3", "COMMIT"); until the rows die.
    [[nodiscard]] std::string_view command() const noexcept;

private:
    pg_result* result_ = nullptr;
    int count_ = 0;
};

template <class T> T row::get(int column) const
{
    const cell found = at(column);
    if constexpr (detail::is_optional<T>) {
        if (found.data == nullptr) return std::nullopt;
        return get<typename T::value_type>(column);
    } else {
        if (found.data == nullptr) return T();
        const std::string_view bytes(found.data, found.size);
        if (!decoding<T>::fits(found.type, bytes)) [[unlikely]]
            misread(column, decoding<T>::wanted);
        return decoding<T>::read(found.type, bytes);
    }
}

template <class T> result<void> row::read(int column, T& into) const
{
    if constexpr (detail::is_optional<T>) {
        if (!is_null(column)) return read(column, into.emplace());
        into.reset();
    } else {
        const cell found = at(column);
        const std::string_view bytes(found.data, found.size);
        if (found.data == nullptr || !decoding<T>::fits(found.type, bytes)) [[unlikely]]
            return fail(unfit(column, decoding<T>::wanted));
        into = decoding<T>::read(found.type, bytes);
    }
    return {};
}

} // namespace sluice::postgres

#pragma GCC visibility pop
