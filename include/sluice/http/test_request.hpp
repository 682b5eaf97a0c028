// A request that a test can build without a socket. It owns its bytes and its context, and is read by reference:
//
//     http::test_request request(http::method::get, "/users/1?verbose=true");
//     request.header("If-None-Match", "\"1\"").path_parameter("id", "1");
//     auto answer = handler(request.get());
//
// The target is not checked as a connection would. The addresses of what it owns do not change, so it does not move.
#pragma once

#include <sluice/core/context.hpp>
#include <sluice/http/request.hpp>
#include <sluice/http/request_parts.hpp>

#include <deque>
#include <string>
#include <string_view>

#pragma GCC visibility push(default)

namespace sluice::http {

class test_request
{
public:
    explicit test_request(http::method m = method::get, std::string_view target = "/", std::string_view body = {})
    {
        request::parts::method(request_) = m;
        const std::string_view whole = request::parts::target(request_) = own(target);
        const std::size_t question = whole.find('?');
        request::parts::path(request_) = whole.substr(0, question);
        if (question != std::string_view::npos) request::parts::query(request_) = whole.substr(question + 1);
        request::parts::host(request_) = "localhost";
        request::parts::client(request_) = "127.0.0.1";
        request::parts::context(request_) = &context_;
        this->body(body);
    }
    test_request(const test_request&) = delete;
    test_request& operator=(const test_request&) = delete;

    test_request& header(std::string_view name, std::string_view value)
    {
        request::parts::headers(request_).add(own(name), own(value));
        return *this;
    }
    test_request& body(std::string_view bytes)
    {
        request::parts::body(request_) = own(bytes);
        return *this;
    }
    test_request& path_parameter(std::string_view name, std::string_view value)
    {
        request::parts::add_path_parameter(request_, own(name), own(value));
        return *this;
    }
    test_request& client(std::string_view address)
    {
        request::parts::client(request_) = own(address);
        return *this;
    }
    test_request& version_1_0() noexcept
    {
        request::parts::version_minor(request_) = 0;
        return *this;
    }
    // `body` must outlive the test's use of the request.
    test_request& stream(body_reader& body) noexcept
    {
        request::parts::stream(request_) = &body;
        return *this;
    }

    [[nodiscard]] request& get() noexcept { return request_; }
    [[nodiscard]] sluice::context& context() noexcept { return context_; }

private:
    std::string_view own(std::string_view text) { return owned_.emplace_back(text); }

    std::deque<std::string> owned_;
    sluice::context context_{.trace = trace_context::start()};
    request request_;
};

} // namespace sluice::http

#pragma GCC visibility pop
