// io_uring constants that liburing 2.3 and older kernel headers do not name; the values are the kernel's.
#pragma once

#include <liburing.h>

#ifndef IORING_ENTER_NO_IOWAIT
#define IORING_ENTER_NO_IOWAIT (1U << 7) // Linux 6.15
#endif
#ifndef IORING_FEAT_NO_IOWAIT
#define IORING_FEAT_NO_IOWAIT (1U << 17)
#endif

#ifndef IORING_FEAT_RECVSEND_BUNDLE
#define IORING_FEAT_RECVSEND_BUNDLE (1U << 14) // Linux 6.10
#endif
#ifndef IORING_FEAT_MIN_TIMEOUT
#define IORING_FEAT_MIN_TIMEOUT (1U << 15) // Linux 6.12
#endif

namespace sluice {

// These are enumerators where the headers have them, so they bear names of their own here.
inline constexpr unsigned register_napi = 27;                     // Linux 6.9
inline constexpr unsigned short provided_buffers_incremental = 2; // Linux 6.12

// struct io_uring_buf_reg, whose older form has no flags.
struct buffer_registration
{
    __u64 ring_addr;
    __u32 ring_entries;
    __u16 bgid;
    __u16 flags;
    __u64 resv[3];
};
static_assert(sizeof(buffer_registration) == sizeof(io_uring_buf_reg));

// struct io_uring_napi.
struct napi_registration
{
    __u32 busy_poll_us;
    __u8 prefer_busy_poll;
    __u8 pad[3];
    __u64 resv;
};

} // namespace sluice
