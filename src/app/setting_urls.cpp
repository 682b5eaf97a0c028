// The kinds of settings that are URLs with a secret in them: never quoted, and printed without it.
#include "setting_kind.hpp"

#include <sluice/client/client.hpp>
#include <sluice/postgres/connection_info.hpp>
#include <sluice/redis/location.hpp>

namespace sluice::app {
namespace {

using fault_function = std::string (*)(const std::string& url); // empty: none

std::string fault_of_database(const std::string& url) { return postgres::fault_of_url(url).value_or(""); }

std::string fault_of_redis(const std::string& url)
{
    const auto read = redis::parse_url(url);
    return read ? "" : read.error().detail;
}

std::string fault_of_collector(const std::string& url)
{
    const auto valid = http::check_url(url);
    return valid ? "" : valid.error().detail;
}

// It may have no user, so that a key stands in its query, under whatever name.
std::string without_query(const std::string& url)
{
    const std::size_t query = url.find('?');
    return query == std::string::npos ? url : url.substr(0, query) + "?********";
}

template <fault_function Fault> std::string why_not(const raw_setting& raw)
{
    const auto* text = std::get_if<std::string>(&raw.value);
    if (text == nullptr) return "it is no text";
    return text->empty() ? "" : Fault(*text);
}

template <fault_function Fault> bool read(const setting_kind<std::string>&, const raw_setting& raw, std::string& out)
{
    if (!why_not<Fault>(raw).empty()) return false;
    out = std::get<std::string>(raw.value);
    return true;
}

template <std::string (*Mask)(const std::string& url)> std::string show(const std::string& value)
{
    return in_quotes(value.empty() ? "" : Mask(value));
}

template <fault_function Fault, std::string (*Mask)(const std::string& url)>
setting_kind<std::string> secret_url(std::string expects)
{
    return {.name = "URL",
            .expects = std::move(expects),
            .read = &read<Fault>,
            .write = [](const std::string& value) { return in_quotes(value); },
            .show = &show<Mask>,
            .why_not = &why_not<Fault>};
}

} // namespace

setting_kind<std::string> database_url()
{
    return secret_url<&fault_of_database, &postgres::without_passwords>(
        "a URL such as postgres://user:password@host:5432/name");
}

setting_kind<std::string> collector_url()
{
    return secret_url<&fault_of_collector, &without_query>(
        "a URL that begins with http://, such as http://127.0.0.1:4318");
}

setting_kind<std::string> redis_url()
{
    return secret_url<&fault_of_redis, &redis::without_password>(
        "a URL such as redis://user:password@host:6379/0 or unix:/path/of/socket");
}

} // namespace sluice::app
