// Thread-local variables that cost one instruction: constant-initialised, without a destructor, and in the static TLS
// block, so that reaching one is a load and no call even from a shared library.
#pragma once

// Put before `inline thread_local`. Visible by default, so that a shared library and its user see one variable.
#define SLUICE_THREAD_LOCAL [[gnu::tls_model("initial-exec"), gnu::visibility("default")]] constinit
