/*
 * Changes what the operating system does for a process (by LD_PRELOAD), as set by environment variables:
 * CLOCK_OFFSET: path of a file with a 64-bit integer: the milliseconds by which the wall clock is wrong.
 * FLUSH_MS: additional duration of each flush, in milliseconds.
 * RECORD: path of a file to which every completed write, change of size and flush of inbox.db and inbox.db-wal is
 *   appended, and every flush that FAIL_FLUSH makes fail.
 * FAIL_FLUSH: number of the flush of inbox.db-wal that fails; the next flush on each other descriptor fails too.
 * WRITES: path of a file with a 64-bit integer: unless it is 0, writes and changes of size of inbox.db and inbox.db-wal
 *   fail with this error number.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *offset_ms;
static int64_t none;
static long flush_ms;
static int record_fd = -1;
static int64_t recorded;
static volatile int64_t *writes_fail;
static int64_t flushes;
static int64_t failing_flush;
/* By descriptor: 1 after the failed flush, until a flush of this descriptor fails too. */
static char untold[4096];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int (*real_clock_gettime)(clockid_t, struct timespec *);
static int (*real_gettimeofday)(struct timeval *, void *);
static int (*real_fdatasync)(int);
static int (*real_fsync)(int);
static ssize_t (*real_pwrite64)(int, const void *, size_t, off64_t);
static int (*real_ftruncate64)(int, off64_t);

static volatile int64_t *map(const char *variable) {
  const char *path = getenv(variable);
  int fd = path ? open(path, O_RDONLY) : -1;
  void *page = fd >= 0 ? mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
  return page == MAP_FAILED ? &none : page;
}

__attribute__((constructor)) static void init(void) {
  real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
  real_gettimeofday = dlsym(RTLD_NEXT, "gettimeofday");
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_pwrite64 = dlsym(RTLD_NEXT, "pwrite64");
  real_ftruncate64 = dlsym(RTLD_NEXT, "ftruncate64");
  offset_ms = map("CLOCK_OFFSET");
  writes_fail = map("WRITES");
  if (getenv("FAIL_FLUSH")) failing_flush = atol(getenv("FAIL_FLUSH"));
  if (getenv("FLUSH_MS")) flush_ms = atol(getenv("FLUSH_MS"));
  if (getenv("RECORD")) record_fd = open(getenv("RECORD"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

int clock_gettime(clockid_t id, struct timespec *ts) {
  if (!real_clock_gettime) init();
  int rc = real_clock_gettime(id, ts);
  if (rc == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) ts->tv_sec += *offset_ms / 1000;
  return rc;
}

int gettimeofday(struct timeval *tv, void *zone) {
  if (!real_gettimeofday) init();
  int rc = real_gettimeofday(tv, zone);
  if (rc == 0) tv->tv_sec += *offset_ms / 1000;
  return rc;
}

/* 'd' for the database, 'w' for its log, 0 for anything else, or if neither RECORD nor WRITES is set. */
static char file_of(int fd) {
  if (record_fd < 0 && writes_fail == &none) return 0;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  if (n < 0) return 0;
  path[n] = 0;
  const char *name = strstr(path, "/inbox.db");
  if (!name) return 0;
  return strcmp(name, "/inbox.db") == 0 ? 'd' : strcmp(name, "/inbox.db-wal") == 0 ? 'w' : 0;
}

/*
 * Appends a record: what happened, to which file, at which position, and the bytes. `at` is the new size for a change
 * of size, and the number of records before the flush began for a flush.
 */
static void note(char what, char file, int64_t at, const void *data, int64_t size) {
  if (record_fd < 0) return;
  struct { char what, file; char pad[6]; int64_t at, size; } head = { what, file, "", at, size };
  struct iovec parts[2] = { { &head, sizeof head }, { (void *)data, data ? size : 0 } };
  if (writev(record_fd, parts, 2) < 0) abort();
  recorded++;
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
  char file = file_of(fd);
  if (!file) return real_pwrite64(fd, data, size, at);
  if (*writes_fail) {
    errno = *writes_fail;
    return -1;
  }
  pthread_mutex_lock(&lock);
  ssize_t n = real_pwrite64(fd, data, size, at);
  if (n > 0) note('W', file, at, data, n);
  pthread_mutex_unlock(&lock);
  return n;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { return pwrite64(fd, data, size, at); }

int ftruncate64(int fd, off64_t size) {
  char file = file_of(fd);
  if (file && *writes_fail) {
    errno = *writes_fail;
    return -1;
  }
  pthread_mutex_lock(&lock);
  int rc = real_ftruncate64(fd, size);
  if (rc == 0 && file) note('T', file, size, NULL, 0);
  pthread_mutex_unlock(&lock);
  return rc;
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

/* As in Linux, a failed flush is reported once for each descriptor. */
static int fails(int fd) {
  if (!failing_flush) return 0;
  if (__atomic_add_fetch(&flushes, 1, __ATOMIC_SEQ_CST) == failing_flush) memset(untold, 1, sizeof untold);
  return fd < (int)sizeof untold && __atomic_exchange_n(&untold[fd], 0, __ATOMIC_SEQ_CST);
}

/* A flush makes durable what was recorded before it began. */
static int flush(int fd, int (*real)(int)) {
  char file = file_of(fd);
  int64_t before = __atomic_load_n(&recorded, __ATOMIC_SEQ_CST);
  if (flush_ms) usleep(flush_ms * 1000);
  if (file == 'w' && fails(fd)) {
    pthread_mutex_lock(&lock);
    note('X', file, before, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = EIO;
    return -1;
  }
  int rc = real(fd);
  if (rc == 0 && file) {
    pthread_mutex_lock(&lock);
    note('F', file, before, NULL, 0);
    pthread_mutex_unlock(&lock);
  }
  return rc;
}

int fdatasync(int fd) { return flush(fd, real_fdatasync); }
int fsync(int fd) { return flush(fd, real_fsync); }
