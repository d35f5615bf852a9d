/* SPDX-License-Identifier: MIT */
/*
 * Running out of memory on purpose: an allocator whose n-th call fails, for n = 1, 2, 3, ... until
 * the work succeeds. Nothing may crash or leak on the way.
 */
#ifndef SWEEP_H
#define SWEEP_H

#include "pinhole/pinhole.h"

/* The work: builds with `mem`, frees all it built, returns what came of it. */
typedef enum ph_status sweep_work(const ph_allocator *mem, void *arg);

/*
 * Fails the running cmocka test if the work reports something other than PH_OK and PH_ERR_NOMEM,
 * leaks, or does not succeed within `limit` allocations. Returns the number of allocations of a
 * run that succeeds.
 */
size_t sweep(sweep_work *work, void *arg, size_t limit);

#endif /* SWEEP_H */
