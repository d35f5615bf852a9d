/* SPDX-License-Identifier: MIT */
/* The thread pool: every task once, whatever the numbers; what tasks wrote is seen afterwards. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "base/pool.h"

#define MOST 1000

typedef struct ledger {
    size_t n_threads;
    atomic_size_t runs[MOST];
    size_t plain[MOST]; /* written without atomics: a race is TSan's to find */
    size_t per_thread[8];
    atomic_size_t bad_thread;
} ledger;

static void note(void *arg, size_t task, size_t thread)
{
    ledger *l = arg;
    atomic_fetch_add(&l->runs[task], 1);
    l->plain[task] = task + 1;
    if (thread >= l->n_threads)
        atomic_fetch_add(&l->bad_thread, 1);
    else
        l->per_thread[thread]++;
}

static void check_run(phi_pool *pool, ledger *l, size_t n_tasks)
{
    memset(l, 0, sizeof *l);
    l->n_threads = phi_pool_threads(pool);
    phi_pool_run(pool, n_tasks, note, l);
    size_t sum = 0;
    for (size_t i = 0; i < n_tasks; i++) {
        assert_int_equal(l->runs[i], 1);
        assert_int_equal(l->plain[i], i + 1);
    }
    for (size_t i = n_tasks; i < MOST; i++)
        assert_int_equal(l->runs[i], 0);
    for (size_t i = 0; i < l->n_threads; i++)
        sum += l->per_thread[i];
    assert_int_equal(sum, n_tasks);
    assert_int_equal(l->bad_thread, 0);
}

static void test_all_tasks_once(void **state)
{
    static ledger l;
    const size_t sizes[] = {0, 1, 2, 3, 4, 5, 7, 8, 63, 64, 65, MOST};
    (void)state;
    check_run(NULL, &l, 17);
    for (size_t n_threads = 1; n_threads <= 4; n_threads++) {
        phi_pool *pool = NULL;
        assert_int_equal(phi_pool_new(NULL, n_threads, &pool, NULL), PH_OK);
        assert_int_equal(phi_pool_threads(pool), n_threads);
        for (int again = 0; again < 50; again++)
            for (size_t i = 0; i < PHI_COUNT(sizes); i++)
                check_run(pool, &l, sizes[i]);
        phi_pool_free(pool);
    }
}

/* Jobs so short that workers come late to most of them; none may run a task of another job. */
typedef struct short_job {
    size_t number;
    atomic_size_t wrong, done;
} short_job;

static void short_task(void *arg, size_t task, size_t thread)
{
    short_job *j = arg;
    (void)thread;
    if (task >= 2 + j->number % 3) atomic_fetch_add(&j->wrong, 1);
    atomic_fetch_add(&j->done, 1);
}

static void test_short_jobs(void **state)
{
    phi_pool *pool = NULL;
    (void)state;
    assert_int_equal(phi_pool_new(NULL, 4, &pool, NULL), PH_OK);
    for (size_t i = 0; i < 20000; i++) {
        short_job j = {.number = i};
        phi_pool_run(pool, 2 + i % 3, short_task, &j);
        assert_int_equal(j.done, 2 + i % 3);
        assert_int_equal(j.wrong, 0);
    }
    phi_pool_free(pool);
}

/* A job with a pool of its own inside each task of another. */
static void outer_task(void *arg, size_t task, size_t thread)
{
    ledger *l = calloc(1, sizeof *l);
    phi_pool *pool = NULL;
    (void)thread;
    if (l && phi_pool_new(NULL, 2, &pool, NULL) == PH_OK) {
        l->n_threads = 2;
        phi_pool_run(pool, task + 1, note, l);
        size_t done = 0;
        for (size_t i = 0; i < MOST; i++)
            done += l->runs[i];
        if (done == task + 1) atomic_fetch_add((atomic_size_t *)arg, 1);
    }
    phi_pool_free(pool);
    free(l);
}

static void test_pools_in_pools(void **state)
{
    phi_pool *pool = NULL;
    atomic_size_t right = 0;
    (void)state;
    assert_int_equal(phi_pool_new(NULL, 3, &pool, NULL), PH_OK);
    phi_pool_run(pool, 12, outer_task, &right);
    phi_pool_free(pool);
    assert_int_equal(right, 12);
}

/* Workers fall asleep between these jobs, and the caller while it waits for a slow task. */
static void slow_task(void *arg, size_t task, size_t thread)
{
    (void)thread;
    if (task % 2) nanosleep(&(struct timespec){0, 2000000}, NULL);
    atomic_fetch_add((atomic_size_t *)arg, task);
}

static void test_sleepers(void **state)
{
    phi_pool *pool = NULL;
    (void)state;
    assert_int_equal(phi_pool_new(NULL, 4, &pool, NULL), PH_OK);
    for (int i = 0; i < 20; i++) {
        atomic_size_t sum = 0;
        nanosleep(&(struct timespec){0, 3000000}, NULL);
        phi_pool_run(pool, 6, slow_task, &sum);
        assert_int_equal(sum, 15);
    }
    phi_pool_free(pool);
}

static void test_new_and_free(void **state)
{
    phi_pool *pool = NULL;
    ph_error err = {0};
    (void)state;
    phi_pool_free(NULL);
    assert_int_equal(phi_pool_new(NULL, 0, &pool, NULL), PH_OK);
    assert_int_equal(phi_pool_threads(pool), ph_cpu_count());
    phi_pool_free(pool);
    assert_int_equal(phi_pool_new(NULL, 1u << 20, &pool, &err), PH_ERR_ARG);
    assert_non_null(strstr(err.message, "1048576"));
    for (int i = 0; i < 20; i++) { /* freed before its workers have looked around */
        assert_int_equal(phi_pool_new(NULL, 4, &pool, NULL), PH_OK);
        phi_pool_free(pool);
    }
}

/* The system refuses a thread (no room for its stack): an error, and nothing left behind. */
static void test_no_thread(void **state)
{
    pthread_attr_t old, huge;
    phi_pool *pool = NULL;
    ph_error err = {0};
    (void)state;
    assert_int_equal(pthread_getattr_default_np(&old), 0);
    assert_int_equal(pthread_attr_init(&huge), 0);
    assert_int_equal(pthread_attr_setstacksize(&huge, (size_t)1 << 47), 0);
    assert_int_equal(pthread_setattr_default_np(&huge), 0);
    enum ph_status st = phi_pool_new(NULL, 4, &pool, &err);
    assert_int_equal(pthread_setattr_default_np(&old), 0);
    pthread_attr_destroy(&huge);
    pthread_attr_destroy(&old);
    assert_int_equal(st, PH_ERR_NOMEM);
    assert_null(pool);
    assert_non_null(strstr(err.message, "cannot start thread 2 of 4"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_tasks_once), cmocka_unit_test(test_short_jobs),
        cmocka_unit_test(test_pools_in_pools), cmocka_unit_test(test_sleepers),
        cmocka_unit_test(test_new_and_free),   cmocka_unit_test(test_no_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
