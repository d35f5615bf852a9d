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

void fuzz_must_explain(enum ph_status st, const ph_error *err)
{
    fuzz_must(st != PH_OK && err->status == st && err->message[0], "a failure says why", err);
    fuzz_must(st != PH_ERR_INTERNAL, "no input is a bug of ours", err);
    for (const char *c = err->message; *c; c++)
        fuzz_must((unsigned char)*c >= 0x20 && *c != 0x7f, "a message is one clean line", err);
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

/* Of AddressSanitizer, where it is linked in: says where what was lost came from. */
void __lsan_do_leak_check(void) __attribute__((weak));

void fuzz_memory_check(void)
{
    if (in_use.blocks && __lsan_do_leak_check) __lsan_do_leak_check();
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

#define FUZZ_MACS ((int64_t)1 << 20)  /* of a network that is planned (constants are folded) */
#define FUZZ_ARENA ((size_t)4 << 20) /* bytes of one that is run */

/* Small numbers of every kind, the same in each run; about one in sixteen is odd. */
static void fill(unsigned char *to, const ph_port *port)
{
    static const float numbers[] = {0.5f, -1.0f, 2.0f, 0.0f, 0.25f, -0.5f, 1.0f, 3.0f};
    uint32_t state = 1;

    memset(to, 0, port->bytes);
    for (int64_t i = 0; i < port->count; i++) {
        const size_t size = ph_dtype_size(port->dtype);
        state = state * 1664525u + 1013904223u;
        const unsigned draw = state >> 24;
        if (port->dtype == PH_FLOAT32)
            memcpy(to + (size_t)i * size, &numbers[draw % 8], sizeof *numbers);
        else if (port->dtype == PH_BOOL || size == 1)
            to[i] = draw % 2;
        else if (draw % 16 == 15)
            memset(to + (size_t)i * size, draw % 32 == 15 ? 0xff : 0x7f, size);
        else
            to[(size_t)i * size] = draw % 4; /* little-endian: 0 .. 3 */
    }
}

/* Buffers for all ports, in one piece; NULL: there is none. */
static unsigned char *port_bytes(const ph_plan *p, const ph_port *(*at)(const ph_plan *, size_t),
                                 size_t n, void **list)
{
    size_t total = 64;
    unsigned char *block, *next;

    for (size_t i = 0; i < n; i++) {
        total += at(p, i)->bytes + 64;
        if (total > FUZZ_MEMORY) return NULL;
    }
    block = malloc(total);
    fuzz_must(block != NULL, "there is memory", NULL);
    next = block;
    for (size_t i = 0; i < n; i++) {
        list[i] = next;
        next += (at(p, i)->bytes + 63) / 64 * 64;
    }
    return block;
}

static void run_once(const ph_plan *p)
{
    enum { MOST = 64 };
    const size_t n_in = ph_plan_n_inputs(p), n_out = ph_plan_n_outputs(p);
    void *in[MOST], *out[MOST];
    unsigned char *inputs, *outputs;
    ph_run *run;
    ph_error err = {0};
    enum ph_status st;

    if (n_in > MOST || n_out > MOST) return;
    st = ph_run_new(p, 1, &run, &err);
    if (st) {
        fuzz_must(st == PH_ERR_NOMEM, "what was planned can be run", &err);
        return;
    }
    inputs = port_bytes(p, ph_plan_input, n_in, in);
    outputs = port_bytes(p, ph_plan_output, n_out, out);
    for (size_t i = 0; i < n_in && inputs; i++)
        fill(in[i], ph_plan_input(p, i));
    if (inputs && outputs) {
        st = ph_run_once(run, (const void *const *)in, out, &err);
        if (st) fuzz_must_explain(st, &err);
    }
    free(inputs);
    free(outputs);
    ph_run_free(run);
}

/* Account for it; the MACs, or INT64_MAX if that fails. */
static int64_t account(const ph_graph *g)
{
    static FILE *nowhere;
    ph_account *a;
    ph_error err = {0};
    int64_t macs;
    enum ph_status st = ph_account_new(g, 0, NULL, &a, &err);

    if (st) {
        fuzz_must_explain(st, &err);
        return INT64_MAX;
    }
    if (!nowhere) nowhere = fopen("/dev/null", "w");
    for (int format = PH_FORMAT_TEXT; format <= PH_FORMAT_CSV && nowhere; format++) {
        st = ph_account_write(a, (enum ph_format)format, nowhere, &err);
        fuzz_must(st == PH_OK || st == PH_ERR_NOMEM, "an account can be written", &err);
    }
    macs = ph_account_totals(a)->macs;
    ph_account_free(a);
    return macs;
}

void fuzz_graph_works(const ph_graph *g)
{
    ph_plan *plan;
    ph_error err = {0};
    enum ph_status st = ph_graph_check(g, &err);
    const int64_t macs = account(g);

    if (st) {
        fuzz_must_explain(st, &err);
        return;
    }
    if (macs > FUZZ_MACS) return;
    for (int keep = 0; keep < 2; keep++) {
        st = ph_plan_new(g, &(ph_plan_desc){.keep_all = keep}, &plan, &err);
        if (st) {
            fuzz_must_explain(st, &err);
            continue;
        }
        if (ph_plan_arena_bytes(plan) <= FUZZ_ARENA) run_once(plan);
        ph_plan_free(plan);
    }
}

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
