// JSON: the parser accepts what the grammar does and nothing else; what is read can be written and reads back the same;
// any bytes can be written as a string.
#include "../json/grammar.hpp"
#include "../json/models.hpp"

#include <sluice/core/assert.hpp>
#include <sluice/json/read.hpp>
#include <sluice/json/write.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace {

using namespace sluice;

template <class T> void read_and_write(std::string_view text)
{
    const auto read = read_json<T>(text);
    if (!read) {
        SLUICE_ASSERT(read.error().code == errc::malformed ||
                      (read.error().code == errc::invalid && !read.error().violations.empty()));
        return;
    }
    const auto again = read_json<T>(to_json(*read));
    SLUICE_ASSERT(again && *again == *read);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    SLUICE_ASSERT(parse_json(text).has_value() == test::json_grammar::valid(text));
    read_and_write<test::address>(text);
    read_and_write<test::login>(text);
    read_and_write<std::vector<double>>(text);
    read_and_write<std::vector<std::uint64_t>>(text);
    read_and_write<std::string>(text);
    if (const auto read = read_json<test::person>(text)) SLUICE_ASSERT(parse_json(to_json(*read)));
    const auto bytes = read_json<std::string>(to_json(text));
    SLUICE_ASSERT(bytes && *read_json<std::string>(to_json(*bytes)) == *bytes);
    return 0;
}
