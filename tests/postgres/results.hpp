// Results of libpq's type made by hand, for tests of what reads them.
#pragma once

#include <sluice/postgres/rows.hpp>

#include <libpq-fe.h>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::postgres::test {

struct column
{
    type_id type;
    std::string name;
};

inline rows result_of(const std::vector<column>& columns,
                      const std::vector<std::vector<std::optional<std::string>>>& lines)
{
    PGresult* made = PQmakeEmptyPGresult(nullptr, PGRES_TUPLES_OK);
    std::vector<PGresAttDesc> described;
    std::vector<std::string> names;
    for (const column& one : columns) names.push_back(one.name);
    for (std::size_t i = 0; i < columns.size(); ++i)
        described.push_back({.name = names[i].data(),
                             .tableid = 0,
                             .columnid = 0,
                             .format = 1,
                             .typid = std::to_underlying(columns[i].type),
                             .typlen = -1,
                             .atttypmod = -1});
    PQsetResultAttrs(made, static_cast<int>(described.size()), described.data());
    for (std::size_t line = 0; line < lines.size(); ++line) {
        for (std::size_t i = 0; i < columns.size(); ++i) {
            std::optional<std::string> cell = lines[line][i];
            PQsetvalue(made, static_cast<int>(line), static_cast<int>(i), cell ? cell->data() : nullptr,
                       cell ? static_cast<int>(cell->size()) : -1);
        }
    }
    return rows(made);
}

inline rows one_cell(type_id type, std::optional<std::string_view> cell, std::string name = "cell")
{
    return result_of({{type, std::move(name)}}, {{cell ? std::optional<std::string>(*cell) : std::nullopt}});
}

} // namespace sluice::postgres::test
