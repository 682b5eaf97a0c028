#include "shard/name_lookup.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstring>
#include <memory>
#include <netdb.h>

namespace sluice {

namespace {

constexpr std::size_t addresses_max = 8; // of one name

socket_address made_of(const void* native, std::size_t size)
{
    socket_address made;
    std::memcpy(&made.bytes, native, size);
    made.size = static_cast<socklen_t>(size);
    return made;
}

std::vector<socket_address> in_digits(const std::string& host, std::uint16_t port)
{
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    if (inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) return {made_of(&v4, sizeof v4)};
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    if (inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) return {made_of(&v6, sizeof v6)};
    return {};
}

// Blocks.
result<std::vector<socket_address>> look_up(const std::string& host, const std::string& port)
{
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    wanted.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
    addrinfo* first = nullptr;
    const int failure = getaddrinfo(host.c_str(), port.c_str(), &wanted, &first);
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> all(first, &freeaddrinfo);
    if (failure != 0) return fail(errc::unavailable, "its name is not found: " + std::string(gai_strerror(failure)));
    std::vector<socket_address> found;
    for (const addrinfo* one = first; one != nullptr && found.size() < addresses_max; one = one->ai_next)
        if (one->ai_addrlen <= sizeof(socket_address::bytes)) found.push_back(made_of(one->ai_addr, one->ai_addrlen));
    if (found.empty()) return fail(errc::unavailable, "its name has no address");
    return found;
}

} // namespace

task<result<std::vector<socket_address>>> addresses_of(const std::string& host, std::uint16_t port,
                                                       offload_pool& blocking)
{
    if (auto known = in_digits(host, port); !known.empty()) co_return known;
    auto blocks = [host, service = std::to_string(port)] { return look_up(host, service); };
    co_return co_await offload(blocking, std::move(blocks));
}

result<socket_address> unix_address(const std::string& path)
{
    sockaddr_un native{};
    if (path.size() >= sizeof native.sun_path) return fail(errc::invalid, "the path of its socket is too long");
    native.sun_family = AF_UNIX;
    path.copy(native.sun_path, sizeof native.sun_path - 1);
    return made_of(&native, sizeof native);
}

} // namespace sluice
