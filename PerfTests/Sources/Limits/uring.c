#define _GNU_SOURCE
#include "internal.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ENTRIES = 32, DEPTH_MAX = 16, BLOCK = 4096 };

struct ring {
    int fd;
    _Atomic unsigned *sq_tail, *cq_head, *cq_tail;
    unsigned sq_mask, cq_mask, *sq_array;
    struct io_uring_sqe *sqes;
    struct io_uring_cqe *cqes;
};

static int ring_open(struct ring *ring) {
    struct io_uring_params params = {0};
    ring->fd = (int)syscall(__NR_io_uring_setup, ENTRIES, &params);
    if (ring->fd < 0) return -errno;
    size_t sq_bytes = params.sq_off.array + params.sq_entries * sizeof(unsigned);
    size_t cq_bytes = params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe);
    char *sq = mmap(NULL, sq_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring->fd, IORING_OFF_SQ_RING);
    char *cq = mmap(NULL, cq_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring->fd, IORING_OFF_CQ_RING);
    ring->sqes = mmap(NULL, params.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring->fd,
                      IORING_OFF_SQES);
    if (sq == MAP_FAILED || cq == MAP_FAILED || (void *)ring->sqes == MAP_FAILED) return -errno;
    ring->sq_tail = (_Atomic unsigned *)(sq + params.sq_off.tail);
    ring->sq_mask = *(unsigned *)(sq + params.sq_off.ring_mask);
    ring->sq_array = (unsigned *)(sq + params.sq_off.array);
    ring->cq_head = (_Atomic unsigned *)(cq + params.cq_off.head);
    ring->cq_tail = (_Atomic unsigned *)(cq + params.cq_off.tail);
    ring->cq_mask = *(unsigned *)(cq + params.cq_off.ring_mask);
    ring->cqes = (struct io_uring_cqe *)(cq + params.cq_off.cqes);
    return 0;
}

static int ring_write(struct ring *ring, int file, const void *data, unsigned bytes, int64_t offset, uint64_t tag) {
    unsigned tail = atomic_load_explicit(ring->sq_tail, memory_order_relaxed);
    struct io_uring_sqe *sqe = &ring->sqes[tail & ring->sq_mask];
    *sqe = (struct io_uring_sqe){
        .opcode = IORING_OP_WRITE, .fd = file, .addr = (uint64_t)(uintptr_t)data, .len = bytes, .off = (uint64_t)offset, .user_data = tag};
    ring->sq_array[tail & ring->sq_mask] = tail & ring->sq_mask;
    atomic_store_explicit(ring->sq_tail, tail + 1, memory_order_release);
    return syscall(__NR_io_uring_enter, ring->fd, 1, 0, 0, NULL, 0) == 1 ? 0 : -errno;
}

int limits_uring_available(void) {
    struct ring ring;
    int result = ring_open(&ring);
    if (result == 0) close(ring.fd);
    return result;
}

// A write in flight, and what becomes answerable when it and all before it are durable.
struct frame {
    char *data;
    unsigned bytes;
    int done;
    int count;
    struct {
        int index;
        int64_t lines;
    } credits[CONNECTIONS_MAX];
};

int uring_serve(struct server *server) {
    const struct limits_echo_options *options = server->options;
    int depth = options->depth > DEPTH_MAX ? DEPTH_MAX : options->depth;
    struct ring ring;
    int result = ring_open(&ring);
    if (result != 0) return result;
    // Direct: a buffered O_DSYNC write would be done by a worker thread of the kernel.
    int file = limits_zero_filled(options->file, options->file_bytes, O_DIRECT | O_DSYNC);
    if (file < 0) return file;
    int notice = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (syscall(__NR_io_uring_register, ring.fd, IORING_REGISTER_EVENTFD, &notice, 1) != 0) return -errno;
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u32 = CONNECTIONS_MAX + 1};
    if (epoll_ctl(server->poller, EPOLL_CTL_ADD, notice, &event) != 0) return -errno;

    struct frame *frames = calloc((size_t)depth, sizeof *frames);
    for (int i = 0; i < depth; i++) {
        frames[i].data = aligned_alloc(BLOCK, LOG_BYTES_MAX);
        memset(frames[i].data, 0xA5, LOG_BYTES_MAX);
    }
    uint64_t head = 0, tail = 0;
    int64_t offset = 0;
    struct epoll_event events[256];
    for (;;) {
        // With all frames in flight nothing more is read: the kernel's buffers fill, and the next frame is larger.
        int full = tail - head == (uint64_t)depth;
        int count = 0;
        if (full) {
            if (syscall(__NR_io_uring_enter, ring.fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0 && errno != EINTR) return -errno;
        } else {
            count = epoll_wait(server->poller, events, 256, -1);
            if (count < 0 && errno != EINTR) return -errno;
        }
        struct frame *frame = &frames[tail % (uint64_t)depth];
        int64_t lines = 0;
        if (count > 0) frame->count = 0;
        for (int i = 0; i < count; i++) {
            int index = (int)events[i].data.u32;
            if (index == CONNECTIONS_MAX + 1) continue;
            if (index == CONNECTIONS_MAX) {
                server_accept(server);
                continue;
            }
            if (events[i].events & EPOLLOUT) server_send(server, index);
            int64_t came = server_read(server, index);
            if (came == 0) continue;
            frame->credits[frame->count].index = index;
            frame->credits[frame->count++].lines = came;
            lines += came;
        }
        if (lines > 0) {
            int64_t bytes = (lines * options->log_bytes + BLOCK - 1) / BLOCK * BLOCK;
            frame->bytes = (unsigned)(bytes < LOG_BYTES_MAX ? bytes : LOG_BYTES_MAX);
            frame->done = 0;
            if (offset + frame->bytes > options->file_bytes) offset = 0;
            result = ring_write(&ring, file, frame->data, frame->bytes, offset, tail % (uint64_t)depth);
            if (result != 0) return result;
            offset += frame->bytes;
            tail++;
        }
        unsigned at = atomic_load_explicit(ring.cq_head, memory_order_relaxed);
        unsigned end = atomic_load_explicit(ring.cq_tail, memory_order_acquire);
        for (; at != end; at++) {
            struct io_uring_cqe *cqe = &ring.cqes[at & ring.cq_mask];
            struct frame *written = &frames[cqe->user_data];
            if (cqe->res != (int)written->bytes) return cqe->res < 0 ? cqe->res : -EIO;
            written->done = 1;
        }
        atomic_store_explicit(ring.cq_head, at, memory_order_release);
        while (head != tail && frames[head % (uint64_t)depth].done) {
            struct frame *durable = &frames[head % (uint64_t)depth];
            for (int i = 0; i < durable->count; i++) {
                server->connections[durable->credits[i].index].owed += durable->credits[i].lines;
                server_send(server, durable->credits[i].index);
            }
            head++;
        }
    }
}
