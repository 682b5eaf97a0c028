// Writes the corpus of raw answers as seeds of their fuzzer into the folder given last, and makes the folder given
// first, where the fuzzer puts what it finds.
#include "../http/answer_corpus.hpp"

#include <filesystem>
#include <fstream>

int main(int, char** arguments)
{
    const std::filesystem::path seeds = arguments[2];
    std::filesystem::create_directories(arguments[1]);
    std::filesystem::create_directories(seeds);
    char way = 0;
    for (const auto& entry : sluice::http::testing::answer_corpus()) {
        std::ofstream file(seeds / entry.name, std::ios::binary);
        file.put(static_cast<char>(entry.asked))
            .put(way++)
            .write(entry.input.data(), static_cast<std::streamsize>(entry.input.size()));
    }
    return 0;
}
