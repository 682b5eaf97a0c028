// JSON in and out of handlers:
//
//     auto input = json_body<new_user>(req);
//     if (!input) return fail(input.error());                    // 415, 400, or 422 with every member that is wrong
//     return json(make(*input), http::status::created);
//
// What T may be: json/fields.hpp. Thread: the request's shard.
#pragma once

#include <sluice/core/error.hpp>
#include <sluice/http/request.hpp>
#include <sluice/http/response.hpp>
#include <sluice/json/read.hpp>
#include <sluice/json/write.hpp>

#include <initializer_list>
#include <string_view>
#include <utility>

#pragma GCC visibility push(default)

namespace sluice {

using media_types = std::initializer_list<std::string_view>;

template <class T> [[nodiscard]] http::response json(const T& value, http::status status = http::status::ok)
{
    pooled_string text;
    write_json(value, text);
    http::response answer(status);
    answer.body(std::move(text), http::application_json);
    return answer;
}

// Is the body of one of these types (in any case, and with no other charset than UTF-8)? Otherwise, and without exactly
// one Content-Type: errc::unsupported_media_type.
[[nodiscard]] result<void> require_media_type(const http::request& asked, media_types accepted);

template <class T>
[[nodiscard]] result<T> json_body(const http::request& asked, media_types accepted = {http::application_json})
{
    if (auto right = require_media_type(asked, accepted); !right) return fail(std::move(right.error()));
    return read_json<T>(asked.body());
}

} // namespace sluice

#pragma GCC visibility pop
