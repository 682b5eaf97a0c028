#include "resources/users/user_repository.hpp"

namespace sluice::users {

error user_not_found(const uuid& id)
{
    return {.code = errc::not_found, .detail = "User " + id.to_string() + " not found"};
}

error user_changed(const uuid& id)
{
    return {.code = errc::precondition_failed, .detail = "User " + id.to_string() + " has another version"};
}

error email_taken() { return {.code = errc::conflict, .detail = "Email already registered"}; }

} // namespace sluice::users
