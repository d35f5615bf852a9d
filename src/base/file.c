/* SPDX-License-Identifier: MIT */
#define _FILE_OFFSET_BITS 64 /* files over 2 GiB on 32-bit systems, too */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#if defined(SYS_openat2) && defined(__has_include)
#if __has_include(<linux/openat2.h>)
#include <linux/openat2.h>
#define HAVE_OPENAT2 1
#endif
#endif

/* A read or write of more bytes than this is cut short by Linux anyway. */
#define MAX_TRANSFER 0x40000000u

/* O_NONBLOCK: opening a FIFO or a device must not wait for a partner before we can refuse it. */
#define OPEN_READ (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

static enum ph_status fail_errno(ph_error *err, int code, const char *path, const char *what)
{
    enum ph_status status = code == ENOENT || code == ENOTDIR ? PH_ERR_NOT_FOUND : PH_ERR_IO;
    char words[128];

    return phi_fail(err, status, path, "%s '%s': %s", what, path,
                    strerror_r(code, words, sizeof words));
}

/* What a thing that is not a regular file is, for messages. */
static const char *kind_of(mode_t mode)
{
    if (S_ISDIR(mode)) return "a directory";
    if (S_ISFIFO(mode)) return "a pipe";
    if (S_ISSOCK(mode)) return "a socket";
    if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
    return "not a regular file";
}

/* --- Reading -------------------------------------------------------------------------------- */

