/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

void fuzz_must(int holds, const char *property, const ph_error *err)
{
    if (holds) return;
    fprintf(stderr, "property does not hold: %s\n", property);
    if (err && err->status) fprintf(stderr, "%s: %s\n", ph_status_name(err->status), err->message);
    abort();
}

/* --- Memory -------------------------------------------------------------------------------- */

static struct {
    size_t bytes, blocks;
} in_use;

/* The size is kept in front of each block, 64 bytes before what is handed out. */
static void *limited_alloc(void *user, size_t bytes, size_t align)
{
    unsigned char *block;

    (void)user;
    (void)align; /* at most 64 */
    if (bytes > FUZZ_MEMORY || in_use.bytes > FUZZ_MEMORY - bytes) return NULL;
    block = aligned_alloc(64, (bytes + 64 + 63) / 64 * 64);
    if (!block) return NULL;
    memcpy(block, &bytes, sizeof bytes);
    in_use.bytes += bytes;
    in_use.blocks++;
    return block + 64;
}

static void limited_free(void *user, void *ptr)
{
    size_t bytes;

    (void)user;
    if (!ptr) return;
    memcpy(&bytes, (unsigned char *)ptr - 64, sizeof bytes);
    in_use.bytes -= bytes;
    in_use.blocks--;
    free((unsigned char *)ptr - 64);
}

const ph_allocator *fuzz_memory(void)
{
    static const ph_allocator limited = {.alloc = limited_alloc, .free = limited_free};

    return &limited;
}

void fuzz_memory_check(void)
{
    fuzz_must(in_use.blocks == 0, "all memory is given back", NULL);
}

/* --- Files --------------------------------------------------------------------------------- */

void fuzz_file_open(fuzz_file *f, const void *data, size_t size)
{
    f->fd = memfd_create("fuzz", MFD_CLOEXEC);
    fuzz_must(f->fd >= 0, "the system gives us a file", NULL);
    fuzz_must(size == 0 || pwrite(f->fd, data, size, 0) == (ssize_t)size, "it can be written",
              NULL);
    snprintf(f->path, sizeof f->path, "/proc/self/fd/%d", f->fd);
}

unsigned char *fuzz_file_bytes(const fuzz_file *f, size_t *size)
{
    struct stat st;
    unsigned char *bytes;

    fuzz_must(fstat(f->fd, &st) == 0, "the file is still there", NULL);
    *size = (size_t)st.st_size;
    bytes = malloc(*size + 1);
    fuzz_must(bytes != NULL, "there is memory", NULL);
    fuzz_must(pread(f->fd, bytes, *size, 0) == (ssize_t)*size, "it can be read", NULL);
    return bytes;
}

void fuzz_file_close(fuzz_file *f)
{
    close(f->fd);
}

/* --- Graphs -------------------------------------------------------------------------------- */

/* NULL: not enough memory for it. */
static unsigned char *written(const ph_graph *g, size_t *size)
{
    fuzz_file f;
    unsigned char *bytes = NULL;
    ph_error err = {0};
    enum ph_status st;

    fuzz_file_open(&f, NULL, 0);
    st = ph_onnx_write(g, f.path, &err);
    fuzz_must(st == PH_OK || st == PH_ERR_NOMEM, "what was read can be written", &err);
    if (st == PH_OK) bytes = fuzz_file_bytes(&f, size);
    fuzz_file_close(&f);
    return bytes;
}

void fuzz_graph_is_stable(ph_graph *g)
{
    size_t n, m;
    ph_error err = {0};
    enum ph_status st;
    unsigned char *first = written(g, &n), *second = NULL;

    ph_graph_free(g);
    if (!first) return;
    st = ph_onnx_read_memory(fuzz_memory(), first, n, &g, &err);
    fuzz_must(st == PH_OK || st == PH_ERR_NOMEM, "what was written can be read", &err);
    if (st == PH_OK) {
        second = written(g, &m);
        ph_graph_free(g);
    }
    if (second)
        fuzz_must(n == m && memcmp(first, second, n) == 0, "writing again gives the same", NULL);
    free(first);
    free(second);
}
