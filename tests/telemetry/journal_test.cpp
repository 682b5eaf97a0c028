// The journal: entries in its native protocol, received by a socket of the test's own.
#include "telemetry/journal_line.hpp"

#include <sluice/core/context.hpp>
#include <sluice/core/random.hpp>
#include <sluice/telemetry/log_file.hpp>

#include <gtest/gtest.h>

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <unistd.h>
#include <vector>

namespace sluice {
namespace {

using entry = std::multimap<std::string, std::string>;

// An entry as journald takes it apart; nothing for what it would refuse.
std::optional<entry> parsed(std::string_view text)
{
    entry fields;
    while (!text.empty()) {
        const auto end = text.find('\n');
        if (end == std::string_view::npos) return std::nullopt;
        const auto line = text.substr(0, end);
        const auto equals = line.find('=');
        const std::string name(line.substr(0, equals));
        if (name.empty() || name.size() > 64 || name.front() < 'A' || name.front() > 'Z') return std::nullopt;
        if (name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != std::string::npos) return std::nullopt;
        text.remove_prefix(end + 1);
        if (equals != std::string_view::npos) {
            fields.emplace(name, line.substr(equals + 1));
            continue;
        }
        std::uint64_t size = 0;
        if (text.size() < sizeof size) return std::nullopt;
        std::memcpy(&size, text.data(), sizeof size);
        text.remove_prefix(sizeof size);
        if (text.size() < size + 1 || text[size] != '\n') return std::nullopt;
        fields.emplace(name, text.substr(0, size));
        text.remove_prefix(size + 1);
    }
    return fields;
}

std::string value_of(const entry& of, const std::string& name)
{
    const auto [first, last] = of.equal_range(name);
    if (first == last) return "(none)";
    return std::next(first) == last ? first->second : "(several)";
}

entry entry_of(std::string_view message, std::initializer_list<log_field> fields = {})
{
    const telemetry::redaction hidden(secret_words());
    const trace_context trace =
        *trace_context::from_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    pooled_string text;
    telemetry::append_journal({.when = timestamp(std::chrono::microseconds(1)),
                               .level = log_level::warn,
                               .shard = 3,
                               .trace = &trace,
                               .message = message,
                               .fields = fields},
                              hidden, text);
    const auto made = parsed(text);
    EXPECT_TRUE(made) << text;
    return made.value_or(entry());
}

TEST(JournalLine, has_a_message_for_people_and_a_field_for_each_value)
{
    const entry made =
        entry_of("Answered", {{"route", "/users/{id}"}, {"status", 200}, {"good", true}, {"ratio", 0.5}});
    EXPECT_EQ(value_of(made, "MESSAGE"), R"(Answered "route"="/users/{id}" "status"=200 "good"=true "ratio"=0.5)");
    EXPECT_EQ(value_of(made, "PRIORITY"), "4");
    EXPECT_EQ(value_of(made, "TIMESTAMP"), "1970-01-01T00:00:00.000001Z");
    EXPECT_EQ(value_of(made, "SHARD"), "3");
    EXPECT_EQ(value_of(made, "TRACE_ID"), "0af7651916cd43dd8448eb211c80319c");
    EXPECT_EQ(value_of(made, "SPAN_ID").size(), 16U);
    EXPECT_EQ(value_of(made, "ROUTE"), "/users/{id}");
    EXPECT_EQ(value_of(made, "STATUS"), "200");
    EXPECT_EQ(value_of(made, "GOOD"), "true");
    EXPECT_EQ(value_of(made, "SYSLOG_IDENTIFIER"), ::program_invocation_short_name);
}

TEST(JournalLine, keeps_line_feeds_and_hides_secrets)
{
    const entry made = entry_of("two\nlines", {{"text", "a\nb\n"}, {"db-password", "hunter2"}});
    EXPECT_EQ(value_of(made, "MESSAGE"), "two\nlines \"text\"=\"a\\u000ab\\u000a\" \"db-password\"=[redacted]");
    EXPECT_EQ(value_of(made, "TEXT"), "a\nb\n");
    EXPECT_EQ(value_of(made, "DB_PASSWORD"), "[redacted]");
}

TEST(JournalLine, has_one_message_whatever_a_field_is_called)
{
    const entry made = entry_of("m", {{"a\nPRIORITY=0\nMESSAGE=x", "1"}, {"b=\"2\" c", 3}, {"\xff\0", 4}});
    EXPECT_EQ(value_of(made, "MESSAGE"),
              "m \"a\\u000aPRIORITY=0\\u000aMESSAGE=x\"=\"1\" \"b=\\\"2\\\" c\"=3 \"\\ufffd\"=4");
    EXPECT_EQ(value_of(made, "PRIORITY"), "4");
    EXPECT_EQ(value_of(made, "A_PRIORITY_0_MESSAGE_X"), "1");
}

TEST(JournalLine, makes_names_that_the_journal_takes_and_that_mean_nothing_to_it)
{
    const std::string longest(100, 'x');
    const entry made = entry_of("m", {{"message", "a"},
                                      {"priority", "0"},
                                      {"_PID", "1"},
                                      {"7", "b"},
                                      {"", "c"},
                                      {longest, "d"},
                                      {"shard", "e"},
                                      {"Trace-Id", "f"}});
    EXPECT_TRUE(value_of(made, "MESSAGE").starts_with("m ")); // and it is the only one
    EXPECT_EQ(value_of(made, "PRIORITY"), "4");
    EXPECT_EQ(value_of(made, "FIELD_MESSAGE"), "a");
    EXPECT_EQ(value_of(made, "FIELD_PRIORITY"), "0");
    EXPECT_EQ(value_of(made, "FIELD__PID"), "1");
    EXPECT_EQ(value_of(made, "SHARD"), "3");
    EXPECT_EQ(value_of(made, "FIELD_SHARD"), "e");
    EXPECT_EQ(value_of(made, "FIELD_TRACE_ID"), "f");
    EXPECT_EQ(value_of(made, "FIELD_7"), "b");
    EXPECT_EQ(value_of(made, "FIELD_"), "c");
    EXPECT_EQ(value_of(made, std::string(64, 'X')), "d");
}

TEST(JournalLine, is_one_valid_entry_for_ten_thousand_random_ones)
{
    for (int i = 0; i < 10'000; ++i) {
        std::string bytes(random_bits() % 80, ' ');
        for (char& byte : bytes) byte = random_bits() % 4 == 0 ? '\n' : static_cast<char>(random_bits());
        const entry made = entry_of(bytes, {{bytes, bytes}});
        ASSERT_EQ(made.size(), 8U);
    }
}

// journald, as far as a sender sees it.
class journal
{
public:
    explicit journal(const std::string& path) : path_(path), socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = {}};
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        EXPECT_EQ(::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0) << path;
    }
    ~journal()
    {
        ::close(socket_);
        std::filesystem::remove(path_);
    }
    journal(const journal&) = delete;
    journal& operator=(const journal&) = delete;

