#include "server/listen.hpp"
#include "server/shard_server.hpp"
#include "shard/shard_group.hpp"

#include <sluice/core/log.hpp>
#include <sluice/ring/probe.hpp>
#include <sluice/server/server.hpp>
#include <sluice/shard/cpus.hpp>

#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <mutex>
#include <poll.h>
#include <thread>
#include <unistd.h>

namespace sluice {

namespace {

std::atomic<bool> is_draining{false};

// Raises the soft limit on descriptors to the hard one, and says how many there may be.
std::size_t descriptors_max()
{
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    return static_cast<std::size_t>(limit.rlim_cur);
}

// From the thread that called run(): a shard begins to accept, once all have started.
struct start_order final : inbox_item
{
    start_order() : inbox_item([](inbox_item& item) { static_cast<start_order&>(item).server->start(); }) {}
    shard_server* server = nullptr;
};

// Likewise: it is to drain.
struct drain_order final : inbox_item
{
    drain_order()
        : inbox_item([](inbox_item& item) {
              auto& self = static_cast<drain_order&>(item);
              self.server->drain(self.until);
          })
    {}
    shard_server* server = nullptr;
    time_point until{};
};

void notify(int event_fd) noexcept
{
    const std::uint64_t one = 1;
    [[maybe_unused]] auto written = write(event_fd, &one, sizeof one);
}

// Owned by a shard before all else: tells the thread in run() that the shard has come to its end.
struct end_notice
{
    explicit end_notice(int fd) noexcept : event_fd(fd) {}
    end_notice(const end_notice&) = delete;
    end_notice& operator=(const end_notice&) = delete;
    ~end_notice() { notify(event_fd); }
    int event_fd;
};

} // namespace

bool draining() noexcept { return is_draining.load(std::memory_order_relaxed); }

struct server::state
{
    explicit state(server_options o)
        : options(std::move(o)), stop_fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
          ended_fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))
    {}
    ~state()
    {
        close(stop_fd);
        close(ended_fd);
        if (signal_fd >= 0) close(signal_fd);
        for (const auto& listener : listeners)
            for (int fd : listener.fds)
                if (fd >= 0) close(fd);
    }
    state(const state&) = delete;
    state& operator=(const state&) = delete;

    struct end_of_orders;

    [[nodiscard]] result<void> bind();
    [[nodiscard]] result<void> start_shard(shard& here);
    void watch_signals();
    void wait_for_the_end();
    void start_all();
    void drain_all(std::vector<drain_order>& orders, time_point until);
    [[nodiscard]] std::vector<std::string> addresses() const;

    server_options options;
    wiring wire_api;
    wiring wire_admin;
    std::function<void(const std::vector<std::string>&)> tell_ready;
    std::function<void()> reload;
    int stop_fd;  // stop() was called
    int ended_fd; // a shard ends
    int signal_fd = -1;
    std::vector<listening> listeners; // in the order of options.listen; the admin listener last
    connection_counts connections;
    std::unique_ptr<shard_group> group;
    std::mutex ending;                  // guards `servers`: a shard may end while it is ordered to
    std::vector<shard_server*> servers; // null: ended
    std::vector<start_order> start_orders;
    std::vector<drain_order> first_orders;
    std::vector<drain_order> last_orders;
};

// Owned by a shard: after it no order reaches the shard, and those that did have run.
struct server::state::end_of_orders
{
    end_of_orders(shard& s, state& o) noexcept : here(s), of(o) {}
    end_of_orders(const end_of_orders&) = delete;
    end_of_orders& operator=(const end_of_orders&) = delete;
    ~end_of_orders()
    {
        const std::scoped_lock lock(of.ending);
        of.servers[here.index()] = nullptr;
        here.inbox().drain();
    }
    shard& here;
    state& of;
};

server::server(server_options options) : state_(std::make_unique<state>(std::move(options))) {}
server::~server() = default;

void server::on_shard(wiring wire) { state_->wire_api = std::move(wire); }
void server::on_admin(wiring wire) { state_->wire_admin = std::move(wire); }
void server::on_ready(std::function<void(const std::vector<std::string>&)> tell)
{
    state_->tell_ready = std::move(tell);
}
void server::on_hangup(std::function<void()> reload) { state_->reload = std::move(reload); }

void server::stop() noexcept { notify(state_->stop_fd); }

result<void> server::bind()
{
    state& s = *state_;
    if (s.options.shards == 0) s.options.shards = default_shards();
    const kernel_needs needs{.shards = s.options.shards, .connections = s.options.connections};
    if (auto able = require_kernel(needs); !able) return able;
    std::size_t connections = descriptors_max() - reserved_descriptors(s.options.shards);
    if (s.options.connections != 0) connections = std::min(connections, s.options.connections);
    s.connections.api.max = std::max<std::size_t>(1, connections);
    return s.bind();
}

