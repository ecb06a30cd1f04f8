#define _GNU_SOURCE
#include "cload.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_in loopback(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

int cload_connect(int port, int timeout_seconds) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    struct sockaddr_in address = loopback(port);
    int on = 1;
    struct timeval timeout = {.tv_sec = timeout_seconds};
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0
        || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0
        || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) != 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

int cload_free_port(void) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    struct sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    int result = bind(fd, (struct sockaddr *)&address, size) == 0 && getsockname(fd, (struct sockaddr *)&address, &size) == 0
        ? ntohs(address.sin_port) : -errno;
    close(fd);
    return result;
}

int cload_poller(void) {
    int poller = epoll_create1(EPOLL_CLOEXEC);
    return poller < 0 ? -errno : poller;
}

int cload_watch(int poller, int fd, uint32_t index, int output, int add) {
    struct epoll_event event = {.events = EPOLLIN | (output ? EPOLLOUT : 0u), .data.u32 = index};
    return epoll_ctl(poller, add ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event) == 0 ? 0 : -errno;
}

int cload_wait(int poller, uint32_t *ready, int max, int64_t timeout_ns) {
    struct epoll_event events[256];
    if (max > 256) max = 256;
    int count;
    if (timeout_ns <= 0) {
        count = epoll_wait(poller, events, max, timeout_ns < 0 ? -1 : 0);
    } else {
        struct timespec timeout = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
        count = epoll_pwait2(poller, events, max, &timeout, NULL);
    }
    if (count < 0) return errno == EINTR ? 0 : -errno;
    for (int i = 0; i < count; i++) ready[i] = events[i].data.u32;
    return count;
}

void cload_exact_timers(void) { prctl(PR_SET_TIMERSLACK, 1000, 0, 0, 0); }

int64_t cload_receive(int fd, void *buffer, int64_t size, int wait) {
    ssize_t count;
    do count = recv(fd, buffer, (size_t)size, wait ? 0 : MSG_DONTWAIT);
    while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : count;
}

int64_t cload_send(int fd, const void *buffer, int64_t size, int wait) {
    ssize_t count;
    do count = send(fd, buffer, (size_t)size, MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT));
    while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : count;
}

static int64_t nanoseconds(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec * 1000000000ll + time.tv_nsec;
}

int64_t cload_monotonic(void) { return nanoseconds(CLOCK_MONOTONIC); }
int64_t cload_thread_cpu(void) { return nanoseconds(CLOCK_THREAD_CPUTIME_ID); }

int cload_die_with_parent(int parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    return getppid() != parent;
}
