// Assertions for programming errors; never for anything that came over a wire. On in every build, since each costs a
// predictable branch: a broken invariant stops the process, loudly, instead of answering wrongly.
#pragma once

#pragma GCC visibility push(default)

namespace sluice {
[[noreturn, gnu::cold]] void assertion_failed(const char* expression, const char* file, int line) noexcept;
}

#define SLUICE_ASSERT(expression)                                                                                      \
    (static_cast<bool>(expression) ? void(0) : ::sluice::assertion_failed(#expression, __FILE__, __LINE__))

#pragma GCC visibility pop
