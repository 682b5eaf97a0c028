// Why a message was refused: the status to answer with and a sentence for the client. All of them stand in
// refusals.hpp.
#pragma once

#include <sluice/http/status.hpp>

#include <string_view>

namespace sluice::http {

struct refusal
{
    http::status status = http::status::bad_request;
    std::string_view detail; // a literal
};

} // namespace sluice::http
