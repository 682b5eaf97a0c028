// Drives a connection as a session would, without a socket, and writes down what came of it in one line a message:
//
//     POST /a?b=c host=h x-name=[value] body=[…] close
//     400 Host is missing
//
// The same bytes must give the same transcript however they are cut, and whatever is kept when. Each piece is fed in
// memory of exactly its size, which is gone as soon as the machine may no longer look at it.
#pragma once

#include "http/connection.hpp"

#include <sluice/http/request_parts.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::http::testing {

struct drive_options
{
    body_mode mode = body_mode::buffered;
    bool keep_early = false; // keep() at every event, not only where the machine does it by itself
};

class driver
{
public:
    // `check` is called for every request that is accepted.
    driver(const limits& bounds, drive_options options, void (*check)(driver&) = nullptr)
        : bounds_(bounds), options_(options), check_(check), machine_(bounds)
    {}

    void feed(std::string_view piece)
    {
        if (machine_.must_close()) return;
        auto bytes = std::make_unique<char[]>(piece.size());
        std::ranges::copy(piece, bytes.get());
        fed_ = std::move(bytes);
        machine_.feed({fed_.get(), piece.size()});
        run();
    }
    void end()
    {
        machine_.end_of_input();
        if (!machine_.must_close()) run();
    }
    [[nodiscard]] connection& machine() noexcept { return machine_; }
    [[nodiscard]] const std::string& transcript() const noexcept { return transcript_; }

private:
    void run()
    {
        for (;;) {
            const event happened = machine_.next();
            if (options_.keep_early) {
                machine_.keep();
                fed_.reset();
            }
            switch (happened) {
            case event::need_input:
                fed_.reset();
                return;
            case event::head:
                machine_.accept_body(options_.mode, bounds_.body_bytes);
                break;
            case event::body:
                streamed_ += machine_.chunk();
                break;
            case event::request:
                tell(machine_.current().body());
                break;
            case event::body_end:
                tell(std::exchange(streamed_, {}));
                break;
            case event::refused:
                transcript_ += std::to_string(static_cast<int>(machine_.refused().status)) + " ";
                transcript_ += machine_.refused().detail;
                transcript_ += "\n";
                answer(response(machine_.refused().status));
                break;
            }
            if (machine_.must_close()) return;
        }
    }
    void tell(std::string_view body)
    {
        if (check_ != nullptr) check_(*this);
        const request& r = machine_.current();
        transcript_ += name(r.method());
        transcript_ += " ";
        transcript_ += r.path();
        if (!r.query().empty()) transcript_ += "?" + std::string(r.query());
        if (r.version_minor() == 0) transcript_ += " 1.0";
        if (r.host().data() != nullptr) transcript_ += " host=" + std::string(r.host());
        for (const header& field : r.headers().all()) {
            if (field.name.starts_with("x-"))
                transcript_ += " " + std::string(field.name) + "=[" + std::string(field.value) + "]";
        }
        if (!body.empty()) transcript_ += " body=[" + std::string(body) + "]";
        answer(response(status::ok));
        transcript_ += machine_.must_close() ? " close\n" : "\n";
    }
    void answer(const response& with)
    {
        machine_.respond(with, {}, out_);
        out_.clear();
    }

    const limits& bounds_;
    drive_options options_;
    void (*check_)(driver&);
    connection machine_;
    std::unique_ptr<char[]> fed_;
    buffer out_;
    std::string streamed_;
    std::string transcript_;
};

[[nodiscard]] inline std::string drive(const limits& bounds, const std::vector<std::string_view>& pieces,
                                       drive_options options)
{
    driver d(bounds, options);
    for (const std::string_view piece : pieces) d.feed(piece);
    d.end();
    return d.transcript();
}

} // namespace sluice::http::testing
