// The names of commands, as their spans have them.
#include "redis/command_name.hpp"

#include <sluice/redis/command_line.hpp>

#include <gtest/gtest.h>

namespace sluice::redis {
namespace {

std::string_view name_of(std::string_view bytes) { return name_of_command(place_of_command(bytes)); }

TEST(CommandName, is_the_first_word)
{
    EXPECT_EQ(name_of(command_line::of("GET", "key").bytes()), "GET");
    EXPECT_EQ(name_of(command_line::of("PING").bytes()), "PING");
    EXPECT_EQ(name_of(command_line::of("SCRIPT", "LOAD", "return 1").bytes()), "SCRIPT");
    EXPECT_EQ(name_of(command_line::of("APPEND", "SET", "GET").bytes()), "APPEND");
    EXPECT_EQ(name_of(command_line::of("ZUNIONSTORE", "to", 1, "from").bytes()), "ZUNIONSTORE");
}

TEST(CommandName, is_none_of_the_commands_bytes)
{
    const auto line = command_line::of("GET", "key");
    const std::string_view name = name_of(line.bytes());
    EXPECT_FALSE(name.data() >= line.bytes().data() && name.data() < line.bytes().data() + line.bytes().size());
}

TEST(CommandName, is_left_out_where_it_is_not_known)
{
    for (const std::string_view unknown : {"", "GE", "GETS", "get", "A", "ZZ", "GET SET", " "})
        EXPECT_EQ(name_of(command_line::of(unknown, "key").bytes()), "") << unknown;
    for (const std::string_view bytes : {"", "*1", "*1\r\n$3", "*1\r\n$3\r\n"}) EXPECT_EQ(name_of(bytes), "");
}

} // namespace
} // namespace sluice::redis
