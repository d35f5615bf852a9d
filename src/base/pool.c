/* SPDX-License-Identifier: MIT */
/*
 * Fork-join on persistent threads.
 *
 * One word, `gate`, holds everything that must change together: the number of the job (so that a
 * worker knows a new one when it sees it), whether the job is open, and how many workers are
 * inside. A worker enters an open job by adding itself to the gate; the caller closes the gate when
 * no task is left to hand out and waits until the last worker has left. A worker that slept through
 * a job never holds anybody up. Waiting is a short spin, then sleep on a condition variable; a
 * sleeper announces itself before it looks at the gate a last time, and whoever changes the gate
 * looks for sleepers afterwards (both sequentially consistent), so that no wake-up is lost.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#define MAX_THREADS 1024
#define SPINS 2000 /* some tens of microseconds */

/* gate: job number from bit 32, open in bit 31, workers inside below */
#define JOB_ONE (UINT64_C(1) << 32)
#define OPEN (UINT64_C(1) << 31)
#define INSIDE (OPEN - 1)

typedef struct worker {
    phi_pool *pool;
    size_t index; /* 1 ..; 0 is the caller */
    pthread_t thread;
} worker;

struct phi_pool {
    ph_allocator mem;
    size_t n_threads; /* with the caller */
    size_t n_started; /* workers that exist */
    int spins;
    worker *workers;

    /* the job; written while the gate is closed and nobody inside */
    phi_task *fn;
    void *arg;
    size_t n_tasks;

    _Alignas(64) atomic_size_t next; /* task to hand out */
    _Alignas(64) _Atomic uint64_t gate;
    atomic_bool quit;
    atomic_size_t sleepers;   /* workers asleep or about to be */
    atomic_bool caller_waits; /* the caller is asleep or about to be */

    pthread_mutex_t mutex;
    pthread_cond_t job_came, job_done;
};

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Has anything happened that a worker which last saw `job` should look at? */
static bool worker_called(phi_pool *pool, uint64_t job)
{
    return atomic_load(&pool->gate) / JOB_ONE != job || atomic_load(&pool->quit);
}

static void worker_wait(phi_pool *pool, uint64_t job)
{
    for (int i = 0; i < pool->spins; i++) {
        if (worker_called(pool, job)) return;
        relax();
    }
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->sleepers, 1);
    while (!worker_called(pool, job))
        pthread_cond_wait(&pool->job_came, &pool->mutex);
    atomic_fetch_sub(&pool->sleepers, 1);
    pthread_mutex_unlock(&pool->mutex);
}

/* Step into the present job if it is still open; *job receives its number either way. */
static bool worker_enter(phi_pool *pool, uint64_t *job)
{
    uint64_t gate = atomic_load(&pool->gate);
    do {
        *job = gate / JOB_ONE;
        if (!(gate & OPEN)) return false;
    } while (!atomic_compare_exchange_weak(&pool->gate, &gate, gate + 1));
    return true;
}

static void worker_leave(phi_pool *pool)
{
    uint64_t gate = atomic_fetch_sub(&pool->gate, 1) - 1;
    if ((gate & INSIDE) || (gate & OPEN) || !atomic_load(&pool->caller_waits)) return;
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_signal(&pool->job_done);
    pthread_mutex_unlock(&pool->mutex);
}

static void do_tasks(phi_pool *pool, size_t thread)
{
    for (;;) {
        size_t task = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
        if (task >= pool->n_tasks) return;
        pool->fn(pool->arg, task, thread);
    }
}

static void *worker_main(void *arg)
{
    worker *w = arg;
    phi_pool *pool = w->pool;
    uint64_t job = 0;
    for (;;) {
        worker_wait(pool, job);
        if (atomic_load(&pool->quit)) return NULL;
        if (!worker_enter(pool, &job)) continue;
        do_tasks(pool, w->index);
        worker_leave(pool);
    }
}

