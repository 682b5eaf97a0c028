// How a value becomes the bytes that the cache's tiers hold, and is made of them again.
//
// By default a value is its declared fields (json/fields.hpp), one behind the other, or its text; a type that has more
// to it, or none declared, says so itself:
//
//     template <> struct sluice::cache_codec<user>
//     {
//         static void write(const user& value, pooled_string& out) { … }
//         static bool read(std::string_view bytes, user& value) { … } // false: these are not a user's
//     };
//
// Processes of different versions may share a Redis, so the name of a kind of key changes with what is written. Bytes
// that cannot be read are no error: the value is loaded again.
#pragma once

#include <sluice/core/clock.hpp>
#include <sluice/core/pool.hpp>
#include <sluice/core/uuid.hpp>
#include <sluice/json/fields.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>

#pragma GCC visibility push(default)

namespace sluice {

template <class T> struct cache_codec;

namespace cache {

// Numbers and other plain values as they lie in memory, texts behind their size.
template <class T> void put(const T& value, pooled_string& out)
{
    if constexpr (std::is_convertible_v<const T&, std::string_view>) {
        const std::string_view text = value;
        put(static_cast<std::uint32_t>(text.size()), out);
        out += text;
    } else {
        static_assert(std::is_trivially_copyable_v<T>, "such a member needs a cache_codec of its own");
        out.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
}

// Takes what put() wrote off the front; false if it cannot be there.
template <class T> [[nodiscard]] bool take(std::string_view& bytes, T& value)
{
    if constexpr (std::is_convertible_v<const T&, std::string_view>) {
        std::uint32_t size = 0;
        if (!take(bytes, size) || bytes.size() < size) return false;
        value = T(bytes.data(), size); // a value that is read is new: nothing of its own to write over
        bytes.remove_prefix(size);
    } else {
        static_assert(std::is_trivially_copyable_v<T>, "such a member needs a cache_codec of its own");
        if (bytes.size() < sizeof value) return false;
        std::memcpy(static_cast<void*>(&value), bytes.data(), sizeof value);
        bytes.remove_prefix(sizeof value);
    }
    return true;
}

template <has_fields T> void put_fields(const T& value, pooled_string& out)
{
    std::apply([&](const auto&... each) { (put(value.*each.member, out), ...); }, fields<T>::list);
}
template <has_fields T> [[nodiscard]] bool take_fields(std::string_view& bytes, T& value)
{
    return std::apply([&](const auto&... each) { return (take(bytes, value.*each.member) && ...); }, fields<T>::list);
}

} // namespace cache

template <class T>
    requires has_fields<T> || std::is_trivially_copyable_v<T> || std::is_convertible_v<const T&, std::string_view>
struct cache_codec<T>
{
    static constexpr bool is_text = std::is_convertible_v<const T&, std::string_view>;

    static void write(const T& value, pooled_string& out)
    {
        if constexpr (is_text)
            out += std::string_view(value);
        else if constexpr (has_fields<T>)
            cache::put_fields(value, out);
        else
            cache::put(value, out);
    }
    [[nodiscard]] static bool read(std::string_view bytes, T& value)
    {
        if constexpr (is_text) {
            value.assign(bytes.data(), bytes.size());
            return true;
        } else if constexpr (has_fields<T>) {
            return cache::take_fields(bytes, value) && bytes.empty();
        } else {
            return cache::take(bytes, value) && bytes.empty();
        }
    }
};

} // namespace sluice

#pragma GCC visibility pop
