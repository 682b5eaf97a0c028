// Readers and writers of the users API on several processes, as fast as they can, and a check of what they saw:
//
//     history SECONDS TTL_MILLISECONDS USERS SHARDS PORT:ADMIN_PORT PORT:ADMIN_PORT …
//     history --doctored
//
// Users are created, named, given other e-mails and deleted, and looked up by id and by e-mail: those of now, of before
// and of what comes next, on each shard. Of each process nobody may read what is older than a write that process had
// acknowledged when the read began; of any, nothing that is older than a write acknowledged longer ago than the time to
// live. Prints what was seen as one JSON object; fails where one of these was broken.
//
// With --doctored it judges histories that are wrong in one way each, and fails where it does not find it.
#include "shard_client.hpp"
#include "user_history.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <limits>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int readers_each = 2; // threads for each process
constexpr int writers_each = 1;

// The text of a member of a JSON object in which it stands once.
std::string member(const std::string& json, const std::string& name)
{
    const auto at = json.find("\"" + name + "\":\"");
    if (at == std::string::npos) return "";
    const auto begin = at + name.size() + 4;
    return json.substr(begin, json.find('"', begin) - begin);
}

class user
{
public:
    explicit user(int index) : index_(index) {}

    // As the write of that number calls it.
    [[nodiscard]] std::string email(int number) const
    {
        return "user" + std::to_string(index_) + "-" + std::to_string(number) + "@example.com";
    }
    static int number_of(const std::string& email) { return std::atoi(email.c_str() + email.find('-') + 1); }

    // How often he has been created.
    [[nodiscard]] int rounds()
    {
        const std::lock_guard lock(mutex_);
        return static_cast<int>(ids_.size());
    }
    [[nodiscard]] std::string id(int round)
    {
        const std::lock_guard lock(mutex_);
        return ids_[static_cast<std::size_t>(round)];
    }

    answer write(shard_client& to, unsigned shard, int number)
    {
        const std::string name = R"("name":")" + std::to_string(number) + '"';
        const std::string with_email = R"("email":")" + email(number) + '"';
        if (kind_of(number) == write_kind::created) {
            answer made = to.send(shard, "POST", "/users", '{' + name + ',' + with_email + '}');
            const std::lock_guard lock(mutex_);
            if (made.status == 201) ids_.push_back(member(made.body, "id"));
            return made;
        }
        const std::string path = "/users/" + id(rounds() - 1);
        if (kind_of(number) == write_kind::deleted) return to.send(shard, "DELETE", path);
        return to.send(shard, "PATCH", path, '{' + (kind_of(number) == write_kind::named ? name : with_email) + '}');
    }

    user_history seen;
    std::mutex writer;             // one write at a time, so that numbers ascend
    std::atomic<bool> lost{false}; // nobody knows what became of a write, nor what may be read from then on

private:
    const int index_;
    std::mutex mutex_;
    std::vector<std::string> ids_;
};

class history
{
public:
    history(std::vector<process> processes, int count, std::chrono::milliseconds ttl)
        : processes_(std::move(processes)), ttl_(ttl), reads_(processes_.size())
    {
        shard_client first(processes_[0]);
        for (int i = 0; i < count; ++i) {
            user& made = users_.emplace_back(i);
            const answer got = made.write(first, 0, made.seen.begin());
            if (got.status != 201) fail("a user was not made: " + std::to_string(got.status) + " " + got.body);
            made.seen.acknowledge(0, 0, clock_type::now());
        }
        for (auto& by_shard : reads_)
            while (by_shard.size() < processes_[0].shards) by_shard.emplace_back(0);
    }

    void run(std::chrono::seconds how_long)
    {
        std::vector<std::thread> threads;
        for (std::size_t p = 0; p < processes_.size(); ++p) {
            for (int i = 0; i < readers_each; ++i) threads.emplace_back([this, p, i] { read(p, i); });
            for (int i = 0; i < writers_each; ++i) threads.emplace_back([this, p, i] { write(p, i); });
        }
        std::this_thread::sleep_for(how_long);
        done_ = true;
        for (std::thread& one : threads) one.join();
    }

