// A server with one resource, notes: what CONTRIBUTING.md builds from start to end.
#include "resources/notes/memory_note_repository.hpp"
#include "resources/notes/note_routes.hpp"

#include <sluice/server/server.hpp>

#include <cstdio>
#include <string>
#include <vector>

int main(int argc, char** argv)
{
    using namespace sluice;
    server server({.listen = {argc > 1 ? argv[1] : "127.0.0.1:8080"}, .shards = 1});
    server.on_shard([](shard& s, router& routes) {
        notes::note_routes(routes, s.own<notes::note_service>(s.own<notes::memory_note_repository>()));
    });
    server.on_ready([](const std::vector<std::string>& listening) {
        std::printf("%s\n", listening.front().c_str());
        std::fflush(stdout);
    });
    const auto ended = server.run();
    if (!ended) std::fprintf(stderr, "notes: %s\n", ended.error().detail.c_str());
    return ended ? 0 : 1;
}
