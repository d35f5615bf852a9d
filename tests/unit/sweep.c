/* SPDX-License-Identifier: MIT */
#include "sweep.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

typedef struct counter {
    pthread_mutex_t lock;
    size_t calls, fail_at, alive;
} counter;

static void *counted_alloc(void *user, size_t bytes, size_t align)
{
    counter *c = user;
    void *ptr = NULL;
    pthread_mutex_lock(&c->lock);
    if (++c->calls != c->fail_at && !posix_memalign(&ptr, align < 8 ? 8 : align, bytes)) c->alive++;
    pthread_mutex_unlock(&c->lock);
    return ptr;
}

static void counted_free(void *user, void *ptr)
{
    counter *c = user;
    if (!ptr) return;
    pthread_mutex_lock(&c->lock);
    c->alive--;
    pthread_mutex_unlock(&c->lock);
    free(ptr);
}

size_t sweep(sweep_work *work, void *arg, size_t limit)
{
    counter c = {.lock = PTHREAD_MUTEX_INITIALIZER};
    const ph_allocator mem = {counted_alloc, counted_free, &c};
    for (size_t n = 1; n <= limit; n++) {
        c.calls = c.alive = 0;
        c.fail_at = n;
        enum ph_status st = work(&mem, arg);
        if (c.alive) fail_msg("%zu blocks leaked when allocation %zu failed", c.alive, n);
        if (st == PH_OK && c.calls < n) return c.calls;
        if (st == PH_OK) fail_msg("success although allocation %zu failed", n);
        if (st != PH_ERR_NOMEM) fail_msg("%s when allocation %zu failed", ph_status_name(st), n);
    }
    fail_msg("no success within %zu allocations", limit);
    return 0;
}
