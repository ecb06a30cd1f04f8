// Makes every write of a process slow while a file is there: preloaded in front of the C library. For tests.
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static ssize_t slow_write(int file, const void *bytes, size_t size, off_t offset) {
    const char *switch_file = getenv("SLOW_DISK_WHILE");
    if (switch_file && access(switch_file, F_OK) == 0) usleep(1500 * 1000);
    return syscall(SYS_pwrite64, file, bytes, size, offset);
}

ssize_t pwrite(int file, const void *bytes, size_t size, off_t offset) { return slow_write(file, bytes, size, offset); }
ssize_t pwrite64(int file, const void *bytes, size_t size, off_t offset) { return slow_write(file, bytes, size, offset); }
