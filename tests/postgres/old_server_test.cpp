// A server that is older than what the program needs: one that says so, and no more.
#include "listening_socket.hpp"
#include "postgres/connect.hpp"

#include <sluice/postgres/migration.hpp>

#include <gtest/gtest.h>

#include <sys/socket.h>

#include <array>
#include <string>
#include <string_view>
#include <thread>
#include <unistd.h>

namespace sluice::postgres {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

// Lets one client in without a password, tells its version, and waits until the client goes.
class announcing_server
{
public:
    explicit announcing_server(const std::string& version)
        : url_("postgres://x@127.0.0.1:" + std::to_string(listening_.port()) + "/x?sslmode=disable&gssencmode=disable"),
          serving_([this, version] { serve(version); })
    {}
    ~announcing_server()
    {
        listening_.stop(); // nobody may have come
        serving_.join();
    }
    announcing_server(const announcing_server&) = delete;
    announcing_server& operator=(const announcing_server&) = delete;

    [[nodiscard]] const std::string& url() const noexcept { return url_; }

private:
    void serve(const std::string& version) const
    {
        const int client = listening_.accept();
        std::array<char, 4096> said{};
        const std::string status = "server_version"s + '\0' + version + '\0';
        const std::string welcome = std::string("R\0\0\0\x08\0\0\0\0"sv) + std::string("S\0\0\0"sv) +
                                    static_cast<char>(4 + status.size()) + status + std::string("Z\0\0\0\x05I"sv);
        if (::recv(client, said.data(), said.size(), 0) > 0 &&
            ::send(client, welcome.data(), welcome.size(), MSG_NOSIGNAL) > 0)
            while (::recv(client, said.data(), said.size(), 0) > 0) {
            }
        ::close(client);
    }

    test::listening_socket listening_;
    std::string url_;
    std::thread serving_;
};

TEST(OldServer, is_one_before_the_fifteenth)
{
    for (const int old : {90'624, 149'999, 140'009}) EXPECT_EQ(accept_version(old).error().code, errc::internal) << old;
    for (const int good : {150'000, 150'014, 170'002}) EXPECT_TRUE(accept_version(good)) << good;
}

TEST(OldServer, is_neither_migrated_nor_used)
{
    {
        const announcing_server old("14.9 (Debian 14.9-1)");
        EXPECT_EQ(migrate({.url = old.url()}, {}).error().detail, "PostgreSQL 14 is too old: 15 or later is needed");
    }
    const announcing_server older("9.6.24");
    EXPECT_EQ(inspect({.url = older.url()}, {}, {}).error().detail, "PostgreSQL 9 is too old: 15 or later is needed");
}

} // namespace
} // namespace sluice::postgres
