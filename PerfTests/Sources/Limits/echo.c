#define _GNU_SOURCE
#include "internal.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

int server_open(struct server *server, const struct limits_echo_options *options) {
    server->options = options;
    server->answers_ready = 65536 / options->answer_bytes;
    server->answers = malloc((size_t)(server->answers_ready * options->answer_bytes));
    memset(server->answers, 'x', (size_t)(server->answers_ready * options->answer_bytes));
    for (int64_t i = 0; i < server->answers_ready; i++) {
        server->answers[i * options->answer_bytes] = '+';
        server->answers[(i + 1) * options->answer_bytes - 1] = '\n';
    }
    for (int i = 0; i < CONNECTIONS_MAX; i++) server->connections[i].fd = -1;

    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options->port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int on = 1;
    setsockopt(server->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(server->listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(server->listener, 512) != 0) return -errno;
    server->poller = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = CONNECTIONS_MAX};
    return epoll_ctl(server->poller, EPOLL_CTL_ADD, server->listener, &event) == 0 ? 0 : -errno;
}

void server_accept(struct server *server) {
    int fd;
    while ((fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
        int index = 0, on = 1;
        while (index < CONNECTIONS_MAX && server->connections[index].fd >= 0) index++;
        if (index == CONNECTIONS_MAX) {
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        server->connections[index] = (struct connection){.fd = fd};
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)index};
        epoll_ctl(server->poller, EPOLL_CTL_ADD, fd, &event);
    }
}

int64_t server_read(struct server *server, int index) {
    struct connection *connection = &server->connections[index];
    if (connection->fd < 0) return 0;
    ssize_t count = recv(connection->fd, server->input, INPUT_BYTES, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
    if (count <= 0) {
        close(connection->fd);
        connection->fd = -1;
        connection->owed = 0;
        return 0;
    }
    int64_t lines = 0;
    for (ssize_t i = 0; i < count; i++) lines += server->input[i] == '\n';
    return lines;
}

void server_send(struct server *server, int index) {
    struct connection *connection = &server->connections[index];
    if (connection->fd < 0) return;
    int answer_bytes = server->options->answer_bytes;
    while (connection->owed > 0) {
        int64_t answers = connection->owed < server->answers_ready ? connection->owed : server->answers_ready;
        ssize_t count = send(connection->fd, server->answers + connection->sent_of_first,
                             (size_t)(answers * answer_bytes - connection->sent_of_first), MSG_NOSIGNAL);
        if (count < 0) break;
        int64_t sent = connection->sent_of_first + count;
        connection->owed -= sent / answer_bytes;
        connection->sent_of_first = (int)(sent % answer_bytes);
    }
    int awaits_room = connection->owed > 0;
    if (awaits_room != connection->awaits_room) {
        connection->awaits_room = awaits_room;
        struct epoll_event event = {.events = EPOLLIN | (awaits_room ? EPOLLOUT : 0u), .data.u32 = (uint32_t)index};
        epoll_ctl(server->poller, EPOLL_CTL_MOD, connection->fd, &event);
    }
}

// One thread: what came in one turn is one write and one sync, and is answered after it.
static int serve(struct server *server) {
    const struct limits_echo_options *options = server->options;
    int file = -1;
    char *log = NULL;
    int64_t offset = 0;
    if (options->kind == LIMITS_DURABLE) {
        file = limits_zero_filled(options->file, options->file_bytes, 0);
        if (file < 0) return file;
        log = malloc(LOG_BYTES_MAX);
        memset(log, 0xA5, LOG_BYTES_MAX);
    }
    struct epoll_event events[256];
    for (;;) {
        int count = epoll_wait(server->poller, events, 256, -1);
        if (count < 0 && errno != EINTR) return -errno;
        int64_t lines = 0;
        for (int i = 0; i < count; i++) {
            int index = (int)events[i].data.u32;
            if (index == CONNECTIONS_MAX) {
                server_accept(server);
                continue;
            }
            int64_t came = server_read(server, index);
            server->connections[index].owed += came;
            lines += came;
        }
        if (file >= 0 && lines > 0) {
            int64_t bytes = lines * options->log_bytes;
            while (bytes > 0) {
                int64_t part = bytes < LOG_BYTES_MAX ? bytes : LOG_BYTES_MAX;
                if (offset + part > options->file_bytes) offset = 0;
                if (pwrite(file, log, (size_t)part, offset) != part) return -errno;
                offset += part;
                bytes -= part;
            }
            if (fdatasync(file) != 0) return -errno;
        }
        for (int i = 0; i < count; i++)
            if (events[i].data.u32 < CONNECTIONS_MAX) server_send(server, (int)events[i].data.u32);
    }
}

int limits_echo(const struct limits_echo_options *options) {
    struct server *server = calloc(1, sizeof *server);
    int result = server_open(server, options);
    if (result == 0) result = options->kind == LIMITS_IN_FLIGHT ? uring_serve(server) : serve(server);
    return result;
}
