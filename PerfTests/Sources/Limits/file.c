#define _GNU_SOURCE
#include "internal.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int limits_zero_filled(const char *path, int64_t bytes, int flags) {
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return -errno;
    static char zeros[1 << 20];
    for (int64_t at = 0; at < bytes; at += sizeof zeros)
        if (pwrite(fd, zeros, sizeof zeros, at) != sizeof zeros) return close(fd), -EIO;
    if (fsync(fd) != 0) return close(fd), -EIO;
    close(fd);
    fd = open(path, O_RDWR | O_CLOEXEC | flags);
    return fd < 0 ? -errno : fd;
}

int limits_sync(const char *path, int64_t file_bytes, int bytes, int count, int64_t *nanoseconds) {
    int fd = limits_zero_filled(path, file_bytes, 0);
    if (fd < 0) return fd;
    char *data = malloc((size_t)bytes);
    memset(data, 0xA5, (size_t)bytes);
    int result = 0;
    int64_t offset = 0;
    for (int i = 0; i < count && result == 0; i++) {
        if (offset + bytes > file_bytes) offset = 0;
        struct timespec from, to;
        clock_gettime(CLOCK_MONOTONIC, &from);
        if (pwrite(fd, data, (size_t)bytes, offset) != bytes || fdatasync(fd) != 0) result = -errno;
        clock_gettime(CLOCK_MONOTONIC, &to);
        nanoseconds[i] = (to.tv_sec - from.tv_sec) * 1000000000ll + to.tv_nsec - from.tv_nsec;
        offset += bytes;
    }
    free(data);
    close(fd);
    return result;
}
