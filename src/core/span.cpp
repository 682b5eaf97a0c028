#include <sluice/core/random.hpp>
#include <sluice/core/span.hpp>

#include <cstring>

namespace sluice {

span_record* span_log::open(std::string_view name, span_kind kind) noexcept
{
    if (count_ == spans_max) {
        ++dropped_;
        return nullptr;
    }
    span_record& made = spans_[count_++];
    const std::uint64_t bits = random_bits() | 1U; // zeros would be no id
    std::memcpy(made.id.data(), &bits, sizeof bits);
    made.name = name;
    made.kind = kind;
    made.failed = false;
    made.attribute_count = 0;
    made.begin = steady_clock::now();
    made.end = never;
    return &made;
}

void span_log::take(const span_log& other) noexcept
{
    dropped_ += other.dropped_;
    for (const span_record& one : other.all()) {
        if (count_ < spans_max)
            spans_[count_++] = one;
        else
            ++dropped_;
    }
}

} // namespace sluice
