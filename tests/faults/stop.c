/* Stops a program dead at its n-th step that reaches the disk or the database: preloaded by tests/retention_faults.rs.
   Steps are counted once the file STOP_ARMED is there: before a transaction's first page and after its sync in SQLite's
   log, before and after each COMMIT sent to PostgreSQL, after a file or folder of a package is synced or renamed. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

static int counted;
static int dirty; /* pages of a transaction have been written and not synced */

static void step(const char *what, const char *name) {
    const char *armed = getenv("STOP_ARMED"), *at = getenv("STOP_AT"), *told = getenv("STOP_TOLD");
    if (!armed || !at || access(armed, F_OK) != 0) return;
    int n = __atomic_add_fetch(&counted, 1, __ATOMIC_SEQ_CST);
    if (n > atoi(at)) return;
    if (told) {
        char line[512];
        int length = snprintf(line, sizeof line, "%d %s %s\n", n, what, name);
        int out = open(told, O_WRONLY | O_CREAT | O_APPEND, 0600);
        if (out >= 0) {
            static ssize_t (*real)(int, const void *, size_t);
            if (!real) real = dlsym(RTLD_NEXT, "write");
            if (real(out, line, (size_t)length) < 0) _exit(3);
            close(out);
        }
    }
    if (n == atoi(at)) {
        kill(getpid(), SIGKILL);
        pause();
    }
}

static const char *name_of(int fd, char *into, size_t size) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, into, size - 1);
    into[length < 0 ? 0 : length] = 0;
    return into;
}

static int ends(const char *name, const char *with) {
    size_t a = strlen(name), b = strlen(with);
    return a >= b && strcmp(name + a - b, with) == 0;
}

static int of_package(const char *name) { return strstr(name, "/packages/") || strstr(name, "/archive/"); }

/* Not every file of a package: those in which something ends. */
static int told_of(const char *name) {
    return of_package(name) && (ends(name, "METS.xml") || ends(name, "boat.ndjson") || ends(name, "bagit.txt") ||
                                ends(name, "tagmanifest-sha256.txt") || strstr(name, ".tar"));
}

static void writes(int fd) {
    char name[512];
    if (fd <= 2 || !ends(name_of(fd, name, sizeof name), "-wal")) return;
    if (!__atomic_exchange_n(&dirty, 1, __ATOMIC_SEQ_CST)) step("before", "transaction");
}

static void synced(int fd) {
    char name[512];
    name_of(fd, name, sizeof name);
    if (ends(name, "-wal")) {
        if (__atomic_exchange_n(&dirty, 0, __ATOMIC_SEQ_CST)) step("after", "transaction");
    } else if (told_of(name)) {
        step("synced", strrchr(name, '/') + 1);
    }
}

ssize_t write(int fd, const void *bytes, size_t size) {
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) real = dlsym(RTLD_NEXT, "write");
    writes(fd);
    return real(fd, bytes, size);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at) {
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    if (!real) real = dlsym(RTLD_NEXT, "pwrite64");
    writes(fd);
    return real(fd, bytes, size, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) { return pwrite64(fd, bytes, size, at); }

int fsync(int fd) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fsync");
    int done = real(fd);
    synced(fd);
    return done;
}

int fdatasync(int fd) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fdatasync");
    int done = real(fd);
    synced(fd);
    return done;
}

int rename(const char *from, const char *to) {
    static int (*real)(const char *, const char *);
    if (!real) real = dlsym(RTLD_NEXT, "rename");
    if (of_package(to)) step("before", "rename");
    int done = real(from, to);
    if (of_package(to)) step("after", "rename");
    return done;
}

ssize_t send(int fd, const void *bytes, size_t size, int flags) {
    static ssize_t (*real)(int, const void *, size_t, int);
    if (!real) real = dlsym(RTLD_NEXT, "send");
    int commits = size < 64 && memmem(bytes, size, "COMMIT", 6) != NULL;
    if (commits) step("before", "transaction");
    ssize_t done = real(fd, bytes, size, flags);
    if (commits) step("after", "transaction");
    return done;
}