result<void> server::run()
{
    state& s = *state_;
    is_draining = false;
    if (s.listeners.empty()) {
        if (auto bound = bind(); !bound) return bound;
    }
    s.watch_signals(); // before there are threads: they inherit the mask
    s.servers.resize(s.options.shards);
    s.group = std::make_unique<shard_group>(shard_group_options{
        .shards = s.options.shards, .busy_poll = s.options.busy_poll, .busy_poll_time = s.options.busy_poll_time});
    if (auto started = s.group->start([&s](shard& here) { return s.start_shard(here); }); !started) return started;
    s.start_all();
    if (s.tell_ready) s.tell_ready(s.addresses());
    s.wait_for_the_end();
    s.group->join();
    return {};
}

// A server that was killed may hold its address for a moment longer than its process lives: the kernel ends what its
// ring had under way afterwards.
result<listening> listen_patiently(const std::string& address, unsigned shards)
{
    constexpr int tries = 10;
    for (int tried = 1;; ++tried) {
        auto bound = listen_on(address, shards);
        if (bound || bound.error().code != errc::conflict || tried == tries) return bound;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
}

result<void> server::state::bind()
{
    for (const std::string& address : options.listen) {
        auto bound = listen_patiently(address, options.shards);
        if (!bound) return std::unexpected(bound.error());
        listeners.push_back(*std::move(bound));
    }
    if (options.admin_listen.empty()) return {};
    auto bound = listen_patiently(options.admin_listen, 1);
    if (!bound) return std::unexpected(bound.error());
    listeners.push_back(*std::move(bound));
    return {};
}

result<void> server::state::start_shard(shard& here)
{
    here.own<end_notice>(ended_fd); // destroyed last
    auto& part = here.own<shard_server>(here, options, connections);
    servers[here.index()] = &part;
    if (wire_api) wire_api(here, part.api());
    for (std::size_t i = 0; i < options.listen.size(); ++i)
        part.listen(std::exchange(listeners[i].fds[here.index()], -1), part.api());
    if (here.index() == 0 && !options.admin_listen.empty()) {
        if (wire_admin) wire_admin(here, part.admin());
        part.listen(std::exchange(listeners.back().fds[0], -1), part.admin());
    }
    part.freeze();
    here.own<end_of_orders>(here, *this); // destroyed first
    return {};
}

std::vector<std::string> server::state::addresses() const
{
    std::vector<std::string> all;
    for (const auto& listener : listeners) all.push_back(listener.address);
    return all;
}

void server::state::watch_signals()
{
    if (!options.handle_signals) return;
    sigset_t watched;
    sigemptyset(&watched);
    for (int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&watched, number);
    pthread_sigmask(SIG_BLOCK, &watched, nullptr);
    signal_fd = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
}

// The first request to stop drains; a second one does not wait. Returns when the shards end.
void server::state::wait_for_the_end()
{
    unsigned stops = 0;
    for (;;) {
        std::array<pollfd, 3> watched{pollfd{stop_fd, POLLIN, 0}, pollfd{ended_fd, POLLIN, 0},
                                      pollfd{signal_fd, POLLIN, 0}};
        if (poll(watched.data(), watched.size(), -1) < 0) continue; // EINTR
        if (watched[1].revents != 0) return;
        std::uint64_t count = 0;
        bool stop = read(stop_fd, &count, sizeof count) > 0;
        signalfd_siginfo signal{};
        if (signal_fd >= 0 && read(signal_fd, &signal, sizeof signal) > 0) {
            if (signal.ssi_signo != SIGHUP)
                stop = true;
            else if (reload)
                reload();
        }
        if (!stop) continue;
        is_draining = true;
        if (++stops == 1) {
            log(log_level::info, "Draining");
            drain_all(first_orders, steady_clock::now() + options.shutdown_grace);
        } else if (stops == 2) {
            log(log_level::info, "Draining no longer");
            drain_all(last_orders, steady_clock::now());
        }
    }
}

void server::state::start_all()
{
    start_orders.resize(servers.size());
    for (unsigned index = 0; index < servers.size(); ++index) {
        start_orders[index].server = servers[index];
        group->inbox_of(index).push(start_orders[index]);
    }
}

void server::state::drain_all(std::vector<drain_order>& orders, time_point until)
{
    const std::scoped_lock lock(ending);
    orders.resize(servers.size());
    for (unsigned index = 0; index < servers.size(); ++index) {
        if (servers[index] == nullptr) continue;
        orders[index].server = servers[index];
        orders[index].until = until;
        servers[index]->here().inbox().push(orders[index]); // by way of what the lock keeps alive
    }
}

} // namespace sluice
