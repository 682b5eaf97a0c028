// A connection to a SQLite file: statements with typed values in and typed columns out.
//
//     auto found = c.query_one("SELECT email, name FROM users WHERE id = ?1",
//                              [](const row& r) { return person{r.get<std::string>(0), r.get<std::string>(1)}; }, id);
//
// A statement's text can only be a literal (sql), so values are bound and never pasted in, and the statements that a
// connection keeps prepared are as many as the program has. A statement is over when its call returns: no cursor stays
// open, so no reader holds the write-ahead log back. Each is a span of the request that it runs for.
//
// Thread: one at a time; a connection belongs to one thread of its database. Applications get one from database::read
// and database::write, for as long as their function runs. It knows nothing of shards and waits.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/core/error.hpp>
#include <sluice/core/pool.hpp>
#include <sluice/core/span.hpp>
#include <sluice/core/uuid.hpp>

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#pragma GCC visibility push(default)

struct sqlite3;
struct sqlite3_stmt;

namespace sluice::sqlite {

// The text of a statement: a literal, known by its address.
class sql
{
public:
    consteval sql(const char* text) noexcept : text_(text) {}
    [[nodiscard]] constexpr const char* text() const noexcept { return text_; }

private:
    const char* text_;
};

// One row of an answer, read by value while its callback runs. Columns count from 0.
class row
{
public:
    explicit row(sqlite3_stmt* statement) noexcept : statement_(statement) {}

    // T: an integer, bool, std::string, pooled_string, uuid (a 16-byte blob), timestamp (microseconds since 1970), or
    // an optional of one of them for a column that may be NULL.
    template <class T> [[nodiscard]] T get(int column) const;

private:
    [[nodiscard]] bool is_null(int column) const noexcept;
    [[nodiscard]] std::int64_t integer(int column) const noexcept;
    [[nodiscard]] std::string_view text(int column) const noexcept;
    [[nodiscard]] uuid id(int column) const noexcept;
    sqlite3_stmt* statement_;
};

enum class access : std::uint8_t
{
    read_only,
    read_write,
};

class connection
{
public:
    // Opens an existing file. The error says what is wrong and what would mend it; it names the path, so it is for the
    // operator and never for a client.
    [[nodiscard]] static result<connection> open(const std::string& path, access mode, duration busy_timeout);
    connection(connection&& other) noexcept;
    connection& operator=(connection&& other) noexcept;
    ~connection();

    // Runs a statement to its end; says how many rows it changed.
    template <class... Values> [[nodiscard]] result<std::int64_t> execute(sql statement, const Values&... values);
    // The first row, as `read` makes it; nothing if there is none.
    template <class Read, class... Values>
    [[nodiscard]] auto query_one(sql statement, Read read, const Values&... values)
        -> result<std::optional<std::invoke_result_t<Read&, const row&>>>;
    // Calls `each` with every row.
    template <class Each, class... Values>
    [[nodiscard]] result<void> query(sql statement, Each each, const Values&... values);

    // Several statements without values, from text that is known only at run time: migrations.
    [[nodiscard]] result<void> run_script(const std::string& text);
    // Is a transaction open? A failing statement may have rolled it back.
    [[nodiscard]] bool in_transaction() const noexcept;
    // Copies the log's pages into the file if the log holds more than a bound; between transactions, on a writer.
    void checkpoint_if_due() noexcept;

private:
    // A prepared statement while it is in use: whatever happens, it is reset at the end.
    class use
    {
    public:
        use(connection& owner, sql statement) noexcept;
        ~use();
        use(const use&) = delete;
        use& operator=(const use&) = delete;

        template <class... Values> void bind_all(const Values&... values)
        {
            int position = 0;
            (bind(++position, values), ...);
        }
        [[nodiscard]] result<bool> step(); // is there a row?
        [[nodiscard]] row current() const noexcept { return row(statement_); }

    private:
        void bind(int position, std::nullopt_t) noexcept;
        void bind(int position, std::int64_t value) noexcept;
        void bind(int position, std::string_view value) noexcept;
        void bind(int position, const uuid& value) noexcept;
        template <std::integral T> void bind(int position, T value) noexcept
        {
            bind(position, static_cast<std::int64_t>(value));
        }
        void bind(int position, timestamp value) noexcept { bind(position, value.time_since_epoch().count()); }
        template <class T> void bind(int position, const std::optional<T>& value) noexcept
        {
            value ? bind(position, *value) : bind(position, std::nullopt);
        }
        connection& owner_;
        span running_; // from before it is prepared
        sqlite3_stmt* statement_ = nullptr;
        int failure_ = 0;
    };

    struct prepared
    {
        const char* text;
        sqlite3_stmt* statement;
    };

    explicit connection(sqlite3* handle) noexcept : handle_(handle) {}
    [[nodiscard]] int find_or_prepare(sql statement, sqlite3_stmt*& found) noexcept;
    [[nodiscard]] error last_error(int code) const;
    [[nodiscard]] std::int64_t changes() const noexcept;

    sqlite3* handle_ = nullptr;
    std::vector<prepared> statements_;
};

template <class T> T row::get(int column) const
{
    if constexpr (requires {
                      typename T::value_type;
                      requires std::same_as<T, std::optional<typename T::value_type>>;
                  }) {
        if (is_null(column)) return std::nullopt;
        return get<typename T::value_type>(column);
    } else if constexpr (std::same_as<T, bool>) {
        return integer(column) != 0;
    } else if constexpr (std::integral<T>) {
        return static_cast<T>(integer(column));
    } else if constexpr (std::same_as<T, timestamp>) {
        return timestamp(std::chrono::microseconds(integer(column)));
    } else if constexpr (std::same_as<T, uuid>) {
        return id(column);
    } else {
        return T(text(column));
    }
}

template <class... Values> result<std::int64_t> connection::execute(sql statement, const Values&... values)
{
    use used(*this, statement);
    used.bind_all(values...);
    for (;;) {
        auto more = used.step();
        if (!more) return std::unexpected(std::move(more).error());
        if (!*more) return changes();
    }
}

template <class Read, class... Values>
auto connection::query_one(sql statement, Read read, const Values&... values)
    -> result<std::optional<std::invoke_result_t<Read&, const row&>>>
{
    std::optional<std::invoke_result_t<Read&, const row&>> found;
    auto done = query(
        statement,
        [&](const row& r) {
            if (!found) found.emplace(read(r));
        },
        values...);
    if (!done) return std::unexpected(std::move(done).error());
    return found;
}

template <class Each, class... Values> result<void> connection::query(sql statement, Each each, const Values&... values)
{
    use used(*this, statement);
    used.bind_all(values...);
    for (;;) {
        auto more = used.step();
        if (!more) return std::unexpected(std::move(more).error());
        if (!*more) return {};
        each(used.current());
    }
}

} // namespace sluice::sqlite

#pragma GCC visibility pop
