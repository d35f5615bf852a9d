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
#define MOST_SECONDS 0.2 /* for all rounds of one measurement */

enum {
    ROUNDS = 24,
    PIECES = 8,
    FMA_MICROSECONDS = 4000, /* a round, about */
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

/* Shortest of some rounds in which every thread has a task; no more begin after MOST_SECONDS. */
static double best_time(phi_pool *pool, peak *p, phi_task *task, int rounds)
{
    double best = 0, start = phi_clock(), now = start;
    const double end = start + MOST_SECONDS;
    for (int r = 0; r < rounds && (r == 0 || now < end); r++) {
        start = now;
        p->turn = (size_t)r;
        phi_pool_run(pool, p->n_threads, task, p);
        now = phi_clock();
        if (r == 0 || now - start < best) best = now - start;
    }
    return best;
}

/* FLOP/s of all threads. */
static double measure_arithmetic(phi_pool *pool, peak *p)
{
    const double each = 2.0 * p->fma->mr * p->fma->nr; /* FLOP of a round of a task */
    double seconds = 0;
    for (p->rounds = 1000; p->rounds < ((size_t)1 << 40); p->rounds *= 2) { /* warms up, too */
        seconds = best_time(pool, p, multiply_add, 1);
        if (seconds > 1e-6 * FMA_MICROSECONDS) break;
    }
    const double best = best_time(pool, p, multiply_add, ROUNDS);
    return best > 0 ? each * (double)p->rounds * (double)p->n_threads / best : 0;
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
    const double best = best_time(pool, p, read_memory, ROUNDS);
    const double bytes = (double)(p->n_each / PIECES * p->n_threads * sizeof *p->x);
    *bytes_per_second = best > 0 ? bytes / best : 0;
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
