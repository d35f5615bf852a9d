/* SPDX-License-Identifier: MIT */
/*
 * Backward against finite differences: of the oracle's forward, in double, which are good to ten
 * digits where differences in float would be good to three.
 */
#ifndef GRAD_CHECK_H
#define GRAD_CHECK_H

#include "draw.h"

/* Random nodes of an operator; fails the running cmocka test on a miss. PH_SEED and PH_CASE as in
 * the tests of operators. */
void grad_check_random(const char *op, int n);

uint64_t grad_seed(void); /* printed once */

#endif /* GRAD_CHECK_H */
