#include <sluice/http/request.hpp>

namespace sluice::http {

std::optional<std::string_view> request::raw_path_parameter(std::string_view name) const noexcept
{
    for (std::size_t i = 0; i < parameter_count_; ++i) {
        if (parameters_[i].name == name) return parameters_[i].value;
    }
    return std::nullopt;
}

unsigned request::find_query(std::string_view name, pooled_string& decoded) const
{
    unsigned found = 0;
    pooled_string key;
    for (std::string_view rest = query_; !rest.empty();) {
        const std::size_t separator = rest.find('&');
        const std::string_view pair = rest.substr(0, separator);
        rest.remove_prefix(separator == std::string_view::npos ? rest.size() : separator + 1);

        const std::size_t equals = pair.find('=');
        key.clear();
        if (!form_decode(pair.substr(0, equals), key) || key != name) continue;
        if (++found > 1) break;
        if (equals != std::string_view::npos && !form_decode(pair.substr(equals + 1), decoded)) return 2;
    }
    return found;
}

} // namespace sluice::http
