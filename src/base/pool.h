/* SPDX-License-Identifier: MIT */
/*
 * The thread pool: fork-join over a number of tasks. Tasks are handed out in order, but which thread
 * gets which is open; results must depend on the task number alone, so that any number of threads
 * gives the same bits.
 */
#ifndef PHI_POOL_H
#define PHI_POOL_H

#include "base/base.h"

typedef struct phi_pool phi_pool;

/* `thread` is in 0 .. phi_pool_threads(pool) - 1; use it only to choose scratch memory. */
typedef void phi_task(void *arg, size_t task, size_t thread);

/* n_threads includes the caller's; 0: one per CPU. */
enum ph_status phi_pool_new(const ph_allocator *mem, size_t n_threads, phi_pool **out,
                            ph_error *err);
void phi_pool_free(phi_pool *pool);

/* A NULL pool is the calling thread alone. */
size_t phi_pool_threads(const phi_pool *pool);

/* Run fn(arg, 0 .. n_tasks - 1), return when all are done. Not reentrant; allocates nothing. */
void phi_pool_run(phi_pool *pool, size_t n_tasks, phi_task *fn, void *arg);

#endif /* PHI_POOL_H */
