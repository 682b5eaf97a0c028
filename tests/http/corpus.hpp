// Raw requests, one for each distinct rule, with the section of the RFC that it comes from and what must come of it
// (see driver.hpp for the form). They are read under small bounds, so that the bounds' own rules stay short.
#pragma once

#include <sluice/http/limits.hpp>

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::http::testing {

struct corpus_entry
{
    std::string_view name;
    std::string_view section;
    std::string input;
    std::string outcome; // lines, each with its line end
};
// What a failing test shows of an entry.
inline void PrintTo(const corpus_entry& entry, std::ostream* out) { *out << entry.name << ", RFC " << entry.section; }

inline constexpr limits corpus_limits = {.header_bytes = 256, .headers = 8, .uri_bytes = 64, .body_bytes = 32};

[[nodiscard]] std::vector<corpus_entry> corpus_of_request_lines();
[[nodiscard]] std::vector<corpus_entry> corpus_of_targets();
[[nodiscard]] std::vector<corpus_entry> corpus_of_fields();
[[nodiscard]] std::vector<corpus_entry> corpus_of_hosts();
[[nodiscard]] std::vector<corpus_entry> corpus_of_framing();
[[nodiscard]] std::vector<corpus_entry> corpus_of_chunks();
[[nodiscard]] std::vector<corpus_entry> corpus_of_connections();
[[nodiscard]] std::vector<corpus_entry> corpus(); // all of them

} // namespace sluice::http::testing
