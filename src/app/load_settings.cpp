#include "load_settings.hpp"

#include "config_file.hpp"
#include "setting_table.hpp"

#include <sluice/shard/cpus.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unistd.h>

namespace sluice::app {
namespace {

constexpr std::string_view variable_prefix = "SLUICE_";

// Kubernetes tells every pod about a service named sluice: SLUICE_SERVICE_HOST, SLUICE_PORT=tcp://…,
// SLUICE_PORT_80_TCP…. None of them can be meant as a setting.
bool of_kubernetes(std::string_view name, std::string_view value)
{
    if (name.starts_with("SLUICE_SERVICE_HOST") || name.starts_with("SLUICE_SERVICE_PORT")) return true;
    constexpr std::string_view port = "SLUICE_PORT";
    if (name == port) return value.find("://") != std::string_view::npos;
    return name.starts_with(port) && name.size() > port.size() + 1 && name[port.size()] == '_' &&
           name[port.size() + 1] >= '0' && name[port.size() + 1] <= '9';
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

// Who sets one of these expects another database than the one that this build would quietly make.
constexpr std::array<std::string_view, 3> not_built_yet = {"DATABASE_URL", "DB_HOST", "REDIS_URL"};

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
        const std::string got = to.secret ? "" : ", not " + raw.shown;
        return fmt::format("{}: {} must be {}{}", from.place, to.key, to.expects, got);
    }
    origin_of(to) = std::move(from);
    return std::nullopt;
}

std::optional<problem> loader::apply_text(const setting& to, std::string_view text, origin from)
{
    return apply(to, {.value = std::string(text), .shown = quoted(text), .text_only = true}, std::move(from));
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
    for (const std::string_view name : not_built_yet) {
        if (value_of(name).value_or("").empty()) continue;
        return fmt::format("{} is set in the environment, but this build knows only SQLite (sqlite.path): unset it",
                           name);
    }
    for (const setting& one : setting_table()) {
        std::string variable = one.variable();
        std::optional<std::string_view> value = value_of(variable);
        if (!value && !one.also.empty()) {
            // A name that is not ours alone: others write it empty when they mean nothing.
            variable = one.also;
            value = value_of(variable);
            if (value && value->empty()) continue;
        }
        if (!value) continue;
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

// What no single setting can know.
std::optional<problem> loader::check_relations()
{
    const server_options& server = loaded_.values.server;
    const auto& listen = server.listen;
    if (std::ranges::find(listen, server.admin_listen) == listen.end() || server.admin_listen.ends_with(":0")) {
        return std::nullopt;
    }
    const origin& admin = origin_of(*find_setting("admin_listen"));
    const origin& place = admin.from == source::default_ ? origin_of(*find_setting("listen")) : admin;
    return fmt::format("{}: admin_listen must differ from listen, not be {} too", place.place,
                       quoted(server.admin_listen));
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
