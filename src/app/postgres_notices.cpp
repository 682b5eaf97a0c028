#include "postgres_notices.hpp"

#include <sluice/postgres/statement.hpp>

#include <algorithm>
#include <charconv>
#include <utility>

namespace sluice::app {

namespace {

constexpr std::size_t notice_bytes_max = 7900; // PostgreSQL takes less than 8000
constexpr std::size_t gathered_bytes_max = 10 * notice_bytes_max;
constexpr duration after_failure = std::chrono::milliseconds(100); // twice as long after each one more
constexpr duration after_failure_max = std::chrono::seconds(1);

constexpr postgres::statement notify{.name = "notify_written",
                                     .sql = "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)",
                                     .is_change = false};

void append_digits(std::string_view bytes, pooled_string& out)
{
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        out += "0123456789abcdef"[byte >> 4U];
        out += "0123456789abcdef"[byte & 15U];
    }
}

// False: these are no digits.
bool read_digits(std::string_view digits, pooled_string& bytes)
{
    if (digits.size() % 2 != 0) return false;
    for (std::size_t i = 0; i < digits.size(); i += 2) {
        unsigned char byte = 0;
        const char* const end = digits.data() + i + 2;
        if (std::from_chars(digits.data() + i, end, byte, 16).ptr != end) return false;
        bytes += static_cast<char>(byte);
    }
    return true;
}

} // namespace

void notice_sender::say(std::string_view key)
{
    if (2 * key.size() + sender_.size() + 1 > notice_bytes_max ||
        gathered_.size() + 2 * key.size() + 1 > gathered_bytes_max)
        everything_ = true;
    if (!everything_) {
        gathered_ += ' ';
        append_digits(key, gathered_);
    }
    if (std::exchange(sending_, true)) return;
    here_.background().spawn(send());
}

pooled_string notice_sender::next_notice()
{
    pooled_string notice(sender_);
    if (std::exchange(everything_, false)) {
        gathered_.clear();
        return notice += " *";
    }
    std::size_t take = gathered_.size();
    if (take > notice_bytes_max - notice.size()) take = gathered_.rfind(' ', notice_bytes_max - notice.size());
    notice.append(gathered_, 0, take);
    gathered_.erase(0, take);
    return notice;
}

task<void> notice_sender::send()
{
    context own;
    own.stop = &here_.background().stop();
    context* before = context::exchange_current(&own);
    duration pause = after_failure;
    while (everything_ || !gathered_.empty()) {
        const pooled_string notice = next_notice();
        const auto said = co_await connections_.query(notify, notice_channel, std::string_view(notice));
        if (said) {
            pause = after_failure;
            continue;
        }
        everything_ = true;
        // A standby refuses notices as it does changes, for as long as it is one. Once may be something else.
        if (connections_.counters().refuses_changes && pause > after_failure) break;
        if (const auto slept = co_await sleep_for(pause); !slept) break; // the shard ends
        pause = std::min(2 * pause, after_failure_max);
    }
    sending_ = false;
    context::exchange_current(before);
}

postgres::listener::functions notice_functions(cache::shard_cache& part, std::string own_sender)
{
    const auto heard = [&part, own = std::move(own_sender)](const postgres::notification& n) {
        std::string_view rest = n.payload;
        if (rest.starts_with(own)) return;
        pooled_string key;
        for (auto space = rest.find(' '); space != std::string_view::npos; space = rest.find(' ')) {
            rest.remove_prefix(space + 1);
            key.clear();
            if (!read_digits(rest.substr(0, rest.find(' ')), key)) return part.forget_all();
            part.heard(key);
        }
    };
    return {.heard = heard, .listening = [&part] { part.forget_all(); }, .lost = [&part] { part.forget_all(); }};
}

} // namespace sluice::app
