// two_tier_cache<Key, Value>: values of one kind, found in the shard's memory, in Redis, or by a loader.
//
//     two_tier_cache<uuid, user> by_id(part, "users:id", [&](uuid id) { return repository.find_if_any(id); });
//     auto found = co_await by_id.find(id); // result<std::optional<user>>: absence is an answer, too
//
// After a write was committed, or when nobody knows whether it was, its keys are invalidated; never is the new value
// put here, since that would race with other writers:
//
//     invalidations written(part);
//     by_id.invalidate(id, written);
//     auto known = co_await written.confirmed();
//
// A find that hits the first tier costs no coroutine and no allocation. Of finds for one key at the same time one loads
// in the whole process, and the others wait for it, each until its own deadline.
//
// Owned by a shard, one of each kind on every shard, in the same order. The loader runs on the key's home shard.
#pragma once

#include <sluice/cache/cache_codec.hpp>
#include <sluice/cache/shard_cache.hpp>
#include <sluice/core/assert.hpp>
#include <sluice/core/hash.hpp>
#include <sluice/core/span.hpp>
#include <sluice/core/stage_timer.hpp>
#include <sluice/coro/eventual.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#pragma GCC visibility push(default)

namespace sluice {

template <class Key, class Value> class two_tier_cache
{
public:
    using found = std::optional<Value>; // nothing: it is known that there is none
    using load_function = std::function<task<result<found>>(Key)>;

    // `kind` begins the key's name in both tiers; it changes with the form of the values.
    two_tier_cache(cache::shard_cache& part, std::string_view kind, load_function load)
        : part_(part), name_(std::string(kind) + ':'), load_(std::move(load)),
          kind_(part.add_kind([this](std::string_view key) { return load_bytes(key); }, &is_value))
    {
        SLUICE_ASSERT(name_.size() <= kind_bytes_max);
    }
    two_tier_cache(const two_tier_cache&) = delete;
    two_tier_cache& operator=(const two_tier_cache&) = delete;

    [[nodiscard]] eventual<result<found>> find(const Key& key)
    {
        if (auto known = here(key)) return result<found>(*std::move(known));
        return load(key);
    }
    // Only what the first tier has; nothing: it has to be loaded.
    [[nodiscard]] std::optional<found> here(const Key& key)
    {
        if (!fits(key)) return std::nullopt;
        const key_name name(*this, key);
        const auto hit = part_.look(name.hash(), name.view());
        if (!hit) return std::nullopt;
        std::optional<found> known(std::in_place);
        if (!hit->absent && !cache_codec<Value>::read(hit->value, known->emplace())) return std::nullopt;
        if (hit->expired) part_.renew(kind_, name.hash(), name.view());
        part_.served(cache::tier::first);
        return known;
    }
    // From wherever it is, which is not the first tier.
    [[nodiscard]] task<result<found>> load(Key key)
    {
        if (!fits(key)) co_return co_await load_(std::move(key));
        const stage_timer waiting(stage::cache);
        span looking("cache");
        loading one;
        if (begin(one, key)) {
            const wait_end how = co_await one.finished.until();
            one.unlink();
            if (!one.outcome) one.take(expired_or(fail(how).error(), key));
        } else {
            one.take(expired_or({.code = errc::unavailable, .detail = "Too many values are being loaded"}, key));
        }
        if (one.from == cache::tier::none) co_return *std::move(one.outcome);
        part_.served(one.from);
        looking.attribute("sluice.cache.tier", name(one.from));
        one.charge(context::current());
        co_return *std::move(one.outcome);
    }

    void invalidate(const Key& key, cache::invalidations& with) const
    {
        if (!fits(key)) return;
        const key_name name(*this, key);
        with.add(name.hash(), name.view());
    }

private:
    static constexpr std::size_t kind_bytes_max = 64;
    static constexpr std::size_t key_bytes_max = 512;
    static constexpr bool is_text = std::is_convertible_v<const Key&, std::string_view>;

    // A longer text is loaded each time it is asked for.
    static bool fits(const Key& key) noexcept
    {
        if constexpr (is_text) return std::string_view(key).size() <= key_bytes_max;
        return sizeof key <= key_bytes_max;
    }

    // The name of a key, on the stack.
    class key_name
    {
    public:
        key_name(const two_tier_cache& of, const Key& key) noexcept
        {
            add(of.name_);
            if constexpr (is_text) {
                add(std::string_view(key));
            } else {
                static_assert(std::is_trivially_copyable_v<Key> && std::has_unique_object_representations_v<Key>);
                add({reinterpret_cast<const char*>(&key), sizeof key});
            }
            hash_ = hash_bytes(view());
        }
        [[nodiscard]] std::string_view view() const noexcept { return {bytes_.data(), size_}; }
        [[nodiscard]] std::uint64_t hash() const noexcept { return hash_; }

    private:
        void add(std::string_view part) noexcept
        {
            SLUICE_ASSERT(size_ + part.size() <= bytes_.size());
            std::memcpy(bytes_.data() + size_, part.data(), part.size());
            size_ += part.size();
        }
        std::array<char, kind_bytes_max + key_bytes_max> bytes_; // written before it is read
        std::size_t size_ = 0;
        std::uint64_t hash_ = 0;
    };

    struct loading : cache::waiter
    {
        loading() : cache::waiter(&ended_here) {}
        static void ended_here(cache::waiter& self, const cache::answer& a)
        {
            auto& me = static_cast<loading&>(self);
            me.take(a);
            me.finished.complete();
        }
        void take(const cache::answer& a)
        {
            from = a.from;
            load_began = a.began;
            spent = a.spent;
            if (a.failure) {
                outcome.emplace(fail(*a.failure));
                return;
            }
            outcome.emplace(found());
            if (!a.absent && !cache_codec<Value>::read(a.value, (*outcome)->emplace()))
                outcome.emplace(fail(errc::internal, "A value in the cache cannot be read"));
        }
        // A load that began for somebody else was only waited for.
        void charge(context* request) const noexcept
        {
            if (request == nullptr) return;
            const time_point now = steady_clock::now();
            request->redis_waited += std::min(spent.spent(stage::redis), now - began);
            if (load_began >= began && load_began != never) request->stages.absorb(spent, now);
        }
        const time_point began = steady_clock::now();
        time_point load_began = never;
        stage_times spent;
        std::optional<result<found>> outcome;
        cache::tier from = cache::tier::none;
        wait finished;
    };
    // Where a fresh value cannot be had, or not in time: an expired one, as old as the settings allow.
    [[nodiscard]] cache::answer expired_or(error failure, const Key& key)
    {
        const key_name name(*this, key);
        if (auto old = part_.instead_of_failure(name.hash(), name.view())) return *std::move(old);
        return {.failure = std::move(failure)};
    }
    [[nodiscard]] bool begin(loading& one, const Key& key)
    {
        const key_name name(*this, key);
        return part_.load(one, kind_, name.hash(), name.view());
    }

    [[nodiscard]] static bool is_value(std::string_view bytes)
    {
        Value read;
        return cache_codec<Value>::read(bytes, read);
    }
    [[nodiscard]] task<result<cache::loaded>> load_bytes(std::string_view name)
    {
        name.remove_prefix(name_.size());
        Key key{};
        if constexpr (is_text)
            key = Key(name);
        else
            std::memcpy(static_cast<void*>(&key), name.data(), sizeof key);
        auto got = co_await load_(std::move(key));
        if (!got) co_return fail(std::move(got).error());
        cache::loaded bytes{.absent = !got->has_value()};
        if (*got) cache_codec<Value>::write(**got, bytes.value);
        co_return bytes;
    }

    cache::shard_cache& part_;
    std::string name_;
    load_function load_;
    unsigned kind_;
};

} // namespace sluice

#pragma GCC visibility pop
