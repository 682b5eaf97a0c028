// Where a Redis is, as `redis.url` says it; nothing is connected to.
//
//     redis://[[user]:password@]host[:port][/database]
//     unix:[[user]:password@]/path/of/socket[?db=database]
//
// In a user or a password, %40 stands for @ and so on. A URL may hold a password, so no message here quotes one.
// Thread: any; values.
#pragma once

#include <sluice/core/error.hpp>

#include <cstdint>
#include <string>
#include <string_view>

#pragma GCC visibility push(default)

namespace sluice::redis {

struct location
{
    std::string host = {}; // a name or an address; empty where there is a path
    std::uint16_t port = 6379;
    std::string path = {}; // of a unix socket
    std::string user = {}; // empty: the default user
    std::string password = {};
    unsigned database = 0;
};

// The error says what is wrong with the URL, for operators.
[[nodiscard]] result<location> parse_url(std::string_view url);

// For people, without user and password: "cache:6379/2".
[[nodiscard]] std::string place_of(const location& l);

// The URL with asterisks for its password; nothing but asterisks where it is no URL.
[[nodiscard]] std::string without_password(const std::string& url);

} // namespace sluice::redis

#pragma GCC visibility pop
