#include "corpus.hpp"

#include <iterator>

namespace sluice::http::testing {

std::vector<corpus_entry> corpus()
{
    std::vector<corpus_entry> all;
    for (auto part : {corpus_of_request_lines, corpus_of_targets, corpus_of_fields, corpus_of_hosts, corpus_of_framing,
                      corpus_of_chunks, corpus_of_connections}) {
        std::vector<corpus_entry> entries = part();
        all.insert(all.end(), std::move_iterator(entries.begin()), std::move_iterator(entries.end()));
    }
    return all;
}

} // namespace sluice::http::testing
