// bound: a callback object (operation, timer, ready, inbox_item …) that calls a member function of its owner.
//
//     bound<operation, &session::on_receive> receive_{*this};
//
// Such objects are embedded in who waits and call a plain function with themselves as first argument. This one
// remembers the owner, which must outlive it; the rest is the base's contract.
#pragma once

#pragma GCC visibility push(default)

namespace sluice {

template <class Base, auto Method> class bound;

template <class Base, class Owner, class... Arguments, void (Owner::*Method)(Arguments...)>
class bound<Base, Method> final : public Base
{
public:
    explicit bound(Owner& owner) noexcept
        : Base([](Base& self, Arguments... arguments) { (static_cast<bound&>(self).owner_.*Method)(arguments...); }),
          owner_(owner)
    {}

private:
    Owner& owner_;
};

} // namespace sluice

#pragma GCC visibility pop
