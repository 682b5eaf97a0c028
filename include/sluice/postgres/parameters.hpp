// The parameters of one statement in binary form, as libpq takes them: one block of the thread's pool, whatever their
// number.
//
//     auto p = parameters::of(id, member("/name", name), std::optional<std::int32_t>());
//
// Everything is copied: what the values came from may end. A value that comes from a client is given as a member with
// its JSON pointer, so that an error which is about this value can name it. Movable; of one thread, as its memory is.
#pragma once

#include <sluice/core/error.hpp>
#include <sluice/core/pool.hpp>
#include <sluice/postgres/encode.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#pragma GCC visibility push(default)

namespace sluice::postgres {

// A value and where the client wrote it. A temporary of the call that it is an argument of.
template <class T> struct member_value
{
    const char* pointer; // a literal
    const T& value;
};
template <class T> [[nodiscard]] member_value<T> member(const char* pointer, const T& value) noexcept
{
    return {pointer, value};
}

inline constexpr std::size_t parameters_max = 64;

namespace detail {

template <class T> struct parameter
{
    using value_type = typename nullable<T>::type;
    static constexpr const value_type* value(const T& from) noexcept { return nullable<T>::value(from); }
    static constexpr const char* pointer(const T&) noexcept { return nullptr; }
};
template <class T> struct parameter<member_value<T>>
{
    using value_type = typename nullable<T>::type;
    static constexpr const value_type* value(const member_value<T>& from) noexcept
    {
        return nullable<T>::value(from.value);
    }
    static constexpr const char* pointer(const member_value<T>& from) noexcept { return from.pointer; }
};
// A null of whatever type the statement wants.
struct null_value
{};
template <> struct parameter<std::nullopt_t>
{
    using value_type = null_value;
    static constexpr const null_value* value(std::nullopt_t) noexcept { return nullptr; }
    static constexpr const char* pointer(std::nullopt_t) noexcept { return nullptr; }
};

template <class T> consteval unsigned parameter_type()
{
    if constexpr (std::same_as<T, null_value>)
        return static_cast<unsigned>(type_id::unspecified);
    else
        return static_cast<unsigned>(encoding<T>::type);
}
template <class... T> inline constexpr std::array<unsigned, sizeof...(T)> parameter_types = {parameter_type<T>()...};

} // namespace detail

class parameters
{
public:
    parameters() noexcept = default;
    template <class... T> [[nodiscard]] static parameters of(const T&... values)
    {
        static_assert(sizeof...(T) <= parameters_max);
        parameters made;
        if constexpr (sizeof...(T) != 0) {
            made.types_ = detail::parameter_types<typename detail::parameter<T>::value_type...>.data();
            made.allocate(sizeof...(T), (0 + ... + size_of<detail::parameter<T>>(values)));
            char* at = made.bytes();
            std::size_t index = 0;
            ((at = made.put<detail::parameter<T>>(index++, at, values)), ...);
        }
        return made;
    }
    parameters(parameters&& other) noexcept
        : block_(std::exchange(other.block_, nullptr)), block_bytes_(other.block_bytes_), types_(other.types_),
          count_(std::exchange(other.count_, 0)), refused_(std::exchange(other.refused_, -1))
    {}
    parameters& operator=(parameters&& other) noexcept
    {
        parameters moved(std::move(other));
        std::swap(block_, moved.block_);
        std::swap(block_bytes_, moved.block_bytes_);
        std::swap(types_, moved.types_);
        std::swap(count_, moved.count_);
        std::swap(refused_, moved.refused_);
        return *this;
    }
    ~parameters()
    {
        if (block_ != nullptr) pool_deallocate(block_, block_bytes_);
    }

    [[nodiscard]] int count() const noexcept { return count_; }
    [[nodiscard]] const unsigned* types() const noexcept { return types_; }
    [[nodiscard]] const char* const* values() const noexcept { return values_(); }
    [[nodiscard]] const int* lengths() const noexcept { return lengths_(); }
    [[nodiscard]] const int* formats() const noexcept; // all binary

    // What PostgreSQL would refuse, known before it is sent: such parameters must not be.
    [[nodiscard]] std::optional<error> refusal() const;
    // Which parameter the database may mean, counted from 0; -1: unknown. By the column that its member is named as, or
    // because one member alone has a value, of these types where there are any.
    [[nodiscard]] int of_column(std::string_view column) const noexcept;
    [[nodiscard]] int only_one(std::span<const type_id> of) const noexcept;
    // An errc::invalid about the parameter of that index, counted from 0; it names the member if it is one.
    [[nodiscard]] error invalid(int index, std::string detail) const;

private:
    // The block: `count` pointers to values, `count` pointers of members, `count` lengths, the values' bytes.
    [[nodiscard]] const char** values_() const noexcept { return static_cast<const char**>(block_); }
    [[nodiscard]] const char** members_() const noexcept { return values_() + count_; }
    [[nodiscard]] int* lengths_() const noexcept { return static_cast<int*>(static_cast<void*>(members_() + count_)); }
    [[nodiscard]] char* bytes() const noexcept { return static_cast<char*>(static_cast<void*>(lengths_() + count_)); }
    void allocate(std::size_t count, std::size_t value_bytes)
    {
        block_bytes_ = count * (2 * sizeof(const char*) + sizeof(int)) + value_bytes;
        block_ = pool_allocate(block_bytes_);
        count_ = static_cast<int>(count);
    }

    template <class Parameter, class T> [[nodiscard]] static std::size_t size_of(const T& from) noexcept
    {
        const auto* value = Parameter::value(from);
        if constexpr (std::same_as<typename Parameter::value_type, detail::null_value>)
            return 0;
        else
            return value == nullptr ? 0 : encoding<typename Parameter::value_type>::size(*value);
    }
    template <class Parameter, class T> [[nodiscard]] char* put(std::size_t index, char* at, const T& from) noexcept
    {
        const auto* value = Parameter::value(from);
        members_()[index] = Parameter::pointer(from);
        values_()[index] = nullptr;
        lengths_()[index] = 0;
        if constexpr (!std::same_as<typename Parameter::value_type, detail::null_value>) {
            using how = encoding<typename Parameter::value_type>;
            if (value == nullptr) return at;
            const std::size_t size = how::size(*value);
            if (size > value_bytes_max || !how::acceptable(*value)) {
                if (refused_ < 0) refused_ = static_cast<int>(index);
                return at;
            }
            how::write(at, *value);
            values_()[index] = at;
            lengths_()[index] = static_cast<int>(size);
            return at + size;
        }
        return at;
    }

    void* block_ = nullptr;
    std::size_t block_bytes_ = 0;
    const unsigned* types_ = nullptr;
    int count_ = 0;
    int refused_ = -1; // the first that must not be sent
};

} // namespace sluice::postgres

#pragma GCC visibility pop