/* Start the workers with all signals blocked: signals are the program's business. */
static int start_workers(phi_pool *pool)
{
    sigset_t all, old;
    int failed = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    for (size_t i = 0; i + 1 < pool->n_threads && !failed; i++) {
        worker *w = &pool->workers[i];
        w->pool = pool;
        w->index = i + 1;
        failed = pthread_create(&w->thread, NULL, worker_main, w);
        if (!failed) pool->n_started++;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return failed;
}

/* The synchronisation objects; on failure none is left. */
static int init_locks(phi_pool *pool)
{
    int failed = pthread_mutex_init(&pool->mutex, NULL);
    if (failed) return failed;
    failed = pthread_cond_init(&pool->job_came, NULL);
    if (!failed) {
        failed = pthread_cond_init(&pool->job_done, NULL);
        if (failed) pthread_cond_destroy(&pool->job_came);
    }
    if (failed) pthread_mutex_destroy(&pool->mutex);
    return failed;
}

static void free_memory(phi_pool *pool)
{
    ph_allocator mem = pool->mem;
    phi_free(&mem, pool->workers);
    phi_free(&mem, pool);
}

enum ph_status phi_pool_new(const ph_allocator *mem, size_t n_threads, phi_pool **out,
                            ph_error *err)
{
    size_t n_cpus = ph_cpu_count();
    if (n_threads == 0) n_threads = n_cpus < MAX_THREADS ? n_cpus : MAX_THREADS;
    if (n_threads > MAX_THREADS)
        return phi_fail(err, PH_ERR_ARG, NULL, "%zu threads asked for, at most %d are possible",
                        n_threads, MAX_THREADS);
    phi_pool *pool = phi_alloc(mem, sizeof *pool);
    if (!pool) return phi_fail_nomem(err);
    memset(pool, 0, sizeof *pool);
    pool->mem = phi_allocator(mem);
    pool->n_threads = n_threads;
    pool->spins = n_threads <= n_cpus ? SPINS : 0;
    atomic_init(&pool->next, 0);
    atomic_init(&pool->gate, 0);
    atomic_init(&pool->quit, false);
    atomic_init(&pool->sleepers, 0);
    atomic_init(&pool->caller_waits, false);
    pool->workers = phi_calloc(mem, n_threads, sizeof *pool->workers);
    if (!pool->workers || init_locks(pool)) {
        free_memory(pool);
        return phi_fail_nomem(err);
    }
    int failed = start_workers(pool);
    if (failed) {
        size_t n = pool->n_started + 1;
        phi_pool_free(pool);
        return phi_fail(err, PH_ERR_NOMEM, NULL, "cannot start thread %zu of %zu: %s", n + 1,
                        n_threads, strerror(failed));
    }
    *out = pool;
    return PH_OK;
}

static void wake_workers(phi_pool *pool)
{
    if (atomic_load(&pool->sleepers) == 0) return;
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_broadcast(&pool->job_came);
    pthread_mutex_unlock(&pool->mutex);
}

void phi_pool_free(phi_pool *pool)
{
    if (!pool) return;
    atomic_exchange(&pool->quit, true); /* as in close_job */
    wake_workers(pool);
    for (size_t i = 0; i < pool->n_started; i++)
        pthread_join(pool->workers[i].thread, NULL);
    pthread_cond_destroy(&pool->job_done);
    pthread_cond_destroy(&pool->job_came);
    pthread_mutex_destroy(&pool->mutex);
    free_memory(pool);
}

size_t phi_pool_threads(const phi_pool *pool)
{
    return pool ? pool->n_threads : 1;
}

/* Close the gate and wait for the workers inside. */
static void close_job(phi_pool *pool)
{
    atomic_fetch_and(&pool->gate, ~OPEN);
    for (int i = 0; i < pool->spins; i++) {
        if (!(atomic_load(&pool->gate) & INSIDE)) return;
        relax();
    }
    pthread_mutex_lock(&pool->mutex);
    /* The store before the load that follows, or a wake-up is lost. A plain store says so too, but
     * qemu-user 7.2 for aarch64 lets the load pass it. */
    atomic_exchange(&pool->caller_waits, true);
    while (atomic_load(&pool->gate) & INSIDE)
        pthread_cond_wait(&pool->job_done, &pool->mutex);
    atomic_store(&pool->caller_waits, false);
    pthread_mutex_unlock(&pool->mutex);
}

void phi_pool_run(phi_pool *pool, size_t n_tasks, phi_task *fn, void *arg)
{
    if (phi_pool_threads(pool) == 1 || n_tasks <= 1) {
        for (size_t i = 0; i < n_tasks; i++)
            fn(arg, i, 0);
        return;
    }
    assert(!(atomic_load(&pool->gate) & (OPEN | INSIDE)));
    pool->fn = fn;
    pool->arg = arg;
    pool->n_tasks = n_tasks;
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    atomic_fetch_add(&pool->gate, JOB_ONE + OPEN); /* publishes the lines above */
    wake_workers(pool);
    do_tasks(pool, 0);
    close_job(pool);
}
