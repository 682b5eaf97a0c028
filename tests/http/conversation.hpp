// A connection whose input can be taken away: what the tests of the machine's conversation share.
#pragma once

#include "http/connection.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>

namespace sluice::http::testing {

inline constexpr std::string_view get = "GET /a?b=c HTTP/1.1\r\nHost: h\r\n\r\n";
inline constexpr std::string_view head_of_post = "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\n";

class conversation : public ::testing::Test
{
protected:
    // Feeds bytes in memory of their own, which dies with the next feed or with forget().
    void feed(std::string_view bytes)
    {
        fed_ = std::make_unique<std::string>(bytes);
        machine.feed(*fed_);
    }
    void forget()
    {
        std::ranges::fill(*fed_, '!');
        fed_.reset();
    }
    void answer(status with = status::ok)
    {
        out.clear();
        machine.respond(response(with), shared, out);
    }

    limits bounds;
    connection machine{bounds};
    response_context shared;
    buffer out;

private:
    std::unique_ptr<std::string> fed_;
};

} // namespace sluice::http::testing
