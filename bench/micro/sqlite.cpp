// SQLite: one row by its key, and durable writes by the size of the group that shares a commit. The file is in the
// temporary folder, so the cost of a flush is that of its disk.
#include "sqlite/writer.hpp"

#include <sluice/core/timestamp.hpp>
#include <sluice/sqlite/connection.hpp>
#include <sluice/sqlite/migration.hpp>

#include <benchmark/benchmark.h>

#include <atomic>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <latch>
#include <stdexcept>
#include <string>
#include <vector>

namespace sluice::sqlite {
namespace {

constexpr migration steps[] = {
    {.name = "users",
     .sql =
         "CREATE TABLE users (id BLOB PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT NOT NULL, created_at INTEGER "
         "NOT NULL) STRICT, WITHOUT ROWID;"}};
constexpr sql insert_user = "INSERT INTO users VALUES (?1, ?2, ?3, ?4)";
constexpr std::size_t rows = 10'000;

template <class T> T expect(result<T> outcome)
{
    if (!outcome) throw std::runtime_error(outcome.error().detail);
    return std::move(*outcome);
}

class database_file
{
public:
    database_file()
    {
        std::string name = (std::filesystem::temp_directory_path() / "sluice-bench-XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
        folder_ = name;
        path_ = folder_ / "bench.db";
        (void)expect(migrate(path_, steps));
    }
    database_file(const database_file&) = delete;
    database_file& operator=(const database_file&) = delete;
    ~database_file() { std::filesystem::remove_all(folder_); }
    [[nodiscard]] connection open(access mode) const
    {
        return expect(connection::open(path_, mode, std::chrono::seconds(5)));
    }

private:
    std::filesystem::path folder_;
    std::string path_;
};

std::int64_t insert(connection& c, const uuid& id)
{
    return expect(c.execute(insert_user, id, id.to_string(), "Ada Lovelace", wall_now()));
}

void BM_sqlite_read_point(benchmark::State& state)
{
    const database_file file;
    std::vector<uuid> ids;
    {
        connection c = file.open(access::read_write);
        (void)expect(c.execute("BEGIN"));
        for (std::size_t i = 0; i < rows; ++i) insert(c, ids.emplace_back(uuid::make_v7(wall_now())));
        (void)expect(c.execute("COMMIT"));
    }
    connection c = file.open(access::read_only);
    std::size_t next = 0;
    for (auto _ : state) {
        const uuid& id = ids[next = (next + 7919) % rows];
        auto found = c.query_one(
            "SELECT email, name, created_at FROM users WHERE id = ?1",
            [](const row& r) { return std::pair(r.get<pooled_string>(0), r.get<pooled_string>(1)); }, id);
        benchmark::DoNotOptimize(found);
    }
}
BENCHMARK(BM_sqlite_read_point)->Name("BM_sqlite_read/point");

class insertion final : public write_request
{
public:
    explicit insertion(std::latch& all) : all_(all) {}
    const error* run(connection& c) noexcept override
    {
        insert(c, uuid::make_v7(wall_now()));
        return nullptr;
    }
    void finished(const error* failure) noexcept override
    {
        if (failure != nullptr) std::abort();
        all_.count_down();
    }

private:
    std::latch& all_;
};

void BM_sqlite_write_group(benchmark::State& state)
{
    const database_file file;
    const auto size = static_cast<std::size_t>(state.range(0));
    writer writes(file.open(access::read_write), size + 1);
    for (auto _ : state) {
        std::latch all(state.range(0));
        std::deque<insertion> group;
        for (std::size_t i = 0; i < size; ++i)
            if (!writes.submit(group.emplace_back(all))) std::abort();
        all.wait();
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_sqlite_write_group)->Name("BM_sqlite_write/group")->Arg(1)->Arg(16)->Arg(64)->Arg(256)->UseRealTime();

} // namespace
} // namespace sluice::sqlite
