#include "http/head_parser.hpp"

#include <sluice/http/request_parts.hpp>

namespace sluice::http {

// Every callback that is not set saves a call for each part of a head.
const llhttp_settings_t head_parser::settings = [] {
    llhttp_settings_t set{};
    set.on_url = on_target;
    set.on_header_field = on_name;
    set.on_header_value = on_value;
    set.on_headers_complete = on_head_complete;
    return set;
}();

void head_parser::start() noexcept
{
    llhttp_init(&parser_, HTTP_REQUEST, &settings);
    parser_.data = this;
    request::parts::method(request_) = method::get;
    request::parts::version_minor(request_) = 1;
    request::parts::target(request_) = {};
    request::parts::path(request_) = {};
    request::parts::query(request_) = {};
    request::parts::host(request_) = {};
    request::parts::headers(request_).clear();
    value_begun_ = true;
    too_many_fields_ = false;
}

head_parser::outcome head_parser::parse(const char* from, std::size_t bytes)
{
    const llhttp_errno_t result = llhttp_execute(&parser_, from, bytes);
    if (result == HPE_PAUSED) return outcome::complete;
    return result == HPE_OK ? outcome::incomplete : outcome::failed;
}

int head_parser::on_target(llhttp_t* parser, const char* at, std::size_t bytes)
{
    std::string_view& target = request::parts::target(self(parser).request_);
    target = {target.data() == nullptr ? at : target.data(), target.size() + bytes};
    return 0;
}

int head_parser::on_name(llhttp_t* parser, const char* at, std::size_t bytes)
{
    head_parser& me = self(parser);
    http::headers& fields = request::parts::headers(me.request_);
    if (me.value_begun_) {
        me.value_begun_ = false;
        me.too_many_fields_ |= fields.size() == me.fields_max_;
        if (!me.too_many_fields_) fields.add({at, bytes}, {});
    } else if (!me.too_many_fields_) {
        std::string_view& name = fields.last().name;
        name = {name.data(), name.size() + bytes};
    }
    return 0;
}

int head_parser::on_value(llhttp_t* parser, const char* at, std::size_t bytes)
{
    head_parser& me = self(parser);
    if (me.too_many_fields_) {
        me.value_begun_ = true;
        return 0;
    }
    std::string_view& value = request::parts::headers(me.request_).last().value;
    // A value that does not go on where it stopped was folded; check_head() sees that from what it has so far.
    if (!me.value_begun_)
        value = {at, bytes};
    else if (value.data() + value.size() == at)
        value = {value.data(), value.size() + bytes};
    me.value_begun_ = true;
    return 0;
}

int head_parser::on_head_complete(llhttp_t*) { return HPE_PAUSED; }

} // namespace sluice::http