    // The next entry, from a datagram or from the sealed file that came in its place.
    entry next()
    {
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
        iovec part = {.iov_base = room_.data(), .iov_len = room_.size()};
        msghdr message = {};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        const ssize_t got = ::recvmsg(socket_, &message, MSG_CMSG_CLOEXEC);
        EXPECT_GE(got, 0);
        std::string text = room_.substr(0, static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
        if (const cmsghdr* header = CMSG_FIRSTHDR(&message)) {
            EXPECT_TRUE(text.empty());
            text = read_sealed(header);
        }
        const auto made = parsed(text);
        EXPECT_TRUE(made) << text;
        return made.value_or(entry());
    }

private:
    static std::string read_sealed(const cmsghdr* header)
    {
        int file = -1;
        std::memcpy(&file, CMSG_DATA(header), sizeof file);
        const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
        EXPECT_EQ(::fcntl(file, F_GET_SEALS), seals);
        struct stat what = {};
        ::fstat(file, &what);
        std::string text(static_cast<std::size_t>(what.st_size), '\0');
        EXPECT_EQ(::pread(file, text.data(), text.size(), 0), what.st_size);
        ::close(file);
        return text;
    }

    std::string path_;
    int socket_;
    std::string room_ = std::string(std::size_t{1} << 20, '\0'); // of one entry: made once, as it is costly to watch
};

class Journal : public testing::Test
{
protected:
    Journal()
    {
        std::string pattern = testing::TempDir() + "journal-XXXXXX";
        folder_ = ::mkdtemp(pattern.data());
    }
    ~Journal() override { std::filesystem::remove_all(folder_); }

