#include <sluice/redis/location.hpp>

#include <sys/un.h>

#include <charconv>

namespace sluice::redis {

namespace {

constexpr std::size_t path_bytes_max = sizeof(sockaddr_un::sun_path) - 1;

std::unexpected<error> wrong(std::string_view what) { return fail(errc::invalid, std::string(what)); }

int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

result<std::string> unescape(std::string_view text)
{
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            plain += text[i];
            continue;
        }
        const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
        const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
        if (low < 0) return wrong("a % in its user or password is not followed by two hexadecimal digits");
        plain += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return plain;
}

template <class Number> bool read_number(std::string_view text, Number& into)
{
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), into);
    return failure == std::errc() && end == text.data() + text.size();
}

result<void> read_credentials(std::string_view text, location& into)
{
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) return wrong("it has a user without a password: it is user:password@");
    auto user = unescape(text.substr(0, colon));
    auto password = unescape(text.substr(colon + 1));
    if (!user) return fail(user.error());
    if (!password) return fail(password.error());
    if (password->empty()) return wrong("its password is empty");
    into.user = std::move(*user);
    into.password = std::move(*password);
    return {};
}

result<void> read_host(std::string_view text, location& into)
{
    std::string_view port;
    bool has_port = false;
    if (text.starts_with('[')) {
        const auto close = text.find(']');
        if (close == std::string_view::npos) return wrong("a [ of its host is not closed");
        into.host = text.substr(1, close - 1);
        text.remove_prefix(close + 1);
        has_port = text.starts_with(':');
        if (!text.empty() && !has_port) return wrong("something other than a port follows the ] of its host");
        if (has_port) port = text.substr(1);
    } else {
        const auto colon = text.find(':');
        has_port = colon != std::string_view::npos;
        into.host = text.substr(0, colon);
        if (has_port) port = text.substr(colon + 1);
        if (port.find(':') != std::string_view::npos) return wrong("its host has colons: an IPv6 address stands in []");
    }
    if (into.host.empty()) return wrong("it has no host");
    if (has_port && (!read_number(port, into.port) || into.port == 0))
        return wrong("its port is no number from 1 to 65535");
    return {};
}

// What stands before the path, which begins with /, are credentials.
result<location> parse_unix(std::string_view text)
{
    constexpr std::string_view option = "?db=";
    if (text.starts_with("//")) text.remove_prefix(2);
    location made;
    const auto at = text.find('@');
    if (at != std::string_view::npos && at < text.find('/')) {
        if (auto read = read_credentials(text.substr(0, at), made); !read) return fail(read.error());
        text.remove_prefix(at + 1);
    }
    const auto question = text.find('?');
    if (question != std::string_view::npos) {
        if (!text.substr(question).starts_with(option)) return wrong("after a ? it may say db=NUMBER and nothing else");
        if (!read_number(text.substr(question + option.size()), made.database))
            return wrong("its database is no number");
    }
    made.path = text.substr(0, question);
    if (!made.path.starts_with('/')) return wrong("the path of its socket does not begin with /");
    if (made.path.size() > path_bytes_max) return wrong("the path of its socket is longer than the system allows");
    return made;
}

} // namespace

result<location> parse_url(std::string_view url)
{
    constexpr std::string_view scheme = "redis://", unix_scheme = "unix:";
    if (url.find('\0') != std::string_view::npos) return wrong("it has a NUL character");
    if (url.starts_with("rediss:")) return wrong("it asks for TLS, which is not supported");
    if (url.starts_with(unix_scheme)) return parse_unix(url.substr(unix_scheme.size()));
    if (!url.starts_with(scheme)) return wrong("it begins neither with redis:// nor with unix:");
    url.remove_prefix(scheme.size());
    if (url.find_first_of("?#") != std::string_view::npos)
        return wrong("it has a ? or a #: in a password they are written %3F and %23, and options there are none");

    location made;
    const auto at = url.find('@');
    if (at != std::string_view::npos) {
        if (url.find('@', at + 1) != std::string_view::npos || url.find('/') < at)
            return wrong("its user or password has an @ or a /: they are written %40 and %2F");
        if (auto read = read_credentials(url.substr(0, at), made); !read) return fail(read.error());
        url.remove_prefix(at + 1);
    }
    const auto slash = url.find('/');
    if (auto read = read_host(url.substr(0, slash), made); !read) return fail(read.error());
    if (slash == std::string_view::npos || slash + 1 == url.size()) return made;
    if (!read_number(url.substr(slash + 1), made.database)) return wrong("its database is no number");
    return made;
}

std::string place_of(const location& l)
{
    if (!l.path.empty()) return l.database == 0 ? l.path : l.path + "?db=" + std::to_string(l.database);
    const bool v6 = l.host.find(':') != std::string::npos;
    return (v6 ? "[" + l.host + "]" : l.host) + ":" + std::to_string(l.port) + "/" + std::to_string(l.database);
}

std::string without_password(const std::string& url)
{
    constexpr std::string_view mask = "********";
    const auto read = parse_url(url);
    if (!read) return std::string(mask);
    if (read->password.empty()) return url;
    // The one before the user is the scheme's.
    const auto at = url.find('@');
    const auto colon = url.find(':', url.find(':') + 1);
    return url.substr(0, colon + 1).append(mask).append(url, at);
}

} // namespace sluice::redis
