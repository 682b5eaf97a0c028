#include "config_text.hpp"

#include "setting_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace sluice::app {
namespace {

std::string origin_text(const origin& from)
{
    switch (from.from) {
    case source::default_:
        break;
    case source::file:
        return "file " + from.place;
    case source::environment:
        return "environment " + from.place;
    case source::flag:
        return "flag " + from.place;
    }
    return "default";
}

} // namespace

std::string config_text(const loaded_settings& loaded)
{
    std::size_t key_width = 0;
    std::size_t value_width = 0;
    for (const setting& one : setting_table()) {
        key_width = std::max(key_width, one.key.size());
        value_width = std::max(value_width, one.show(loaded.values).size());
    }
    std::string text;
    for (std::size_t i = 0; i < setting_table().size(); ++i) {
        const setting& one = setting_table()[i];
        fmt::format_to(std::back_inserter(text), "{:<{}} = {:<{}}  # {}\n", one.key, key_width, one.show(loaded.values),
                       value_width, origin_text(loaded.origins[i]));
    }
    return text;
}

} // namespace sluice::app