    int report()
    {
        std::vector<std::int64_t> late;
        for (user& u : users_)
            u.seen.for_each_acknowledgement([&](const user_history::acknowledgement& one) {
                late.push_back(std::chrono::duration_cast<std::chrono::microseconds>(one.late).count());
            });
        std::ranges::sort(late);
        const auto at = [&](double part) {
            return late.empty() ? 0 : late[static_cast<std::size_t>(part * static_cast<double>(late.size() - 1))];
        };
        long reads = 0;
        long least = std::numeric_limits<long>::max();
        for (const auto& by_shard : reads_)
            for (const std::atomic<long>& one : by_shard) {
                reads += one;
                least = std::min(least, one.load());
            }
        std::printf("{\"reads\": %ld, \"least_reads_of_a_shard\": %ld, \"found_by_email\": %ld, \"found_nobody\": %ld, "
                    "\"writes\": %zu, \"deletions\": %ld, \"unknown\": %ld, \"first_unknown\": %ld, "
                    "\"longest_write_ms\": %ld, \"failed_reads\": %ld, \"late_p50_us\": %ld, \"late_p99_us\": %ld, "
                    "\"late_max_us\": %ld, \"violations\": %ld}\n",
                    reads, least, found_by_email_.load(), found_nobody_.load(), late.size(), deletions_.load(),
                    unknown_.load(), first_unknown_.load(), longest_write_ms_.load(), failed_reads_.load(), at(0.5),
                    at(0.99), at(1), violations_.load());
        return violations_ == 0 ? 0 : 1;
    }

private:
    [[noreturn]] static void fail(const std::string& what)
    {
        std::fprintf(stderr, "history: %s\n", what.c_str());
        std::exit(2);
    }
    void violated(fault what, const std::string& path, std::size_t process, sighting got, int begun)
    {
        if (++violations_ > 20) return;
        std::fprintf(stderr, "%s: %s on process %zu gave %s, name %d, e-mail %d, with %d begun\n", text_of(what),
                     path.c_str(), process, got.absent ? "nobody" : "somebody", got.name, got.email, begun);
    }

    struct question
    {
        lookup by;
        std::string path;
        bool by_email;
    };
    static question any_of(user& of, std::minstd_rand& chance)
    {
        if (chance() % 8 < 5) {
            const int round = std::max(of.rounds() - (chance() % 8 == 0 ? 2 : 1), 0);
            return {.by = lookup::by_id(round), .path = "/users/" + of.id(round), .by_email = false};
        }
        // The next one as well, which is nobody's yet: that is kept, too.
        const int number = email_after(std::max(of.seen.begun() + 1 - static_cast<int>(chance() % 4), 0));
        return {.by = lookup::by_email(number), .path = "/users?email=" + of.email(number), .by_email = true};
    }
    static std::optional<sighting> sighting_in(const answer& got, bool by_email)
    {
        const bool nobody = by_email ? got.body.starts_with(R"({"items":[])") : got.status == 404;
        if (got.status == (by_email ? 200 : 404) && nobody) return sighting{.absent = true};
        if (got.status != 200) return std::nullopt;
        return sighting{.name = std::atoi(member(got.body, "name").c_str()),
                        .email = user::number_of(member(got.body, "email"))};
    }

    void read(std::size_t process, int seed)
    {
        shard_client to(processes_[process]);
        std::minstd_rand chance(static_cast<unsigned>(seed + 1));
        while (!done_) {
            user& of = users_[chance() % users_.size()];
            const unsigned shard = static_cast<unsigned>(chance()) % to.shards();
            if (of.lost) continue;
            const question asked = any_of(of, chance);
            const time_type began = clock_type::now();
            const answer got = to.send(shard, "GET", asked.path);
            const auto seen = sighting_in(got, asked.by_email);
            if (!seen) {
                ++failed_reads_;
                continue;
            }
            ++reads_[process][shard];
            if (seen->absent)
                ++found_nobody_;
            else if (asked.by_email)
                ++found_by_email_;
            const fault found = of.seen.judge(process, asked.by, *seen, began, ttl_);
            if (found != fault::none && !of.lost) violated(found, asked.path, process, *seen, of.seen.begun());
        }
    }
    void write(std::size_t process, int seed)
    {
        shard_client to(processes_[process]);
        std::minstd_rand chance(static_cast<unsigned>(seed + 100));
        while (!done_) {
            user& of = users_[chance() % users_.size()];
            const unsigned shard = static_cast<unsigned>(chance()) % to.shards();
            const std::lock_guard lock(of.writer);
            if (of.lost) continue;
            const int number = of.seen.begin();
            const time_type began = clock_type::now();
            const answer got = of.write(to, shard, number);
            if (got.status / 100 == 2) {
                of.seen.acknowledge(process, number, clock_type::now());
                deletions_ += kind_of(number) == write_kind::deleted ? 1 : 0;
            } else {
                of.lost = true;
                if (unknown_++ == 0) first_unknown_ = got.status;
            }
            const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(clock_type::now() - began).count();
            long longest = longest_write_ms_;
            while (longest < took && !longest_write_ms_.compare_exchange_weak(longest, took)) {
            }
        }
    }

    std::vector<process> processes_;
    clock_type::duration ttl_;
    std::deque<user> users_;
    std::deque<std::deque<std::atomic<long>>> reads_; // of each process and shard
    std::atomic<bool> done_{false};
    std::atomic<long> found_by_email_{0}, found_nobody_{0}, deletions_{0}, unknown_{0}, first_unknown_{0},
        longest_write_ms_{0}, failed_reads_{0}, violations_{0};
};

