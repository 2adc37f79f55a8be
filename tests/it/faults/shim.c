/* Lets one file operation of a process fail, or kills the process at it: LD_PRELOAD this.
 *
 *   FAULT_UNDER  operations on paths below this directory count
 *   FAULT_AT     the number of the first that fails, counted from 1; 0 for none
 *   FAULT_KIND   an errno, with which that one and all later ones that need room fail; or 0: SIGKILL
 *   FAULT_COUNT  a file that is told how many operations there were when the process ends
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_int operations;

static int is_under(const char *path)
{
    const char *under = getenv("FAULT_UNDER");
    return under && path && strncmp(path, under, strlen(under)) == 0;
}

static int is_under_fd(int fd)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return is_under(path);
}

/* Whether the operation is to fail, with errno set. */
static int fails(void)
{
    const char *at = getenv("FAULT_AT"), *kind = getenv("FAULT_KIND");
    int now = atomic_fetch_add(&operations, 1) + 1;
    int first = at ? atoi(at) : 0, number = kind ? atoi(kind) : 0;
    if (first == 0 || now < first)
        return 0;
    if (number == 0)
        raise(SIGKILL);
    errno = number;
    return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *bytes, size_t count)
{
    if (is_under_fd(fd) && fails())
        return -1;
    return REAL(write)(fd, bytes, count);
}

int fsync(int fd)
{
    if (is_under_fd(fd) && fails())
        return -1;
    return REAL(fsync)(fd);
}

int mkdir(const char *path, mode_t mode)
{
    if (is_under(path) && fails())
        return -1;
    return REAL(mkdir)(path, mode);
}

static int opens(const char *path, int flags)
{
    return (flags & (O_CREAT | O_WRONLY | O_RDWR)) && is_under(path) && fails();
}

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        va_list more;                                                                              \
        va_start(more, flags);                                                                     \
        mode_t mode = va_arg(more, mode_t);                                                        \
        va_end(more);                                                                              \
        return opens(path, flags) ? -1 : REAL(name)(path, flags, mode);                            \
    }
OPEN(open)
OPEN(open64)

/* Paths below directories that are open: what removes whole directories works with these. */
static int is_under_at(int directory, const char *path)
{
    return path[0] == '/' || directory == AT_FDCWD ? is_under(path) : is_under_fd(directory);
}

#define OPENAT(name)                                                                               \
    int name(int directory, const char *path, int flags, ...)                                      \
    {                                                                                              \
        va_list more;                                                                              \
        va_start(more, flags);                                                                     \
        mode_t mode = va_arg(more, mode_t);                                                        \
        va_end(more);                                                                              \
        int writes = flags & (O_CREAT | O_WRONLY | O_RDWR);                                        \
        if (writes && is_under_at(directory, path) && fails())                                     \
            return -1;                                                                             \
        return REAL(name)(directory, path, flags, mode);                                           \
    }
OPENAT(openat)
OPENAT(openat64)

/* These need no room: only a kill, or a device that fails as a whole, stops them. */
static int removal_fails(void)
{
    const char *kind = getenv("FAULT_KIND");
    int number = kind ? atoi(kind) : 0;
    return number != ENOSPC && fails();
}

static int kills(const char *path)
{
    return is_under(path) && removal_fails();
}

int unlinkat(int directory, const char *path, int flags)
{
    if (is_under_at(directory, path) && removal_fails())
        return -1;
    return REAL(unlinkat)(directory, path, flags);
}

int rename(const char *from, const char *to)
{
    return kills(from) ? -1 : REAL(rename)(from, to);
}

int unlink(const char *path)
{
    return kills(path) ? -1 : REAL(unlink)(path);
}

int rmdir(const char *path)
{
    return kills(path) ? -1 : REAL(rmdir)(path);
}

__attribute__((destructor)) static void tell(void)
{
    const char *path = getenv("FAULT_COUNT");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (file) {
        fprintf(file, "%d\n", atomic_load(&operations));
        fclose(file);
    }
}
