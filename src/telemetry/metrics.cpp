#include "telemetry/metric_snapshot.hpp"

#include <sluice/core/assert.hpp>
#include <sluice/core/json_escape.hpp>
#include <sluice/telemetry/metrics.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>
#include <variant>
#include <vector>

namespace sluice {
namespace {

using reading = std::move_only_function<double() const>;

struct one_series
{
    const metric_family* of;
    std::string labels;
    std::variant<event_count, published<double>, latency_histogram, reading, const latency_histogram*> number;
};

// Letters, digits and '_', no digit in front: what a label's name may be made of. Anything else is a '_'.
void append_name(std::string& text, std::string_view name)
{
    const std::size_t begin = text.size();
    for (const char c : name) {
        const bool digit = c >= '0' && c <= '9';
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        text += letter || (digit && text.size() > begin) ? c : '_';
    }
}

// A scraper refuses a text that is not UTF-8 as a whole, so what is not becomes U+FFFD.
void append_value(std::string& text, std::string_view value)
{
    while (!value.empty()) {
        const std::size_t length = utf8_sequence(value);
        if (value.front() == '\n')
            text += "\\n";
        else if (value.front() == '\\' || value.front() == '"')
            text.append("\\").append(value.substr(0, 1));
        else
            text += length == 0 ? std::string_view("\xEF\xBF\xBD") : value.substr(0, length);
        value.remove_prefix(std::max<std::size_t>(length, 1));
    }
}

// name="value",name="value"; those without a name are none.
std::string text_of(metric_set::labels with)
{
    std::string text;
    for (const metric_label& one : with) {
        if (one.name.empty()) continue;
        if (!text.empty()) text += ',';
        append_name(text, one.name);
        text += "=\"";
        append_value(text, one.value);
        text += '"';
    }
    return text;
}

struct all_sets
{
    std::mutex lock; // for a scrape, and at the beginning and the end of a set
    std::vector<const metric_set*> sets;
};

all_sets& process_sets()
{
    static all_sets all;
    return all;
}

} // namespace

// Readers see the first `size` of the places, which never change their occupant.
struct metric_set::state
{
    std::vector<std::unique_ptr<one_series>> places{series_max};
    std::atomic<std::size_t> size = 0;
    event_count refused;
    one_series nowhere_counter{nullptr, {}, event_count()};
    one_series nowhere_gauge{nullptr, {}, published<double>()};
    one_series nowhere_histogram{nullptr, {}, std::variant_alternative_t<2, decltype(one_series::number)>()};

    [[nodiscard]] one_series* find(const metric_family& of, std::string_view labels) const
    {
        const std::size_t count = size.load(std::memory_order_relaxed);
        for (std::size_t i = 0; i < count; ++i)
            if (places[i]->of->name == of.name && places[i]->labels == labels) return places[i].get();
        return nullptr;
    }
    template <class T> one_series* add(const metric_family& of, std::string labels, T&& number)
    {
        const std::size_t at = size.load(std::memory_order_relaxed);
        if (at == series_max) {
            ++refused;
            return nullptr;
        }
        places[at] = std::make_unique<one_series>(one_series{&of, std::move(labels), std::forward<T>(number)});
        size.store(at + 1, std::memory_order_release);
        return places[at].get();
    }
    template <class T> T& get(const metric_family& of, labels with, one_series& nowhere)
    {
        std::string text = text_of(with);
        one_series* found = find(of, text);
        if (found == nullptr) found = add(of, std::move(text), T());
        T* number = std::get_if<T>(found != nullptr ? &found->number : &nowhere.number);
        SLUICE_ASSERT(number != nullptr); // the same name is kept in two ways
        return *number;
    }
};

metric_set::metric_set() : state_(std::make_unique<state>())
{
    all_sets& all = process_sets();
    const std::lock_guard lock(all.lock);
    all.sets.push_back(this);
}

metric_set::~metric_set()
{
    all_sets& all = process_sets();
    const std::lock_guard lock(all.lock);
    std::erase(all.sets, this);
}

event_count& metric_set::counter(const metric_family& of, labels with)
{
    return state_->get<event_count>(of, with, state_->nowhere_counter);
}
published<double>& metric_set::gauge(const metric_family& of, labels with)
{
    return state_->get<published<double>>(of, with, state_->nowhere_gauge);
}
latency_histogram& metric_set::histogram(const metric_family& of, labels with)
{
    return state_->get<latency_histogram>(of, with, state_->nowhere_histogram);
}
void metric_set::read(const metric_family& of, labels with, reading how)
{
    state_->add(of, text_of(with), std::move(how));
}
void metric_set::read(const metric_family& of, labels with, const event_count& number)
{
    read(of, with, [&number] { return static_cast<double>(number.read()); });
}
void metric_set::histogram(const metric_family& of, labels with, const latency_histogram& kept_elsewhere)
{
    state_->add(of, text_of(with), &kept_elsewhere);
}
std::uint64_t metric_set::refused() const noexcept { return state_->refused; }

metric_snapshot::metric_snapshot()
{
    struct add_to
    {
        series& sum;
        metric_kind kind;

        void operator()(const event_count& number) const { (*this)(static_cast<double>(number.read())); }
        void operator()(const published<double>& number) const { (*this)(number.read()); }
        void operator()(const reading& how) const { (*this)(how()); }
        void operator()(const latency_histogram& here) const
        {
            for (std::size_t i = 0; i < sum.counts.size(); ++i) sum.counts[i] += here.count_in(i);
            sum.value += here.sum_seconds();
        }
        void operator()(const latency_histogram* elsewhere) const { (*this)(*elsewhere); }
        void operator()(double number) const
        {
            const bool larger = kind == metric_kind::maximum && sum.found;
            sum.value = larger ? std::max(sum.value, number) : sum.value + number;
            sum.found = true;
        }
    };
    all_sets& all = process_sets();
    const std::lock_guard lock(all.lock);
    for (const metric_set* set : all.sets) {
        const std::size_t count = set->state_->size.load(std::memory_order_acquire);
        for (std::size_t i = 0; i < count; ++i) {
            const one_series& one = *set->state_->places[i];
            family& of = families_.try_emplace(one.of->name, family{one.of, {}}).first->second;
            std::visit(add_to{of.by_labels[one.labels], one.of->kind}, one.number);
        }
    }
}

} // namespace sluice