// Of a user who was created, named (1), moved (2), named (3), moved (4), named twice and deleted (7) on one process,
// and created again (8) on the other.
int judge_doctored()
{
    using std::chrono::seconds;
    struct one_read
    {
        const char* what;
        int begun;        // writes, up to that one: write n is acknowledged n seconds after the start
        int acknowledged; // up to that one
        std::size_t process;
        lookup by;
        sighting seen;
        int began; // so many seconds after the start
        fault expected;
    };
    constexpr std::size_t here = 0, elsewhere = 1;
    constexpr sighting nobody{.absent = true, .name = 0, .email = 0};
    constexpr lookup id = lookup::by_id(0), email = lookup::by_email(2), next_email = lookup::by_email(4);
    const one_read all[] = {
        // What may be.
        {"the last name", 3, 3, here, id, {false, 3, 2}, 9, fault::none},
        {"a name under way", 3, 2, here, id, {false, 3, 2}, 9, fault::none},
        {"the name before one under way", 3, 2, here, id, {false, 1, 2}, 9, fault::none},
        {"an older name, elsewhere, for a while", 3, 3, elsewhere, id, {false, 1, 2}, 4, fault::none},
        {"his e-mail", 3, 3, here, email, {false, 3, 2}, 9, fault::none},
        {"an e-mail that is nobody's yet", 3, 3, here, next_email, nobody, 9, fault::none},
        {"an e-mail under way", 4, 3, here, next_email, nobody, 9, fault::none},
        {"an e-mail that is nobody's any more", 4, 4, here, email, nobody, 9, fault::none},
        {"nobody once he is deleted", 7, 7, here, id, nobody, 9, fault::none},
        {"nobody by the id of before", 8, 8, here, id, nobody, 9, fault::none},
        {"somebody deleted, elsewhere, for a while", 7, 7, elsewhere, id, {false, 6, 4}, 8, fault::none},
        {"somebody deleted, where he was created again, for a while",
         8,
         8,
         elsewhere,
         id,
         {false, 6, 4},
         9,
         fault::none},
        // And what may not.
        {"an older name", 3, 3, here, id, {false, 1, 2}, 9, fault::older_than_acknowledged},
        {"an older name, elsewhere", 3, 3, elsewhere, id, {false, 1, 2}, 9, fault::older_than_its_life},
        {"a name to come", 3, 3, here, id, {false, 5, 4}, 9, fault::never_was},
        {"a mixture of two", 5, 5, here, id, {false, 5, 2}, 9, fault::never_was},
        {"another's id", 8, 8, here, id, {false, 8, 8}, 9, fault::never_was},
        {"him by an e-mail of before", 4, 4, here, email, {false, 3, 2}, 9, fault::older_than_acknowledged},
        {"him by an e-mail of before, elsewhere", 4, 4, elsewhere, email, {false, 3, 2}, 9, fault::older_than_its_life},
        {"him with another e-mail than was asked", 4, 4, here, email, {false, 3, 4}, 9, fault::never_was},
        {"nobody by his e-mail", 4, 4, here, next_email, nobody, 9, fault::older_than_acknowledged},
        {"nobody by his e-mail, elsewhere", 4, 4, elsewhere, next_email, nobody, 9, fault::older_than_its_life},
        {"nobody by his id", 3, 3, here, id, nobody, 9, fault::older_than_acknowledged},
        {"nobody by his id, elsewhere", 3, 3, elsewhere, id, nobody, 9, fault::older_than_its_life},
        {"somebody deleted", 7, 7, here, id, {false, 6, 4}, 9, fault::older_than_acknowledged},
        {"somebody deleted, by e-mail", 7, 7, here, next_email, {false, 6, 4}, 9, fault::older_than_acknowledged},
        {"somebody deleted, elsewhere", 7, 7, elsewhere, id, {false, 6, 4}, 19, fault::older_than_its_life},
        {"nobody once he is there again", 8, 8, elsewhere, lookup::by_email(8), nobody, 9,
         fault::older_than_acknowledged},
    };
    int wrong = 0;
    for (const one_read& one : all) {
        user_history of;
        const time_type start = clock_type::now();
        while (of.begun() < one.begun) {
            const int number = of.begin();
            if (number <= one.acknowledged)
                of.acknowledge(number < round_size ? here : elsewhere, number, start + seconds(number));
        }
        const fault found = of.judge(one.process, one.by, one.seen, start + seconds(one.began), seconds(3));
        if (found == one.expected) continue;
        ++wrong;
        std::fprintf(stderr, "%s: %s instead of %s\n", one.what, text_of(found), text_of(one.expected));
    }
    std::printf("%zu judged\n", std::size(all));
    return wrong == 0 ? 0 : 1;
}

} // namespace

int main(int argc, char** argv)
{
    if (argc == 2 && std::string(argv[1]) == "--doctored") return judge_doctored();
    if (argc < 6) return 2;
    std::vector<process> processes;
    for (int i = 5; i < argc; ++i) {
        const std::string ports = argv[i];
        processes.push_back({.port = static_cast<std::uint16_t>(std::atoi(ports.c_str())),
                             .admin_port = static_cast<std::uint16_t>(std::atoi(ports.c_str() + ports.find(':') + 1)),
                             .shards = static_cast<unsigned>(std::atoi(argv[4]))});
    }
    history of(std::move(processes), std::atoi(argv[3]), std::chrono::milliseconds(std::atoi(argv[2])));
    std::puts("begun");
    std::fflush(stdout);
    of.run(std::chrono::seconds(std::atoi(argv[1])));
    return of.report();
}
