// The limits: the same bytes moved and synced with no work done between. What a service of this shape cannot beat on this machine.
#ifndef CASHUP_LIMITS_H
#define CASHUP_LIMITS_H
#include <stdint.h>

enum limits_echo_kind {
    // Lines in, answers out.
    LIMITS_BARE = 0,
    // Group commit: read what has come, write it, fdatasync, answer.
    LIMITS_DURABLE = 1,
    // Several O_DSYNC writes in flight by io_uring, each padded to 4 KiB; what is answered is the durable prefix.
    LIMITS_IN_FLIGHT = 2,
};

struct limits_echo_options {
    int port;
    enum limits_echo_kind kind;
    // Made, filled with zeros before the first connection is taken, written round and round.
    const char *file;
    int64_t file_bytes;
    // Of an answer, and of what is logged for a line.
    int answer_bytes;
    int log_bytes;
    // Writes in flight at most, up to 16 (LIMITS_IN_FLIGHT).
    int depth;
};

// Serves 127.0.0.1 on the calling thread and does not return unless it fails: with -errno.
int limits_echo(const struct limits_echo_options *options);

// 0 if io_uring can be used here, else -errno.
int limits_uring_available(void);

// Writes `bytes` and syncs, `count` times, on a zero-filled file; the nanoseconds of each into `nanoseconds`. 0, or -errno.
int limits_sync(const char *file, int64_t file_bytes, int bytes, int count, int64_t *nanoseconds);

#endif
