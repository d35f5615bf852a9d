/* SPDX-License-Identifier: MIT */
/*
 * zlib's own gzFile takes its memory from malloc; here inflate gets an allocator. A file that does
 * not begin with gzip's magic bytes is taken as it is; gzip files may follow each other in one file
 * (RFC 1952, 2.2).
 */
#include "data/gz_file.h"

#include <errno.h>
#include <unistd.h>
#include <zlib.h>

#define BUFFER_BYTES ((size_t)128 << 10)
#define GZIP_WINDOW (15 + 16) /* inflateInit2: the largest window; a gzip header is wanted */

struct phi_gz {
    ph_allocator mem;
    const char *path;
    int fd;
    bool zipped;   /* inflate is set up */
    bool in_member; /* some of a gzip member has been read, not its end */
    z_stream z;    /* next_in, avail_in: what is left in the buffer */
    unsigned char buffer[BUFFER_BYTES];
};

static void *z_alloc(void *user, unsigned items, unsigned size)
{
    return phi_calloc(user, items, size);
}

static void z_free(void *user, void *ptr)
{
    phi_free(user, ptr);
}

/* Fill the buffer behind what is left in it; at the end of the file nothing is added. */
static enum ph_status refill(phi_gz *gz, ph_error *err)
{
    z_stream *z = &gz->z;
    ssize_t n;

    if (z->avail_in && z->next_in != gz->buffer) memmove(gz->buffer, z->next_in, z->avail_in);
    z->next_in = gz->buffer;
    do
        n = read(gz->fd, gz->buffer + z->avail_in, BUFFER_BYTES - z->avail_in);
    while (n < 0 && errno == EINTR);
    if (n < 0) return phi_fail(err, PH_ERR_IO, gz->path, "%s: %s", gz->path, strerror(errno));
    z->avail_in += (unsigned)n;
    return PH_OK;
}

static enum ph_status broken(const phi_gz *gz, const char *how, ph_error *err)
{
    return phi_fail(err, PH_ERR_FORMAT, gz->path, "%s: broken gzip data: %s", gz->path, how);
}

static bool is_gzip(const z_stream *z)
{
    return z->avail_in >= 2 && z->next_in[0] == 0x1f && z->next_in[1] == 0x8b;
}

/* The first bytes say whether to unpack. */
static enum ph_status begin(phi_gz *gz, ph_error *err)
{
    enum ph_status st;

    do { /* two bytes, unless the file has less; a short read is no end */
        const unsigned had = gz->z.avail_in;
        st = refill(gz, err);
        if (st || gz->z.avail_in == had) break;
    } while (gz->z.avail_in < 2);
    if (st || !is_gzip(&gz->z)) return st;
    if (inflateInit2(&gz->z, GZIP_WINDOW) != Z_OK) return phi_fail_nomem(err);
    gz->zipped = gz->in_member = true;
    return PH_OK;
}

enum ph_status phi_gz_open(const ph_allocator *mem, int fd, const char *path, phi_gz **out,
                           ph_error *err)
{
    phi_gz *gz = phi_calloc(mem, 1, sizeof *gz);
    enum ph_status st;

    if (!gz) {
        close(fd);
        return phi_fail_nomem(err);
    }
    gz->mem = phi_allocator(mem);
    gz->path = path;
    gz->fd = fd;
    gz->z.zalloc = z_alloc;
    gz->z.zfree = z_free;
    gz->z.opaque = &gz->mem;
    st = begin(gz, err);
    if (st)
        phi_gz_close(gz);
    else
        *out = gz;
    return st;
}

void phi_gz_close(phi_gz *gz)
{
    if (!gz) return;
    const ph_allocator mem = gz->mem;

    if (gz->zipped) inflateEnd(&gz->z);
    close(gz->fd);
    phi_free(&mem, gz);
}

/* A member is at its end: another one may follow, or nothing. */
static enum ph_status next_member(phi_gz *gz, ph_error *err)
{
    enum ph_status st = PH_OK;

    for (unsigned had = UINT32_MAX; !st && gz->z.avail_in < 2 && gz->z.avail_in != had;) {
        had = gz->z.avail_in;
        st = refill(gz, err);
    }
    gz->in_member = false;
    if (st || gz->z.avail_in == 0) return st;
    if (!is_gzip(&gz->z)) return broken(gz, "something else follows it", err);
    gz->in_member = inflateReset(&gz->z) == Z_OK;
    return PH_OK;
}

/* Unpack into what is left of next_out. */
static enum ph_status unpack(phi_gz *gz, ph_error *err)
{
    enum ph_status st = PH_OK;

    if (gz->z.avail_in == 0) st = refill(gz, err);
    if (st) return st;
    if (gz->z.avail_in == 0)
        return phi_fail(err, PH_ERR_FORMAT, gz->path, "%s: ends within its gzip data", gz->path);
    switch (inflate(&gz->z, Z_NO_FLUSH)) {
    case Z_OK:
    case Z_BUF_ERROR: /* it wants more bytes */
        return PH_OK;
    case Z_STREAM_END:
        return next_member(gz, err);
    case Z_MEM_ERROR:
        return phi_fail_nomem(err);
    default:
        return broken(gz, gz->z.msg ? gz->z.msg : "it makes no sense", err);
    }
}

static enum ph_status read_plain(phi_gz *gz, unsigned char *to, size_t want, size_t *got,
                                 ph_error *err)
{
    while (*got < want) {
        if (gz->z.avail_in == 0) {
            enum ph_status st = refill(gz, err);
            if (st || gz->z.avail_in == 0) return st;
        }
        const size_t left = want - *got, n = left < gz->z.avail_in ? left : gz->z.avail_in;
        memcpy(to + *got, gz->z.next_in, n);
        gz->z.next_in += n;
        gz->z.avail_in -= (unsigned)n;
        *got += n;
    }
    return PH_OK;
}

enum ph_status phi_gz_read(phi_gz *gz, unsigned char *to, size_t want, size_t *got, ph_error *err)
{
    enum ph_status st = PH_OK;

    *got = 0;
    if (!gz->zipped) return read_plain(gz, to, want, got, err);
    while (!st && *got < want && gz->in_member) {
        const size_t left = want - *got;
        const unsigned room = left < 1u << 30 ? (unsigned)left : 1u << 30;
        gz->z.next_out = to + *got;
        gz->z.avail_out = room;
        st = unpack(gz, err);
        *got += room - gz->z.avail_out;
    }
    return st;
}
