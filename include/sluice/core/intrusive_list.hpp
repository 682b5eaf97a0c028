// A doubly linked list whose links live in its elements: no allocation, removal in constant time from anywhere.
//
// An element derives from list_node<Tag> and is in at most one list of that tag; it must leave before it dies
// (asserted). The list owns nothing. Thread: its owner's.
#pragma once

#include <sluice/core/assert.hpp>

#pragma GCC visibility push(default)

namespace sluice {

template <class Tag> class list_node
{
public:
    list_node() noexcept = default;
    list_node(const list_node&) = delete;
    list_node& operator=(const list_node&) = delete;
    ~list_node() { SLUICE_ASSERT(!linked()); }

    [[nodiscard]] bool linked() const noexcept { return next_ != nullptr; }
    void unlink() noexcept
    {
        if (next_ == nullptr) return;
        next_->previous_ = previous_;
        previous_->next_ = next_;
        next_ = previous_ = nullptr;
    }

private:
    template <class, class> friend class intrusive_list;
    list_node* next_ = nullptr;
    list_node* previous_ = nullptr;
};

template <class T, class Tag> class intrusive_list
{
    using node = list_node<Tag>;

public:
    intrusive_list() noexcept { head_.next_ = head_.previous_ = &head_; }
    intrusive_list(const intrusive_list&) = delete;
    intrusive_list& operator=(const intrusive_list&) = delete;
    ~intrusive_list()
    {
        SLUICE_ASSERT(empty());
        head_.next_ = head_.previous_ = nullptr;
    }

    [[nodiscard]] bool empty() const noexcept { return head_.next_ == &head_; }
    void push_back(T& element) noexcept { insert_before(head_, element); }
    [[nodiscard]] T& front() noexcept { return static_cast<T&>(*head_.next_); }
    T& pop_front() noexcept
    {
        node& first = *head_.next_;
        first.unlink();
        return static_cast<T&>(first);
    }
    // Moves all of `other` to the end of this list.
    void splice_back(intrusive_list& other) noexcept
    {
        if (other.empty()) return;
        node *first = other.head_.next_, *last = other.head_.previous_;
        other.head_.next_ = other.head_.previous_ = &other.head_;
        first->previous_ = head_.previous_;
        head_.previous_->next_ = first;
        last->next_ = &head_;
        head_.previous_ = last;
    }
    // Calls f(element) for each; f may remove the element it is given, and no other.
    template <class F> void for_each(F f)
    {
        for (node* at = head_.next_; at != &head_;) {
            node* next = at->next_;
            f(static_cast<T&>(*at));
            at = next;
        }
    }

private:
    void insert_before(node& place, node& element) noexcept
    {
        SLUICE_ASSERT(!element.linked());
        element.next_ = &place;
        element.previous_ = place.previous_;
        place.previous_->next_ = &element;
        place.previous_ = &element;
    }
    node head_;
};

} // namespace sluice

#pragma GCC visibility pop
