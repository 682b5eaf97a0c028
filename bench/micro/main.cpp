// The suites of the layers, of which each file names its own.
#include <benchmark/benchmark.h>

BENCHMARK_MAIN();
