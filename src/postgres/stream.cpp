#include <sluice/postgres/stream.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace sluice::postgres::detail {

task<result<void>> open_cursor(transaction& t, const statement& s, parameters with)
{
    const std::string sql = fmt::format("DECLARE sluice_stream NO SCROLL CURSOR FOR {}", s.sql);
    const statement once{"", sql.c_str(), access::reads};
    auto opened = co_await t.run(once, std::move(with));
    if (!opened) co_return fail(std::move(opened.error()));
    co_return {};
}

task<result<rows>> fetch(transaction& t, unsigned count)
{
    const std::string sql = fmt::format("FETCH FORWARD {} FROM sluice_stream", std::max(1U, count));
    const statement once{"", sql.c_str(), access::reads};
    co_return co_await t.run(once, {});
}

} // namespace sluice::postgres::detail
