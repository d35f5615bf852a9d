/* SPDX-License-Identifier: MIT */
/*
 * The order of images in an epoch, and the seeds of single steps: functions of (seed, epoch) and
 * (seed, step), so that a training can be continued anywhere.
 */
#include "base/rng.h"
#include "train/trainer.h"

/* Fisher and Yates; Durstenfeld 1964, CACM 7(7), algorithm 235. */
void phi_shuffle(uint64_t seed, uint64_t epoch, uint32_t *order, size_t n)
{
    phi_rng rng = phi_rng_start(seed, phi_stream("pinhole/shuffle") + epoch);
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    for (size_t i = n; i > 1; i--) {
        uint32_t j = phi_rng_below(&rng, (uint32_t)i);
        uint32_t swap = order[i - 1];
        order[i - 1] = order[j];
        order[j] = swap;
    }
}

uint64_t phi_step_seed(uint64_t seed, uint64_t step)
{
    uint32_t word[4];
    phi_philox(seed, phi_stream("pinhole/step"), step, word);
    return (uint64_t)word[1] << 32 | word[0];
}
