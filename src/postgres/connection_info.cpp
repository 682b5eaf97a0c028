#include <sluice/postgres/connection_info.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <libpq-fe.h>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::postgres {

namespace {

constexpr std::string_view mask = "********";
constexpr std::string_view default_port = "5432";

struct options_deleter
{
    void operator()(PQconninfoOption* all) const noexcept { PQconninfoFree(all); }
};
using options = std::unique_ptr<PQconninfoOption, options_deleter>;

struct parsed
{
    options all; // null: the text is none
    std::string fault = {};

    [[nodiscard]] std::string_view value(std::string_view keyword) const
    {
        for (const PQconninfoOption* one = all.get(); one != nullptr && one->keyword != nullptr; ++one)
            if (one->keyword == keyword) return one->val == nullptr ? std::string_view() : one->val;
        return {};
    }
};

parsed parse(const std::string& text)
{
    char* said = nullptr;
    parsed made{.all = options(PQconninfoParse(text.c_str(), &said))};
    if (said != nullptr) made.fault = said;
    PQfreemem(said);
    return made;
}

bool is_url(std::string_view text) { return text.starts_with("postgres://") || text.starts_with("postgresql://"); }

std::vector<std::string_view> split(std::string_view text)
{
    std::vector<std::string_view> parts;
    for (;;) {
        const auto comma = text.find(',');
        parts.push_back(text.substr(0, comma));
        if (comma == std::string_view::npos) return parts;
        text.remove_prefix(comma + 1);
    }
}

// By name, or by address where there is no name.
std::vector<std::string_view> hosts_of(const parsed& read)
{
    const std::string_view names = read.value("host");
    return split(names.empty() ? read.value("hostaddr") : names);
}

bool is_port(std::string_view text)
{
    unsigned number = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    return failure == std::errc() && end == text.data() + text.size() && number >= 1 && number <= 65535;
}

// libpq's words up to the part of the URL that they quote.
std::string without_quotation(std::string_view said)
{
    said = said.substr(0, said.find('\n'));
    return std::string(said.substr(0, said.find(": \"")));
}

bool is_password(const PQconninfoOption& one) { return std::string_view(one.dispchar) == "*"; }

// Does every password of the URL read as the mask?
bool passwords_are_masked(const parsed& read)
{
    for (const PQconninfoOption* one = read.all.get(); one != nullptr && one->keyword != nullptr; ++one)
        if (is_password(*one) && one->val != nullptr && one->val != mask) return false;
    return read.all != nullptr;
}

bool has_password(const parsed& read)
{
    for (const PQconninfoOption* one = read.all.get(); one != nullptr && one->keyword != nullptr; ++one)
        if (is_password(*one) && one->val != nullptr) return true;
    return false;
}

// user:PASSWORD@ in front of the hosts.
void mask_user_information(std::string& url)
{
    const auto begin = url.find("://") + 3;
    const auto end = url.find_first_of("@/", begin);
    if (end == std::string::npos || url[end] != '@') return;
    const auto colon = url.find(':', begin);
    if (colon < end) url.replace(colon + 1, end - colon - 1, mask);
}

// ?password=PASSWORD&…
void mask_query(std::string& url)
{
    auto at = url.find('?');
    while (at != std::string::npos && at + 1 < url.size()) {
        const auto next = url.find('&', at + 1);
        const auto equals = url.find('=', at + 1);
        const std::string_view key = std::string_view(url).substr(at + 1, equals - at - 1);
        if (equals < next && key.ends_with("password")) {
            const auto size = (next == std::string::npos ? url.size() : next) - equals - 1;
            url.replace(equals + 1, size, mask);
        }
        at = url.find('&', at + 1);
    }
}

// What libpq refuses of the values of options, which it looks at only as it connects: to a socket that is not there.
std::string refused_values(const std::string& url)
{
    static constexpr std::array<const char*, 5> names = {"dbname", "host", "hostaddr", "port", nullptr};
    const std::array<const char*, 5> values = {url.c_str(), "/nonexistent", "", "1", nullptr};
    const std::unique_ptr<PGconn, void (*)(PGconn*)> tried(PQconnectStartParams(names.data(), values.data(), 1),
                                                           &PQfinish);
    const std::string_view said = tried == nullptr ? "" : PQerrorMessage(tried.get());
    return said.starts_with("connection to server") ? std::string() : without_quotation(said);
}

} // namespace

std::string connection_string(const location& of)
{
    const std::string port = std::to_string(of.port);
    const std::array<std::pair<std::string_view, std::string_view>, 5> all = {
        {{"host", of.host}, {"port", port}, {"dbname", of.name}, {"user", of.user}, {"password", of.password}}};
    std::string text;
    for (const auto& [keyword, value] : all) {
        if (value.empty()) continue;
        text.append(text.empty() ? "" : " ").append(keyword).append("='");
        for (const char c : value) {
            if (c == '\'' || c == '\\') text += '\\';
            text += c;
        }
        text += '\'';
    }
    return text;
}

std::optional<std::string> fault_of_url(const std::string& url)
{
    if (!is_url(url)) return "it does not begin with postgres://";
    if (url.find('\0') != std::string::npos) return "it has a NUL character";
    const parsed read = parse(url);
    if (read.all == nullptr) return without_quotation(read.fault);

    const auto hosts = hosts_of(read);
    const auto ports = split(read.value("port"));
    if (read.value("host").find('@') != std::string_view::npos)
        return "a host has an @ in it: in a user or a password it is written %40";
    if (!std::ranges::all_of(ports, [](std::string_view port) { return port.empty() || is_port(port); }))
        return "a port is no number from 1 to 65535";
    if (ports.size() != 1 && ports.size() != hosts.size()) return "it has another number of ports than of hosts";
    std::string refused = refused_values(url);
    if (!refused.empty()) return refused;
    return std::nullopt;
}

std::string without_passwords(const std::string& url)
{
    const parsed read = parse(url);
    if (read.all != nullptr && !has_password(read)) return url;
    std::string masked = url;
    if (is_url(url)) {
        mask_user_information(masked);
        mask_query(masked);
    }
    return passwords_are_masked(parse(masked)) ? masked : std::string(mask);
}

std::string place_of(const std::string& url)
{
    const parsed read = parse(url);
    const auto hosts = hosts_of(read);
    const auto ports = split(read.value("port"));
    std::string place;
    for (std::size_t i = 0; i < hosts.size(); ++i) {
        std::string_view port = ports.size() == hosts.size() ? ports[i] : ports.front();
        if (port.empty()) port = default_port;
        place.append(i == 0 ? "" : ",").append(hosts[i].empty() ? "localhost" : hosts[i]).append(":").append(port);
    }
    const std::string_view name = read.value("dbname").empty() ? read.value("user") : read.value("dbname");
    return place.append(name.empty() ? "" : "/").append(name);
}

} // namespace sluice::postgres
