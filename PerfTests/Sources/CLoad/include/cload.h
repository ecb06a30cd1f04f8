// What Swift cannot import well: epoll's packed events, and sockets in few words. Errors are returned as -errno.
#ifndef CLOAD_H
#define CLOAD_H
#include <stdint.h>

// A blocking TCP connection to 127.0.0.1 with TCP_NODELAY; receiving gives up after `timeout_seconds`.
int cload_connect(int port, int timeout_seconds);
// A port of 127.0.0.1 that was free a moment ago.
int cload_free_port(void);

int cload_poller(void);
// Watches `fd` for input, and for room to write when `output`. `add`: it was not watched before.
int cload_watch(int poller, int fd, uint32_t index, int output, int add);
// Waits at most `timeout_ns` (-1: for ever) and fills `ready` with indexes of what can be read or written. Returns how many.
int cload_wait(int poller, uint32_t *ready, int max, int64_t timeout_ns);
// Wake-ups of this thread are on time to the microsecond instead of 50 of them late.
void cload_exact_timers(void);

// The bytes moved, 0 at the end of input, -EAGAIN when nothing can be. `wait`: block until something can.
int64_t cload_receive(int fd, void *buffer, int64_t size, int wait);
int64_t cload_send(int fd, const void *buffer, int64_t size, int wait);

// Nanoseconds.
int64_t cload_monotonic(void);
int64_t cload_thread_cpu(void);

// Bytes of the heap that are allocated and not given back (glibc's mallinfo2).
int64_t cload_heap_bytes(void);

// This process gets SIGKILL when its parent dies. Returns 1 if the parent died before.
int cload_die_with_parent(int parent);
#endif
