#include "resources/users/user_service.hpp"

#include "resources/users/user_rules.hpp"

#include <utility>
#include <vector>

namespace sluice::users {

namespace {

class violations
{
public:
    void check(std::string_view pointer, std::optional<std::string_view> fault)
    {
        if (fault) found_.push_back({std::string(pointer), std::string(*fault)});
    }
    [[nodiscard]] result<void> outcome() &&
    {
        if (found_.empty()) return {};
        return fail(error{.code = errc::invalid, .detail = "The user is not valid", .violations = std::move(found_)});
    }

private:
    std::vector<violation> found_;
};

result<void> validate(const new_user& input)
{
    violations found;
    found.check("/email", email_fault(input.email));
    found.check("/name", name_fault(input.name));
    return std::move(found).outcome();
}

result<void> validate(const user_patch& patch)
{
    violations found;
    if (patch.email) found.check("/email", email_fault(*patch.email));
    if (patch.name) found.check("/name", name_fault(*patch.name));
    return std::move(found).outcome();
}

// Has the database certainly kept nothing of a write that failed so?
bool wrote_nothing(const error& failure)
{
    switch (failure.code) {
    case errc::malformed:
    case errc::invalid:
    case errc::not_found:
    case errc::conflict:
    case errc::precondition_failed:
    case errc::too_large:
        return true;
    default:
        return false;
    }
}

// Of a write that is known to be done, or may be: its own failure comes first.
template <class T> result<T> acknowledged(result<T> wrote, result<void> seen)
{
    if (wrote && !seen) return fail(std::move(seen).error());
    return wrote;
}

} // namespace

task<result<user>> user_service::create(new_user input)
{
    if (auto valid = validate(input); !valid) co_return fail(std::move(valid).error());
    input.email_key = fold_email(input.email);
    const pooled_string email_key = input.email_key;
    auto made = co_await users_.insert(std::move(input));
    if (cache_ == nullptr || (!made && wrote_nothing(made.error()))) co_return made;
    if (!made) cache_->invalidate_later({}, email_key);
    // That nobody had this e-mail, or this id, may be known somewhere.
    result<void> seen;
    if (made)
        seen = co_await cache_->invalidate(made->id, email_key);
    else
        seen = co_await cache_->invalidate_email(email_key);
    co_return acknowledged(std::move(made), std::move(seen));
}

task<result<std::optional<user>>> user_service::find_by_email(pooled_string email)
{
    if (email_fault(email)) co_return std::optional<user>(); // nobody can have it
    if (cache_ != nullptr) co_return co_await cache_->find_by_email(fold_email(email));
    co_return co_await users_.find_by_email(fold_email(email));
}

task<result<user_page>> user_service::list(std::optional<uuid> after, std::size_t size)
{
    // One more than asked for tells whether another page follows.
    auto found = co_await users_.list(after, size + 1);
    if (!found) co_return fail(std::move(found).error());
    user_page page{.items = std::move(*found), .next = std::nullopt};
    if (page.items.size() > size) {
        page.items.pop_back();
        page.next = page.items.back().id;
    }
    co_return page;
}

task<result<user>> user_service::update(uuid id, user_patch patch, version_condition when)
{
    if (auto valid = validate(patch); !valid) co_return fail(std::move(valid).error());
    if (patch.email) patch.email_key = fold_email(*patch.email);
    // The e-mail that he had needs no word: it leads to a user who has another one now.
    const pooled_string email_key = patch.email_key.value_or(pooled_string());
    auto changed = co_await users_.update(id, std::move(patch), std::move(when));
    if (cache_ == nullptr || (!changed && wrote_nothing(changed.error()))) co_return changed;
    if (!changed) cache_->invalidate_later(id, email_key);
    auto seen = co_await cache_->invalidate(id, email_key);
    co_return acknowledged(std::move(changed), std::move(seen));
}

task<result<void>> user_service::remove(uuid id, version_condition when)
{
    auto removed = co_await users_.remove(id, std::move(when));
    if (cache_ == nullptr || (!removed && wrote_nothing(removed.error()))) co_return removed;
    if (!removed) cache_->invalidate_later(id, {});
    auto seen = co_await cache_->invalidate(id, {});
    co_return acknowledged(std::move(removed), std::move(seen));
}

} // namespace sluice::users
