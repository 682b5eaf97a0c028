// The head of a request through llhttp: bytes in, and the request's target and fields as views of those bytes.
//
// llhttp reads heads only. It refuses a second chunk extension and does not bound the first (8.1), so bodies are framed
// by the connection and the chunk decoder. What it lets through in heads is refused by check_head(), which sees them
// whole.
//
// The bytes of one head may come in several calls, if each call's bytes follow the last one's in memory; where the head
// is moved between calls, the request's views must be moved as well. Owned by the connection.
#pragma once

#include <sluice/http/request.hpp>

#include <llhttp.h>

#include <cstddef>

namespace sluice::http {

class head_parser
{
public:
    enum class outcome : std::uint8_t
    {
        incomplete,
        complete, // stopped_at() is the first byte behind the head
        failed,   // stopped_at() is the offending byte
    };

    head_parser(request& into, std::size_t fields_max) noexcept : request_(into), fields_max_(fields_max) {}
    head_parser(const head_parser&) = delete;
    head_parser& operator=(const head_parser&) = delete;

    // Before each head: forgets the last one, and what the request has of it.
    void start() noexcept;
    [[nodiscard]] outcome parse(const char* from, std::size_t bytes);

    [[nodiscard]] const char* stopped_at() const noexcept { return parser_.error_pos; }
    [[nodiscard]] llhttp_errno_t failure() const noexcept { return static_cast<llhttp_errno_t>(parser_.error); }
    [[nodiscard]] llhttp_method_t method() const noexcept { return static_cast<llhttp_method_t>(parser_.method); }
    [[nodiscard]] bool too_many_fields() const noexcept { return too_many_fields_; }

private:
    static head_parser& self(llhttp_t* parser) noexcept { return *static_cast<head_parser*>(parser->data); }
    static int on_target(llhttp_t* parser, const char* at, std::size_t bytes);
    static int on_name(llhttp_t* parser, const char* at, std::size_t bytes);
    static int on_value(llhttp_t* parser, const char* at, std::size_t bytes);
    static int on_head_complete(llhttp_t* parser);
    static const llhttp_settings_t settings;

    llhttp_t parser_;
    request& request_;
    std::size_t fields_max_;
    bool value_begun_ = true; // of the last field: what comes next is a new name
    bool too_many_fields_ = false;
};

} // namespace sluice::http
