#include <sluice/route/json.hpp>
#include <sluice/server/server.hpp>

#include <string>
#include <tuple>

struct greeting
{
    std::string words;
};
template <> struct sluice::fields<greeting>
{
    static constexpr auto list = std::tuple{field("words", &greeting::words)};
};

int main()
{
    using namespace sluice;
    server server({.listen = {"127.0.0.1:8080"}});
    server.on_shard([](shard&, router& routes) {
        routes.get("/hello/{name}", [](request& asked) -> result<response> {
            auto name = asked.path<std::string>("name");
            if (!name) return fail(name.error());
            return json(greeting{"Hello, " + *name});
        });
    });
    return server.run() ? 0 : 1;
}