/* Exactly n bytes at `offset`; 0, or an errno (EPIPE: the file ended early). */
static int read_all(int fd, unsigned char *data, size_t n, uint64_t offset)
{
    size_t done = 0;

    while (done < n) {
        size_t want = n - done < MAX_TRANSFER ? n - done : MAX_TRANSFER;
        ssize_t got = pread(fd, data + done, want, (off_t)(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno;
        if (got == 0) return EPIPE;
        done += (size_t)got;
    }
    return 0;
}

/* What is to be known about the file behind f->fd, which must be a regular one. */
static enum ph_status look_at(phi_file *f, ph_error *err)
{
    struct stat st;

    if (fstat(f->fd, &st) != 0) return fail_errno(err, errno, f->path, "cannot look at");
    if (!S_ISREG(st.st_mode))
        return phi_fail(err, PH_ERR_IO, f->path,
                        "cannot read '%s': it is %s, a regular file is wanted", f->path,
                        kind_of(st.st_mode));
    f->size = (uint64_t)st.st_size;
    f->written = st.st_mtim.tv_sec;
    f->written_ns = st.st_mtim.tv_nsec;
    return PH_OK;
}

enum ph_status phi_file_unchanged(const phi_file *f, ph_error *err)
{
    phi_file now = *f;
    enum ph_status st = look_at(&now, err);

    if (st) return st;
    if (now.size == f->size && now.written == f->written && now.written_ns == f->written_ns)
        return PH_OK;
    return phi_fail(err, PH_ERR_IO, f->path, "'%s' was changed while it was in use", f->path);
}

enum ph_status phi_file_has(const phi_file *f, uint64_t offset, size_t n, ph_error *err)
{
    if (offset <= f->size && n <= f->size - offset) return PH_OK;
    return phi_fail(err, PH_ERR_FORMAT, f->path,
                    "'%s' has %llu bytes, but %zu are wanted from byte %llu on", f->path,
                    (unsigned long long)f->size, n, (unsigned long long)offset);
}

enum ph_status phi_file_read_at(const phi_file *f, uint64_t offset, size_t n, void *to,
                                ph_error *err)
{
    enum ph_status st = phi_file_has(f, offset, n, err);
    int code;

    if (st) return st;
    code = read_all(f->fd, to, n, offset);
    if (code == EPIPE)
        return phi_fail(err, PH_ERR_IO, f->path, "'%s' became shorter while it was read", f->path);
    return code ? fail_errno(err, code, f->path, "cannot read") : PH_OK;
}

void phi_file_close(phi_file *f)
{
    close(f->fd);
}

/* `n` bytes at `offset`, with a zero byte behind them. */
static enum ph_status read_range(const ph_allocator *mem, const phi_file *f, uint64_t offset,
                                 size_t n, unsigned char **out, ph_error *err)
{
    size_t bytes;
    unsigned char *data;
    enum ph_status st;

    if (!phi_add_size(n, 1, &bytes))
        return phi_fail(err, PH_ERR_OVERFLOW, f->path, "'%s' does not fit into memory", f->path);
    data = phi_alloc(mem, bytes);
    if (!data)
        return phi_fail(err, PH_ERR_NOMEM, f->path,
                        "'%s': out of memory: %zu bytes are needed for it", f->path, n);
    st = phi_file_read_at(f, offset, n, data, err);
    if (st) {
        phi_free(mem, data);
        return st;
    }
    data[n] = 0;
    *out = data;
    return PH_OK;
}

enum ph_status phi_file_open(const char *path, size_t max, phi_file *out, ph_error *err)
{
    enum ph_status st;

    *out = (phi_file){.path = path, .fd = open(path, OPEN_READ)};
    if (out->fd < 0) return fail_errno(err, errno, path, "cannot open");
    st = look_at(out, err);
    if (!st && out->size > max)
        st = phi_fail(err, PH_ERR_UNSUPPORTED, path, "'%s' has %llu bytes, at most %zu can be read",
                      path, (unsigned long long)out->size, max);
    if (st) phi_file_close(out);
    return st;
}

enum ph_status phi_file_read_limit(const ph_allocator *mem, const char *path, size_t max,
                                   unsigned char **data, size_t *n, ph_error *err)
{
    phi_file f;
    enum ph_status st = phi_file_open(path, max, &f, err);

    if (st) return st;
    st = read_range(mem, &f, 0, (size_t)f.size, data, err);
    if (!st) *n = (size_t)f.size;
    phi_file_close(&f);
    return st;
}

enum ph_status phi_file_read(const ph_allocator *mem, const char *path, unsigned char **data,
                             size_t *n, ph_error *err)
{
    return phi_file_read_limit(mem, path, SIZE_MAX - 1, data, n, err);
}

/* --- Reading beneath a directory -------------------------------------------------------------- */

/* Relative, not empty, and no component is "..". */
static bool name_is_tame(const char *name)
{
    if (name[0] == '\0' || name[0] == '/') return false;
    for (const char *p = name; *p;) {
        size_t n = strcspn(p, "/");
        if (n == 2 && p[0] == '.' && p[1] == '.') return false;
        p += n;
        p += strspn(p, "/");
    }
    return true;
}

int phi_open_beneath_stepwise(int dir, const char *name)
{
    char part[NAME_MAX + 1];
    int at = dir;

    for (const char *p = name;;) {
        size_t n = strcspn(p, "/");
        const char *next = p + n + strspn(p + n, "/");
        bool last = *next == '\0';
        int fd;

        if (n > NAME_MAX) {
            if (at != dir) close(at);
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(part, p, n);
        part[n] = '\0';
        fd = openat(at, part, O_NOFOLLOW | (last ? OPEN_READ : O_PATH | O_DIRECTORY | O_CLOEXEC));
        if (at != dir) {
            int code = errno;
            close(at);
            errno = code;
        }
        if (fd < 0 || last) return fd;
        at = fd;
        p = next;
    }
}

/* Open `name` beneath the directory `dir`, or -1 and errno. */
static int open_beneath(int dir, const char *name)
{
#ifdef HAVE_OPENAT2
    struct open_how how = {.flags = OPEN_READ, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};

    /* EAGAIN: somebody renamed things meanwhile, so the kernel cannot be sure: try again. */
    for (int attempt = 0; attempt < 8; attempt++) {
        long fd = syscall(SYS_openat2, dir, name, &how, sizeof how);
        if (fd >= 0) return (int)fd;
        if (errno == ENOSYS || errno == EPERM) break; /* old kernel, or a sandbox's filter */
        if (errno != EAGAIN && errno != EINTR) return -1;
    }
#endif
    return phi_open_beneath_stepwise(dir, name);
}

static int open_directory_of(const ph_allocator *mem, const char *path, bool *nomem)
{
    const char *slash = strrchr(path, '/');
    char *dir = slash ? phi_strndup(mem, path, (size_t)(slash - path) + 1) : phi_strdup(mem, ".");
    int fd, code;

    *nomem = !dir;
    if (!dir) return -1;
    fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    code = errno;
    phi_free(mem, dir);
    errno = code;
    return fd;
}

/* Open the file of phi_file_read_beneath. */
static enum ph_status open_companion(const ph_allocator *mem, const char *base_path,
                                     const char *name, int *out, ph_error *err)
{
    bool nomem;
    int dir, fd, code;

    if (!name_is_tame(name))
        return phi_fail(err, PH_ERR_FORMAT, name,
                        "'%s' is not the name of a file in or below the directory of '%s'", name,
                        base_path);
    dir = open_directory_of(mem, base_path, &nomem);
    if (nomem) return phi_fail_nomem(err);
    if (dir < 0) return fail_errno(err, errno, base_path, "cannot open the directory of");
    fd = open_beneath(dir, name);
    code = errno;
    close(dir);
    if (fd < 0 && (code == EXDEV || code == ELOOP))
        return phi_fail(err, PH_ERR_FORMAT, name,
                        "'%s' leaves the directory of '%s' through a symbolic link", name,
                        base_path);
    if (fd < 0) return fail_errno(err, code, name, "cannot open");
    *out = fd;
    return PH_OK;
}

enum ph_status phi_file_open_beneath(const ph_allocator *mem, const char *base_path,
                                     const char *name, phi_file *out, ph_error *err)
{
    enum ph_status st;

    *out = (phi_file){.path = name, .fd = -1};
    st = open_companion(mem, base_path, name, &out->fd, err);
    if (st) return st;
    st = look_at(out, err);
    if (st) phi_file_close(out);
    return st;
}

enum ph_status phi_file_read_beneath(const ph_allocator *mem, const char *base_path,
                                     const char *name, uint64_t offset, size_t n,
                                     unsigned char **data, size_t *n_read, ph_error *err)
{
    phi_file f;
    enum ph_status st = phi_file_open_beneath(mem, base_path, name, &f, err);

    if (st) return st;
    st = phi_file_has(&f, offset, n == SIZE_MAX ? 0 : n, err);
    if (!st && n == SIZE_MAX) {
        if (f.size - offset >= SIZE_MAX)
            st = phi_fail(err, PH_ERR_OVERFLOW, name, "'%s' does not fit into memory", name);
        else
            n = (size_t)(f.size - offset);
    }
    if (!st) st = read_range(mem, &f, offset, n, data, err);
    if (!st) *n_read = n;
    phi_file_close(&f);
    return st;
}

/* --- Writing -------------------------------------------------------------------------------- */

static int write_all(int fd, const unsigned char *data, size_t n)
{
    while (n > 0) {
        ssize_t put = write(fd, data, n < MAX_TRANSFER ? n : MAX_TRANSFER);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return errno;
        data += put;
        n -= (size_t)put;
    }
    return 0;
}

/* Into something that is there and cannot be replaced: a device, a pipe, a descriptor. */
static enum ph_status write_into(const char *path, const void *data, size_t n, ph_error *err)
{
    int code, fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY);

    if (fd < 0) return fail_errno(err, errno, path, "cannot open for writing");
    code = write_all(fd, data, n);
    if (close(fd) != 0 && !code) code = errno;
    return code ? fail_errno(err, code, path, "cannot write") : PH_OK;
}

/*
 * Create a new file in `dir` (which ends in '/') under a name nobody uses. Not mkstemp: with a
 * plain open the kernel applies the umask, which a thread-safe library cannot ask for.
 */
static int create_temporary(const ph_allocator *mem, const char *dir, char **name)
{
    for (int attempt = 0; attempt < 64; attempt++) {
        struct timespec now;
        char *path;
        int fd, code;

        clock_gettime(CLOCK_MONOTONIC, &now);
        path = phi_asprintf(mem, "%s.pinhole-%ld-%ld%d.tmp", dir, (long)getpid(), now.tv_nsec,
                            attempt);
        if (!path) {
            errno = ENOMEM;
            return -1;
        }
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (fd >= 0) {
            *name = path;
            return fd;
        }
        code = errno;
        phi_free(mem, path);
        errno = code;
        if (code != EEXIST) return -1;
    }
    return -1;
}

/* Make the rename itself durable. Some file systems cannot; that is no failure of ours. */
static void sync_directory(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0) return;
    (void)fsync(fd);
    close(fd);
}

/* `path` has no symbolic link in its last component; `mode` are the permissions of the file that is
 * replaced, or 0 if there is none. */
static enum ph_status replace_file(const ph_allocator *mem, const char *path, mode_t mode,
                                   const void *data, size_t n, ph_error *err)
{
    const char *slash = strrchr(path, '/');
    char *temporary = NULL;
    char *dir = slash ? phi_strndup(mem, path, (size_t)(slash - path) + 1) : phi_strdup(mem, "./");
    int fd, code = 0;

    if (!dir) return phi_fail_nomem(err);
    fd = create_temporary(mem, dir, &temporary);
    if (fd < 0) {
        code = errno;
        phi_free(mem, dir);
        if (code == ENOMEM) return phi_fail_nomem(err);
        return fail_errno(err, code, path, "cannot create a file beside");
    }
    if (mode) (void)fchmod(fd, mode);
    code = write_all(fd, data, n);
    if (!code && fsync(fd) != 0 && errno != EINVAL && errno != EROFS) code = errno;
    if (close(fd) != 0 && !code) code = errno;
    if (!code && rename(temporary, path) != 0) code = errno;
    if (code)
        (void)unlink(temporary);
    else
        sync_directory(dir);
    phi_free(mem, temporary);
    phi_free(mem, dir);
    return code ? fail_errno(err, code, path, "cannot write") : PH_OK;
}

/* Names below /dev and /proc stand for devices and open descriptors, even where a descriptor leads
 * to a regular file (/dev/stdout): nothing may be replaced there. */
static bool is_special_name(const char *path)
{
    return strncmp(path, "/dev/", 5) == 0 || strncmp(path, "/proc/", 6) == 0;
}

enum ph_status phi_file_write(const ph_allocator *mem, const char *path, const void *data, size_t n,
                              ph_error *err)
{
    struct stat st, link;
    enum ph_status status;
    char *real;

    if (path[0] == '\0') return phi_fail(err, PH_ERR_ARG, path, "cannot write '': no file name");
    if (lstat(path, &link) != 0) {
        if (errno != ENOENT) return fail_errno(err, errno, path, "cannot write");
        return replace_file(mem, path, 0, data, n, err);
    }
    if (stat(path, &st) != 0) return fail_errno(err, errno, path, "cannot follow");
    if (S_ISDIR(st.st_mode))
        return phi_fail(err, PH_ERR_IO, path, "cannot write '%s': it is a directory", path);
    if (!S_ISREG(st.st_mode) || is_special_name(path)) return write_into(path, data, n, err);
    if (access(path, W_OK) != 0) return fail_errno(err, errno, path, "cannot write");
    if (!S_ISLNK(link.st_mode)) return replace_file(mem, path, st.st_mode & 0777, data, n, err);

    real = realpath(path, NULL); /* keep the link, replace what it points to */
    if (!real) return fail_errno(err, errno, path, "cannot follow");
    status = replace_file(mem, real, st.st_mode & 0777, data, n, err);
    free(real);
    return status;
}
