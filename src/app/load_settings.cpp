#include "load_settings.hpp"

#include "config_file.hpp"
#include "setting_table.hpp"

#include <sluice/cache/first_tier.hpp>
#include <sluice/shard/cpus.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unistd.h>

namespace sluice::app {
namespace {

constexpr std::string_view variable_prefix = "SLUICE_";

// Kubernetes tells every pod about the services beside it: of one named sluice-postgres, SLUICE_POSTGRES_SERVICE_HOST,
// SLUICE_POSTGRES_PORT=tcp://…, SLUICE_POSTGRES_PORT_80_TCP…; of one named db, DB_PORT=tcp://…. None of them can be
// meant as a setting.
bool of_kubernetes(std::string_view name, std::string_view value)
{
    if (name.ends_with("_SERVICE_HOST") || name.ends_with("_SERVICE_PORT")) return true;
    if (name.find("_SERVICE_PORT_") != std::string_view::npos) return true;
    if (name.ends_with("_PORT")) return value.find("://") != std::string_view::npos;
    constexpr std::string_view port = "_PORT_";
    const auto at = name.find(port);
    if (at == std::string_view::npos || at + port.size() == name.size()) return false;
    const char first = name[at + port.size()];
    return first >= '0' && first <= '9';
}

std::vector<std::string> all_keys()
{
    std::vector<std::string> keys;
    for (const setting& one : setting_table()) keys.emplace_back(one.key);
    return keys;
}

std::vector<std::string> all_variables()
{
    std::vector<std::string> names;
    for (const setting& one : setting_table()) names.push_back(one.variable());
    return names;
}

std::string did_you_mean(std::string_view name, const std::vector<std::string>& known)
{
    const std::optional<std::string> meant = closest(name, known);
    return meant ? fmt::format("; did you mean {}?", *meant) : "; `sluice config` lists all settings";
}

// Which database, and where: what a stronger source replaces as a whole, so that no password of one database is ever
// sent to another.
constexpr std::array<std::string_view, 6> of_the_database = {"database_url",  "postgres.host", "postgres.port",
                                                             "postgres.name", "postgres.user", "postgres.password"};

// Settings under construction: sources are applied from the weakest to the strongest.
class loader
{
public:
    loader()
    {
        loaded_.values.server.shards = default_shards();
        loaded_.origins.resize(setting_table().size());
    }

    std::optional<problem> apply_file(const std::string& path);
    std::optional<problem> apply_environment(const std::vector<std::string>& environment);
    std::optional<problem> apply_flags(const std::vector<std::pair<std::string_view, std::string>>& flags);
    std::optional<problem> check_relations();

    loaded_settings loaded() && { return std::move(loaded_); }

private:
    void forget_database();
    std::optional<problem> check_listeners();
    std::optional<problem> check_first_tier();
    std::optional<problem> check_connections();
    std::optional<problem> apply_entry(const file_entry& entry, const std::string& place);
    std::optional<problem> apply(const setting& to, const raw_setting& raw, origin from);
    std::optional<problem> apply_text(const setting& to, std::string_view text, origin from);
    origin& origin_of(const setting& one)
    {
        return loaded_.origins[static_cast<std::size_t>(&one - setting_table().data())];
    }

