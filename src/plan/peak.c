/* SPDX-License-Identifier: MIT */
/*
 * What the machine can do at most: multiply-adds between registers, bytes out of memory. Every
 * thread does the same work at the same time; the best of some rounds counts, since whatever else
 * runs can only slow them down.
 */
#include <unistd.h>

#include "base/clock.h"
#include "base/pool.h"
#include "kernels/kernels.h"

#define MIB ((size_t)1 << 20)
#define MOST_SECONDS 0.15 /* for the rounds of one measurement, once there are LEAST_ROUNDS */

enum {
    LEAST_ROUNDS = 24,
    FMA_MICROSECONDS = 2000, /* a round, at least */
    PIECES = 8,              /* of the memory that is read, one a round */
    LEAST_MIB = 64,          /* read by all threads together in a round */
    MOST_MIB = 256
};

typedef struct peak {
    const phk_kernel *fma, *read;
    size_t rounds; /* of multiply-adds in a task */
    float *x;      /* what is read */
    size_t n_each; /* floats that a task reads */
    size_t turn;   /* number of the round */
    size_t n_threads;
} peak;

static void multiply_add(void *arg, size_t task, size_t thread)
{
    const peak *p = arg;
    float x[PHK_MAX_MR * PHK_MAX_NR];
    (void)thread;
    for (size_t i = 0; i < PHI_COUNT(x); i++)
        x[i] = (float)task;
    const phk_fma_f32_args g = {.rounds = p->rounds, .a = 0.5f, .b = 1, .x = x};
    PHK_CALL(fma_f32, p->fma)(&g);
}

/* A piece of the task's share, in each round the next one: until its turn comes again, what is in
 * between has driven it out of the caches. */
static void read_memory(void *arg, size_t task, size_t thread)
{
    const peak *p = arg;
    float sum;
    (void)thread;
    const size_t n = p->n_each / PIECES;
    const float *x = p->x + task * p->n_each + p->turn % PIECES * n;
    const phk_read_f32_args g = {.x = x, .n = n, .sum = &sum};
    PHK_CALL(read_f32, p->read)(&g);
}

/* Pages come into being when they are first written, by the thread that will read them. */
static void touch_memory(void *arg, size_t task, size_t thread)
{
    const peak *p = arg;
    (void)thread;
    memset(p->x + task * p->n_each, 0, p->n_each * sizeof *p->x);
}

/*
 * FLOP/s of all threads. A round that is over too soon makes the next ones longer, so that waking
 * threads costs nothing in the end; one that was interrupted does no harm.
 */
static double measure_arithmetic(phi_pool *pool, peak *p)
{
    const double each = 2.0 * p->fma->mr * p->fma->nr; /* FLOP of a round of a task */
    double best = 0, now = phi_clock();
    const double end = now + MOST_SECONDS;
    p->rounds = 1000;
    for (int r = 0; r < LEAST_ROUNDS || now < end; r++) {
        const double start = now;
        phi_pool_run(pool, p->n_threads, multiply_add, p);
        now = phi_clock();
        const double seconds = now - start;
        const double rate = seconds > 0 ? (double)p->rounds / seconds : 0;
        if (rate > best) best = rate;
        if (seconds < 1e-6 * FMA_MICROSECONDS && p->rounds < ((size_t)1 << 40)) p->rounds *= 2;
    }
    return each * best * (double)p->n_threads;
}

/* Twice the largest cache, within bounds. */
static size_t bytes_to_read(void)
{
    size_t bytes = LEAST_MIB * MIB;
#ifdef _SC_LEVEL3_CACHE_SIZE
    const long cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
    if (cache > 0 && 2 * (size_t)cache > bytes) bytes = 2 * (size_t)cache;
#endif
    return bytes < MOST_MIB * MIB ? bytes : MOST_MIB * MIB;
}

static enum ph_status measure_memory(const ph_allocator *mem, phi_pool *pool, peak *p,
                                     double *bytes_per_second, ph_error *err)
{
    p->n_each = bytes_to_read() / sizeof *p->x / p->n_threads;
    if (p->n_each < PIECES) p->n_each = PIECES; /* more threads than there are floats */
    p->x = phi_alloc(mem, p->n_each * p->n_threads * sizeof *p->x);
    if (!p->x) return phi_fail_nomem(err);
    phi_pool_run(pool, p->n_threads, touch_memory, p);
    const double bytes = (double)(p->n_each / PIECES * p->n_threads * sizeof *p->x);
    double best = 0, now = phi_clock();
    const double end = now + MOST_SECONDS;
    for (p->turn = 0; p->turn < LEAST_ROUNDS || now < end; p->turn++) {
        const double start = now;
        phi_pool_run(pool, p->n_threads, read_memory, p);
        now = phi_clock();
        if (now > start && bytes / (now - start) > best) best = bytes / (now - start);
    }
    *bytes_per_second = best;
    phi_free(mem, p->x);
    return PH_OK;
}

enum ph_status ph_cpu_measure_peak(const ph_allocator *mem, size_t n_threads, ph_cpu_peak *out,
                                   ph_error *err)
{
    const ph_allocator own = phi_allocator(mem);
    const double start = phi_clock();
    phi_pool *pool = NULL;
    peak p = {.fma = phk_choose(PHK_fma_f32), .read = phk_choose(PHK_read_f32)};
    ph_cpu_peak found = {.isa = ph_cpu_isa()};
    enum ph_status st = phi_pool_new(&own, n_threads, &pool, err);
    if (st) return st;
    found.n_threads = p.n_threads = phi_pool_threads(pool);
    found.flop_per_second = measure_arithmetic(pool, &p);
    st = measure_memory(&own, pool, &p, &found.bytes_per_second, err);
    phi_pool_free(pool);
    found.seconds = phi_clock() - start;
    if (!st) *out = found;
    return st;
}
