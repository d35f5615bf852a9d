/* SPDX-License-Identifier: MIT */
/*
 * One node through the public interface, against the oracle: at one, two and three threads, which
 * must agree to the bit.
 */
#ifndef OPS_CHECK_H
#define OPS_CHECK_H

#include "draw.h"

/*
 * Run a case; on a miss prints one line that says what and how to replay it (`replay`: "Conv:17")
 * and returns false.
 */
bool ops_check(const draw_case *c, const char *replay);

/*
 * `n` random cases of an operator, a third with integers. Fails the running cmocka test on a miss.
 * PH_SEED replaces the seed; PH_CASE=Conv:17 runs this one alone.
 */
void ops_check_random(const char *op, int n);

/*
 * The same with all floats of 16 bits: inputs rounded to them, results to be what the oracle has,
 * rounded.
 */
void ops_check_half(const char *op, int n);

/* The seed in force, printed once. */
uint64_t ops_seed(void);

#endif /* OPS_CHECK_H */
