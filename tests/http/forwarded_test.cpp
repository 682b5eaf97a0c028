// Whose request a proxy passed on, and whose word counts.
#include <sluice/http/forwarded.hpp>

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace sluice::http {
namespace {

trusted_peers trusted()
{
    const std::vector<std::string> networks = {"10.0.0.0/8", "2001:db8:aaaa::/48", "127.0.0.1"};
    return trusted_peers::parse(networks).value();
}

// Nothing: the peer.
std::optional<ip> client(std::vector<std::pair<std::string, std::string>> fields)
{
    headers all;
    for (const auto& [name, value] : fields) all.add(name, value);
    return forwarded_client(all, trusted());
}
std::optional<ip> by_x(std::string value) { return client({{"x-forwarded-for", std::move(value)}}); }
std::optional<ip> by_forwarded(std::string value) { return client({{"FORWARDED", std::move(value)}}); }

const std::optional<ip> nobody;
std::optional<ip> at(std::string_view text) { return parse_ip(text); }

TEST(Ip, reads_addresses_and_nothing_else)
{
    EXPECT_EQ(at("192.0.2.1")->v4_bits(), 0xC0000201u);
    EXPECT_EQ(at("::ffff:192.0.2.1"), at("192.0.2.1"));
    EXPECT_FALSE(at("2001:db8::1")->v4());
    EXPECT_EQ(at("2001:db8:1:2:3::")->prefix(), 0x20010db800010002u);
    for (const char* wrong :
         {"", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", "1..2.3", "1.2.3.", ":", "1.2.3.4:80",
          "2001:db8::g", "::1%eth0", "[::1]", "fe80::1/64", "1.2.3.1234", "unix"})
        EXPECT_EQ(at(wrong), nobody) << wrong;
    EXPECT_EQ(at(std::string(10'000, ':')), nobody);
}

TEST(Ip, reads_networks_and_knows_whom_they_hold)
{
    EXPECT_TRUE(parse_network("10.0.0.0/8")->holds(*at("10.255.0.1")));
    EXPECT_FALSE(parse_network("10.0.0.0/8")->holds(*at("11.0.0.1")));
    EXPECT_TRUE(parse_network("10.1.2.128/25")->holds(*at("10.1.2.200")));
    EXPECT_FALSE(parse_network("10.1.2.128/25")->holds(*at("10.1.2.100")));
    EXPECT_TRUE(parse_network("0.0.0.0/0")->holds(*at("9.9.9.9")));
    EXPECT_FALSE(parse_network("0.0.0.0/0")->holds(*at("2001:db8::1")));
    EXPECT_TRUE(parse_network("2001:db8::/33")->holds(*at("2001:db8:7fff::1")));
    EXPECT_TRUE(parse_network("::/0")->holds(*at("2001:db8::1")));
    for (const char* wrong :
         {"", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/8x", "10.0.0.0/-1", "localhost"})
        EXPECT_FALSE(parse_network(wrong)) << wrong;
}

TEST(TrustedPeers, are_the_named_ones_and_those_on_this_machine)
{
    EXPECT_TRUE(trusted().trusts("10.1.1.1"));
    EXPECT_TRUE(trusted().trusts("unix"));
    EXPECT_FALSE(trusted().trusts("192.0.2.1"));
    EXPECT_FALSE(trusted().trusts("nonsense"));
    EXPECT_TRUE(trusted_peers().trusts("unix"));
    EXPECT_FALSE(trusted_peers().trusts("127.0.0.1"));
    const std::vector<std::string> wrong = {"10.0.0.0/99"};
    EXPECT_FALSE(trusted_peers::parse(wrong));
}

TEST(Forwarded, is_the_right_most_who_is_not_trusted)
{
    EXPECT_EQ(by_x("192.0.2.7"), at("192.0.2.7"));
    EXPECT_EQ(by_x("198.51.100.1, 192.0.2.7, 10.0.0.2"), at("192.0.2.7"));
    EXPECT_EQ(by_x("198.51.100.1,192.0.2.7:4711 ,\t[2001:db8:aaaa::1]:80"), at("192.0.2.7"));
    EXPECT_EQ(by_x("2001:db8:1::1"), at("2001:db8:1::1"));
    EXPECT_EQ(by_x("10.0.0.3, 10.0.0.2"), at("10.0.0.3")) << "all are trusted: the first of them";
    EXPECT_EQ(by_forwarded("for=198.51.100.1, for=192.0.2.7;proto=https;by=10.0.0.1, For=10.0.0.2"), at("192.0.2.7"));
    EXPECT_EQ(by_forwarded(R"(proto=http; FOR="[2001:db8:1::1]:4711")"), at("2001:db8:1::1"));
    EXPECT_EQ(client({}), nobody);
}

TEST(Forwarded, makes_one_list_of_several_fields)
{
    EXPECT_EQ(
        client({{"X-Forwarded-For", "198.51.100.1"}, {"Accept", "*/*"}, {"x-forwarded-for", "192.0.2.7, 10.0.0.2"}}),
        at("192.0.2.7"));
    EXPECT_EQ(client({{"X-Forwarded-For", "192.0.2.7"}, {"X-Forwarded-For", "10.0.0.2"}}), at("192.0.2.7"));
}

TEST(Forwarded, believes_nothing_to_the_left_of_what_it_cannot_read)
{
    EXPECT_EQ(by_x("198.51.100.1, unknown"), nobody);
    EXPECT_EQ(by_x("198.51.100.1, _hidden, 10.0.0.2"), at("10.0.0.2"));
    EXPECT_EQ(by_x("198.51.100.1, 1.2.3.4.5"), nobody);
    EXPECT_EQ(by_x("198.51.100.1, [10.0.0.1"), nobody);
    EXPECT_EQ(by_x("198.51.100.1, [10.0.0.1]"), nobody);
    EXPECT_EQ(by_x(", ,\t,"), nobody);
    EXPECT_EQ(by_x("192.0.2.7, ,"), at("192.0.2.7")) << "an empty element is none";
    EXPECT_EQ(by_forwarded("for=198.51.100.1, by=10.0.0.1"), nobody);
    EXPECT_EQ(by_forwarded("for=198.51.100.1, for="), nobody);
    EXPECT_EQ(by_forwarded(R"(for="198.51.100.1, for=10.0.0.2)"), at("10.0.0.2"));
    EXPECT_EQ(by_forwarded(R"(for=";, , ""for=198.51.100.1, for=192.0.2.7)"), at("192.0.2.7"));
}

TEST(Forwarded, gives_up_a_way_that_is_too_long)
{
    std::string many = "198.51.100.1";
    for (int i = 0; i < 2000; ++i) many += ",10.0.0.2";
    EXPECT_EQ(by_x(many), at("10.0.0.2"));
    EXPECT_EQ(by_x(std::string(16'000, ',')), nobody);
    EXPECT_EQ(by_x(std::string(16'000, '"')), nobody);
}

TEST(Forwarded, believes_neither_field_where_they_differ)
{
    EXPECT_EQ(client({{"Forwarded", "for=198.51.100.1"}, {"X-Forwarded-For", "192.0.2.7"}}), nobody);
    EXPECT_EQ(client({{"Forwarded", "for=192.0.2.7"}, {"X-Forwarded-For", "192.0.2.7, 10.0.0.2"}}), at("192.0.2.7"));
}

} // namespace
} // namespace sluice::http
