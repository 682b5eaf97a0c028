#include "postgres/connect.hpp"
#include "postgres/errors.hpp"
#include "shard/back_off.hpp"

#include <sluice/core/bound.hpp>
#include <sluice/core/context.hpp>
#include <sluice/core/log.hpp>
#include <sluice/postgres/listener.hpp>
#include <sluice/ring/operation.hpp>
#include <sluice/shard/timer.hpp>

#include <fmt/format.h>

#include <chrono>
#include <libpq-fe.h>
#include <poll.h>
#include <stop_token>
#include <utility>

namespace sluice::postgres {

namespace {

// A statement that does nothing, so often, is how PostgreSQL comes to tell that it takes no changes any more.
constexpr duration look_pause = std::chrono::seconds(1);

struct string_closer
{
    void operator()(char* text) const noexcept { PQfreemem(text); }
};
struct notify_closer
{
    void operator()(PGnotify* n) const noexcept { PQfreemem(n); }
};

// Blocks.
result<connection_handle> connect_and_listen(const listener_options& options, const std::stop_token& stop)
{
    const connect_request request = {.url = options.url, .timeout = options.connect_timeout, .stop = stop};
    auto made = connect(request);
    if (!made) return made;
    for (const std::string& channel : options.channels) {
        const std::unique_ptr<char, string_closer> name(
            PQescapeIdentifier(made->get(), channel.data(), channel.size()));
        if (name == nullptr) return fail(unavailable(message_of(made->get())));
        if (auto said = ask(**made, fmt::format("LISTEN {}", name.get()).c_str(), request); !said)
            return fail(std::move(said.error()));
    }
    if (PQsetnonblocking(made->get(), 1) != 0) return fail(unavailable(message_of(made->get())));
    return made;
}

} // namespace

struct listener::state
{
    state(shard& on, offload_pool& pool, listener_options o, functions f)
        : home(on), blocking(pool), options(std::move(o)), tell(std::move(f))
    {
        background.stop = &on.background().stop();
        begin();
    }
    ~state()
    {
        if (readable.in_flight()) home.ring().abandon(readable);
        if (retry.armed()) home.timers().cancel(retry);
        if (looking.armed()) home.timers().cancel(looking);
    }

    void begin() { home.background().spawn(connect_one(), &background); }

    task<void> connect_one()
    {
        std::stop_source leaving; // the pool's thread waits no longer than this shard
        auto made = co_await offload(
            blocking, [wanted = options, stop = leaving.get_token()] { return connect_and_listen(wanted, stop); });
        leaving.request_stop();
        if (home.background().stop().requested()) co_return;
        if (!made) {
            if (failures++ == 0)
                log(log_level::warn, "PostgreSQL sends no notifications", {{"reason", made.error().detail}});
            home.timers().arm(retry, home.now() + back_off(failures));
            co_return;
        }
        failures = 0;
        handle = std::move(*made);
        made_at = home.now();
        wanted = wanted_kind(*handle);
        if (wanted != server_kind::any) home.timers().arm(looking, home.now() + look_pause);
        tell.listening();
        read(); // some may have come with the answers
    }

    void look()
    {
        if (handle == nullptr) return;
        if (PQtransactionStatus(handle.get()) == PQTRANS_IDLE && PQsendQuery(handle.get(), "") == 1)
            (void)PQflush(handle.get());
        home.timers().arm(looking, home.now() + look_pause);
    }

    void read()
    {
        const bool sound = PQconsumeInput(handle.get()) == 1;
        while (PQisBusy(handle.get()) == 0)
            if (result_handle(PQgetResult(handle.get())) == nullptr) break; // what look() is answered
        while (const auto next = std::unique_ptr<PGnotify, notify_closer>(PQnotifies(handle.get())))
            tell.heard({.channel = next->relname, .payload = next->extra, .sender = next->be_pid});
        const bool left = is_left_for_another(*handle, wanted);
        if (sound && !left && PQstatus(handle.get()) == CONNECTION_OK)
            return home.ring().poll(PQsocket(handle.get()), POLLIN, readable);
        log(log_level::warn, "The connection for PostgreSQL's notifications was lost",
            {{"reason", left ? "the server takes no changes any more" : message_of(handle.get())}});
        if (looking.armed()) home.timers().cancel(looking);
        handle.reset();
        tell.lost();
        // One that did not last is no reason to try at once.
        const bool lasted = home.now() - made_at > back_off_max;
        home.timers().arm(retry, lasted ? home.now() : home.now() + back_off(1));
    }

    void on_readable(completion) { read(); }

    shard& home;
    offload_pool& blocking;
    listener_options options;
    functions tell;
    context background{.task = "PostgreSQL: to listen"};
    connection_handle handle;
    server_kind wanted = server_kind::any;
    bound<operation, &state::on_readable> readable{*this};
    bound<timer, &state::begin> retry{*this};
    bound<timer, &state::look> looking{*this}; // where only one that takes changes will do
    time_point made_at = {};
    unsigned failures = 0;
};

listener::listener(shard& on, offload_pool& blocking, listener_options options, functions tell)
    : state_(std::make_unique<state>(on, blocking, std::move(options), std::move(tell)))
{}

listener::~listener() = default;

bool listener::is_listening() const noexcept { return state_->handle != nullptr; }

} // namespace sluice::postgres
