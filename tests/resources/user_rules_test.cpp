#include "resources/users/user_rules.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::users {
namespace {

std::string times(std::size_t n, std::string_view text)
{
    std::string repeated;
    for (std::size_t i = 0; i < n; ++i) repeated += text;
    return repeated;
}

TEST(UserRules, accept_what_html_accepts_as_an_email)
{
    for (const char* good : {"ada@example.com", "a@b", "A.B+c!#$%&'*/=?^_`{|}~-@x-y.z0", "..@a.b", "1@1.1"})
        EXPECT_EQ(email_fault(good), std::nullopt) << good;
}

TEST(UserRules, refuse_what_html_refuses_as_an_email)
{
    for (const char* bad : {"ada",
                            "@example.com",
                            "ada@",
                            "ada@example.com.",
                            "ada@.com",
                            "ada@a..b",
                            "ada@-a.com",
                            "ada@a-.com",
                            "a b@example.com",
                            "ada@exa_mple.com",
                            "ada@@example.com",
                            "ada@b@c",
                            "\"ada\"@example.com",
                            "ada@[127.0.0.1]",
                            "ad\xC3\xA4@example.com",
                            "ada@ex\xC3\xA4mple.com",
                            " ada@example.com",
                            "ada@example.com\n",
                            "a,b@example.com",
                            "(a)@example.com"})
        EXPECT_EQ(email_fault(bad), "must be an e-mail address") << bad;
    EXPECT_EQ(email_fault(""), "must not be empty");
    EXPECT_NE(email_fault(std::string_view("a\0@b.c", 6)), std::nullopt);
}

TEST(UserRules, bound_an_email_and_the_labels_of_its_domain)
{
    const std::string tail = "@" + times(3, std::string(61, 'b') + ".") + "c"; // 188 bytes
    EXPECT_EQ(email_fault(std::string(254 - tail.size(), 'a') + tail), std::nullopt);
    EXPECT_EQ(email_fault(std::string(255 - tail.size(), 'a') + tail), "must be at most 254 bytes long");
    EXPECT_EQ(email_fault("a@" + std::string(63, 'b')), std::nullopt);
    EXPECT_NE(email_fault("a@" + std::string(64, 'b')), std::nullopt);
}

TEST(UserRules, count_a_name_in_code_points)
{
    EXPECT_EQ(name_fault(times(200, "\xF0\x9F\x8E\x89")), std::nullopt);
    EXPECT_EQ(name_fault(times(201, "\xF0\x9F\x8E\x89")), "must be at most 200 characters long");
    EXPECT_EQ(name_fault(times(201, "a")), "must be at most 200 characters long");
    EXPECT_EQ(name_fault("a"), std::nullopt);
    EXPECT_EQ(name_fault(""), "must not be empty");
}

TEST(UserRules, refuse_control_characters_in_a_name)
{
    for (std::string_view bad : {std::string_view("a\0b", 3), std::string_view("\n"), std::string_view("\x1f"),
                                 std::string_view("\x7f"), std::string_view("\xC2\x80"), std::string_view("\xC2\x9F")})
        EXPECT_EQ(name_fault(bad), "must not contain control characters");
    EXPECT_EQ(name_fault("\xC2\xA0"), std::nullopt); // a no-break space is none
}

TEST(UserRules, refuse_a_name_that_is_not_utf8)
{
    // Alone, overlong, surrogate, too high, cut off.
    for (const char* bad :
         {"\x80", "\xC0\xAF", "\xC1\xBF", "\xE0\x80\xAF", "\xF0\x80\x80\xAF", "\xED\xA0\x80", "\xED\xBF\xBF",
          "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xE2\x82", "\xF0\x9F\x8E", "a\xE2\x28\xA1"})
        EXPECT_EQ(name_fault(bad), "must be valid UTF-8");
    EXPECT_EQ(name_fault("\xEE\x80\x80\xEF\xBF\xBF\xF4\x8F\xBF\xBF\xED\x9F\xBF"), std::nullopt);
}

TEST(UserRules, fold_ascii_letters_and_nothing_else)
{
    EXPECT_EQ(fold_email("AdA@Ex-Ample.COM"), "ada@ex-ample.com");
    EXPECT_EQ(fold_email("[@`{"), "[@`{");
}

} // namespace
} // namespace sluice::users
