#include "sqlite/writer.hpp"

#include <sluice/core/assert.hpp>
#include <sluice/sqlite/database.hpp>

#include <optional>
#include <vector>

namespace sluice::sqlite {

struct database::state
{
    std::vector<connection> connections; // one for each reader thread
    std::optional<writer> writes;
    std::optional<offload_pool> readers;
};

result<std::unique_ptr<database>> database::open(const database_options& options)
{
    if (auto migrated = migrate(options.path, options.migrations); !migrated) return fail(std::move(migrated).error());
    auto made = std::make_unique<state>();
    auto writing = connection::open(options.path, access::read_write, options.busy_timeout);
    if (!writing) return fail(std::move(writing).error());
    for (unsigned i = 0; i < options.readers; ++i) {
        auto reading = connection::open(options.path, access::read_only, options.busy_timeout);
        if (!reading) return fail(std::move(reading).error());
        made->connections.push_back(std::move(*reading));
    }
    made->writes.emplace(std::move(*writing), options.writes_max);
    made->readers.emplace(offload_options{.threads = options.readers, .queue_max = options.reads_max});
    return std::unique_ptr<database>(new database(std::move(made)));
}

database::database(std::unique_ptr<state> s) noexcept : state_(std::move(s)) {}
database::~database() = default;

const offload_pool& database::read_pool() const noexcept { return *state_->readers; }
offload_pool& database::readers() noexcept { return *state_->readers; }
connection& database::reader() noexcept { return state_->connections[offload_pool::thread_index()]; }
bool database::submit(write_request& request) noexcept { return state_->writes->submit(request); }

} // namespace sluice::sqlite
