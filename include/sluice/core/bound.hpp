// bound: a callback object (operation, timer, ready, inbox_item …) that calls a member function of its owner.
//
//     bound<operation, &session::on_receive> receive_{*this};
//
// Such objects are embedded in who waits and call a plain function with themselves as first argument. This one
// remembers the owner, which must outlive it; the rest is the base's contract. Where the base says by `called_by_loop`
// that a shard's loop calls it, a turn that takes too long knows the function's name.
#pragma once

#include <sluice/core/turn_watch.hpp>

#include <string_view>

#pragma GCC visibility push(default)

namespace sluice {

namespace detail {

// "sluice::http::session::on_receive", as clang and GCC write it.
template <auto Method> [[nodiscard]] consteval std::string_view name_of_method()
{
    std::string_view text = __PRETTY_FUNCTION__;
    text.remove_prefix(text.find("Method = ") + 9);
    if (text.starts_with('&')) text.remove_prefix(1);
    return text.substr(0, text.find_first_of(";]"));
}

} // namespace detail

template <class Base, auto Method> class bound;

template <class Base, class Owner, class... Arguments, void (Owner::*Method)(Arguments...)>
class bound<Base, Method> final : public Base
{
public:
    explicit bound(Owner& owner) noexcept
        : Base([](Base& self, Arguments... arguments) {
              if constexpr (requires { typename Base::called_by_loop; })
                  turn_watch::current().runs(detail::name_of_method<Method>());
              (static_cast<bound&>(self).owner_.*Method)(arguments...);
          }),
          owner_(owner)
    {}

private:
    Owner& owner_;
};

} // namespace sluice

#pragma GCC visibility pop
