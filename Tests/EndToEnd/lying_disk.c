// A disk that lies: direct writes (the log's frames) are called done at once and done some time later. A `kill -9` loses what it still has.
// Preloaded in front of the C library, so that tests of durability can be seen to fail.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

struct late {
    struct late *next;
    int file;
    off_t offset;
    size_t size;
    void *bytes;
};

static struct late *first, **last = &first;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void *write_late(void *unused) {
    for (;;) {
        usleep(30 * 1000);
        pthread_mutex_lock(&lock);
        struct late *all = first;
        first = NULL;
        last = &first;
        pthread_mutex_unlock(&lock);
        while (all) {
            struct late *this = all;
            all = this->next;
            syscall(SYS_pwrite64, this->file, this->bytes, this->size, this->offset);
            close(this->file);
            free(this->bytes);
            free(this);
        }
    }
    return unused;
}

static void begin(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, write_late, NULL);
}

static ssize_t lie(int file, const void *bytes, size_t size, off_t offset) {
    if (!(fcntl(file, F_GETFL) & O_DIRECT)) return syscall(SYS_pwrite64, file, bytes, size, offset);
    pthread_once(&once, begin);
    struct late *this = malloc(sizeof *this);
    this->next = NULL;
    this->file = dup(file);
    this->offset = offset;
    this->size = size;
    if (posix_memalign(&this->bytes, 4096, size)) return -1;
    memcpy(this->bytes, bytes, size);
    pthread_mutex_lock(&lock);
    *last = this;
    last = &this->next;
    pthread_mutex_unlock(&lock);
    return size;
}

ssize_t pwrite(int file, const void *bytes, size_t size, off_t offset) { return lie(file, bytes, size, offset); }
ssize_t pwrite64(int file, const void *bytes, size_t size, off_t offset) { return lie(file, bytes, size, offset); }