    std::filesystem::path folder_;
    std::string path_ = "";
    const std::string& path() { return path_.empty() ? path_ = folder_ / "socket" : path_; }
};

TEST_F(Journal, gets_each_line_as_an_entry_in_order)
{
    journal reader(path());
    constexpr int lines = 1000; // in all more than a buffer: entries straddle its end
    constexpr int at_once = 50; // the writing thread rests after each round
    const auto log = log_file::open({.journal_socket = path(), .waiting_bytes_max = 64 * 1024});
    ASSERT_TRUE(log);
    for (int i = 0; i < lines; ++i) {
        for (int next = i; i % at_once == 0 && next < i + at_once; ++next) {
            const std::array fields = {log_field("number", next), log_field("text", "a\nb")};
            (*log)->write(log_level::info, "Line", fields);
        }
        const entry got = reader.next();
        ASSERT_EQ(value_of(got, "NUMBER"), std::to_string(i));
        ASSERT_EQ(value_of(got, "TEXT"), "a\nb");
        ASSERT_EQ(value_of(got, "PRIORITY"), "6");
    }
    EXPECT_EQ((*log)->dropped(), 0U);
}

TEST_F(Journal, gets_many_lines_at_once)
{
    journal reader(path());
    constexpr int lines = 500;
    const auto log = log_file::open({.journal_socket = path()});
    ASSERT_TRUE(log);
    for (int i = 0; i < lines; ++i) {
        const std::array fields = {log_field("number", i)};
        (*log)->write(log_level::info, "Line", fields);
    }
    for (int i = 0; i < lines; ++i) ASSERT_EQ(value_of(reader.next(), "NUMBER"), std::to_string(i));
}

TEST_F(Journal, gets_a_line_that_no_datagram_holds_as_a_sealed_file)
{
    journal reader(path());
    const auto log = log_file::open({.journal_socket = path(), .waiting_bytes_max = std::size_t{64} << 20});
    ASSERT_TRUE(log);
    const std::string big(std::size_t{12} << 20, 'x'); // a socket's buffer is 8 MiB at most
    (*log)->write(log_level::error, big, {});
    (*log)->write(log_level::error, "small", {});
    const entry got = reader.next();
    EXPECT_EQ(value_of(got, "MESSAGE").size(), big.size());
    EXPECT_EQ(value_of(reader.next(), "MESSAGE"), "small");
}

TEST_F(Journal, gets_lines_again_once_it_is_back)
{
    auto reader = std::make_unique<journal>(path());
    const auto log = log_file::open({.journal_socket = path()});
    ASSERT_TRUE(log);
    (*log)->write(log_level::info, "Before", {});
    EXPECT_EQ(value_of(reader->next(), "MESSAGE"), "Before");
    reader.reset();
    (*log)->write(log_level::info, "Nobody hears", {});
    while ((*log)->dropped() == 0) std::this_thread::yield();
    EXPECT_EQ((*log)->dropped(), 1U);
    reader = std::make_unique<journal>(path());
    (*log)->write(log_level::info, "After", {});
    EXPECT_EQ(value_of(reader->next(), "MESSAGE"), "After");
    const entry said = reader->next();
    EXPECT_EQ(value_of(said, "DROPPED"), "1");
    EXPECT_EQ(value_of(said, "PRIORITY"), "4");
}

TEST_F(Journal, that_does_not_read_keeps_nobody_from_ending)
{
    journal reader(path());
    const auto log = log_file::open({.journal_socket = path(), .waiting_bytes_max = 64 * 1024});
    ASSERT_TRUE(log);
    const std::string big(8 * 1024, 'x');
    while ((*log)->dropped() == 0) (*log)->write(log_level::info, big, {});
}

TEST_F(Journal, that_does_not_read_has_no_second_for_each_entry)
{
    journal reader(path());
    const auto log = log_file::open({.journal_socket = path()});
    ASSERT_TRUE(log);
    for (int i = 0; i < 3000; ++i) (*log)->write(log_level::info, "Line", {});
    EXPECT_EQ((*log)->dropped(), 0U);
}

TEST_F(Journal, that_is_not_there_is_named)
{
    const auto log = log_file::open({.journal_socket = path()});
    ASSERT_FALSE(log);
    EXPECT_NE(log.error().detail.find(path()), std::string::npos);
}

TEST(JournalStream, is_standard_output_where_device_and_inode_say_so)
{
    struct stat what = {};
    ASSERT_EQ(::fstat(STDOUT_FILENO, &what), 0);
    EXPECT_TRUE(output_is_journal(std::to_string(what.st_dev) + ":" + std::to_string(what.st_ino)));
    EXPECT_FALSE(output_is_journal(std::to_string(what.st_dev) + ":" + std::to_string(what.st_ino + 1)));
    EXPECT_FALSE(output_is_journal(""));
    EXPECT_FALSE(output_is_journal(":"));
}

} // namespace
} // namespace sluice
