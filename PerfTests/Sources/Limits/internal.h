#ifndef CASHUP_LIMITS_INTERNAL_H
#define CASHUP_LIMITS_INTERNAL_H
#include "limits.h"
#include <stddef.h>

enum { CONNECTIONS_MAX = 1024, INPUT_BYTES = 1 << 18, LOG_BYTES_MAX = 1 << 20 };

// A file filled with zeros and synced, opened again with `flags`; -errno.
int limits_zero_filled(const char *path, int64_t bytes, int flags);

struct connection {
    int fd;
    // Answers that may leave and have not; bytes of the first of them that are gone.
    int64_t owed;
    int sent_of_first;
    int awaits_room;
};

struct server {
    const struct limits_echo_options *options;
    int listener, poller;
    struct connection connections[CONNECTIONS_MAX];
    char input[INPUT_BYTES];
    // So many answers, ready to send.
    char *answers;
    int64_t answers_ready;
};

int server_open(struct server *server, const struct limits_echo_options *options);
void server_accept(struct server *server);
// Reads once from a connection. Returns the lines that ended in it; closes it at its end.
int64_t server_read(struct server *server, int index);
// Sends what is owed as far as the kernel takes it.
void server_send(struct server *server, int index);

int uring_serve(struct server *server);

#endif