    loaded_settings loaded_;
};

std::optional<problem> loader::apply(const setting& to, const raw_setting& raw, origin from)
{
    if (!to.read(loaded_.values, raw)) {
        std::string got = to.secret ? "" : ", not " + raw.shown;
        if (to.why_not != nullptr) got = ": " + to.why_not(raw);
        return fmt::format("{}: {} must be {}{}", from.place, to.key, to.expects, got);
    }
    origin_of(to) = std::move(from);
    return std::nullopt;
}

std::optional<problem> loader::apply_text(const setting& to, std::string_view text, origin from)
{
    return apply(to, {.value = std::string(text), .shown = in_quotes(text), .text_only = true}, std::move(from));
}

bool is_group(std::string_view key)
{
    const std::string group = std::string(key) + ".";
    return std::ranges::any_of(setting_table(), [&](const setting& one) { return one.key.starts_with(group); });
}

std::optional<problem> loader::apply_entry(const file_entry& entry, const std::string& place)
{
    if (const setting* known = find_setting(entry.key)) return apply(*known, entry.raw, {source::file, place});
    if (!is_group(entry.key)) {
        return fmt::format("{}: unknown key {}{}", place, printable(entry.key), did_you_mean(entry.key, all_keys()));
    }
    if (entry.table) return std::nullopt; // "[limits]" with nothing below it
    return fmt::format("{}: {} is a group of settings: write [{}], and the settings below it", place, entry.key,
                       entry.key);
}

std::optional<problem> loader::apply_file(const std::string& path)
{
    const auto text = read_config(path);
    if (!text) return text.error();
    const auto entries = parse_config(*text, path);
    if (!entries) return entries.error();
    loaded_.file = path;
    for (const file_entry& entry : *entries) {
        if (auto wrong = apply_entry(entry, fmt::format("{}:{}", path, entry.line))) return wrong;
    }
    return std::nullopt;
}

std::optional<problem> loader::apply_environment(const std::vector<std::string>& environment)
{
    const auto value_of = [&](std::string_view name) -> std::optional<std::string_view> {
        for (const std::string_view line : environment) {
            if (line.starts_with(name) && line.substr(name.size()).starts_with('='))
                return line.substr(name.size() + 1);
        }
        return std::nullopt;
    };

    const std::vector<std::string> known = all_variables();
    for (const std::string_view line : environment) {
        const std::string_view name = line.substr(0, line.find('='));
        if (!name.starts_with(variable_prefix) || std::ranges::find(known, name) != known.end()) continue;
        if (of_kubernetes(name, line.substr(std::min(name.size() + 1, line.size())))) continue;
        return fmt::format("unknown variable {} in the environment{}", printable(name), did_you_mean(name, known));
    }
    const auto says = [&](std::string_view name) { return !value_of(name).value_or("").empty(); };
    const bool own_host_alone = says("SLUICE_POSTGRES_HOST") && !says("SLUICE_DATABASE_URL");
    if (says("SLUICE_DATABASE_URL") || says("DATABASE_URL") || own_host_alone || says("DB_HOST")) forget_database();
    for (const setting& one : setting_table()) {
        if (own_host_alone && one.key == "database_url") continue; // which beats DATABASE_URL
        std::string variable = one.variable();
        std::optional<std::string_view> value = value_of(variable);
        if (!value && !one.also.empty()) {
            // A name that is not ours alone: others write it empty when they mean nothing.
            variable = one.also;
            value = value_of(variable);
            if (value && value->empty()) continue;
        }
        if (!value || of_kubernetes(variable, *value)) continue;
        if (auto wrong = apply_text(one, *value, {source::environment, variable})) return wrong;
    }
    return std::nullopt;
}

std::optional<problem> loader::apply_flags(const std::vector<std::pair<std::string_view, std::string>>& flags)
{
    for (const auto& [key, value] : flags) {
        const setting& one = *find_setting(key);
        if (auto wrong = apply_text(one, value, {source::flag, std::string(one.flag)})) return wrong;
    }
    return std::nullopt;
}

void loader::forget_database()
{
    const settings defaults;
    loaded_.values.database_url = defaults.database_url;
    loaded_.values.postgres.at = defaults.postgres.at;
    for (const std::string_view key : of_the_database) origin_of(*find_setting(key)) = {};
}

// What no single setting can know.
std::optional<problem> loader::check_relations()
{
    if (auto wrong = check_listeners()) return wrong;
    if (auto wrong = check_first_tier()) return wrong;
    return check_connections();
}

std::optional<problem> loader::check_first_tier()
{
    const std::size_t bytes = loaded_.values.cache.first_tier_bytes;
    const std::size_t share = bytes / loaded_.values.server.shards;
    if (bytes == 0 || (share >= cache::first_tier_bytes_min && share <= cache::first_tier_bytes_max))
        return std::nullopt;
    const origin& from = origin_of(*find_setting("cache.l1_bytes"));
    return fmt::format("{}cache.l1_bytes must be 0, or from 16 KiB to 32 GiB for each of the {} shards: it is {}",
                       from.place.empty() ? "" : from.place + ": ", loaded_.values.server.shards, bytes);
}

std::optional<problem> loader::check_connections()
{
    const settings& values = loaded_.values;
    const std::size_t connections = values.postgres.max_connections;
    if (!values.uses_postgres() || connections >= values.server.shards) return std::nullopt;
    const origin& own = origin_of(*find_setting("postgres.max_connections"));
    const origin& other = origin_of(*find_setting("shards"));
    const origin& place = own.from == source::default_ ? other : own;
    return fmt::format(
        "{}postgres.max_connections must be at least one for each of the shards: it is {}, and shards {}",
        place.place.empty() ? "" : place.place + ": ", connections, values.server.shards);
}

std::optional<problem> loader::check_listeners()
{
    const server_options& server = loaded_.values.server;
    const auto& listen = server.listen;
    if (std::ranges::find(listen, server.admin_listen) == listen.end() || server.admin_listen.ends_with(":0")) {
        return std::nullopt;
    }
    const origin& admin = origin_of(*find_setting("admin_listen"));
    const origin& place = admin.from == source::default_ ? origin_of(*find_setting("listen")) : admin;
    return fmt::format("{}: admin_listen must differ from listen, not be {} too", place.place,
                       in_quotes(server.admin_listen));
}

} // namespace

std::expected<loaded_settings, problem> load_settings(const setting_sources& sources)
{
    loader all;
    std::optional<std::string> file = sources.config_file;
    if (!file && ::access(default_config_file.data(), F_OK) == 0) file = default_config_file;

    std::optional<problem> wrong;
    if (file) wrong = all.apply_file(*file);
    if (!wrong) wrong = all.apply_environment(sources.environment);
    if (!wrong) wrong = all.apply_flags(sources.flags);
    if (!wrong) wrong = all.check_relations();
    if (wrong) return std::unexpected(*std::move(wrong));
    return std::move(all).loaded();
}

std::vector<std::string> process_environment()
{
    std::vector<std::string> all;
    for (char** line = ::environ; line != nullptr && *line != nullptr; ++line) all.emplace_back(*line);
    return all;
}

} // namespace sluice::app
