/* SPDX-License-Identifier: MIT */
/*
 * Learning rates over the course of a training.
 *
 * Step:      times step_factor every step_epochs epochs.
 * Cosine:    half a cosine from the peak to 0 (Loshchilov 2017, arXiv:1608.03983, eq. 5, one
 * period). One-cycle: half a cosine from peak / 25 up to the peak, then half a cosine down to the
 * start's 10,000th part (Smith 2018, arXiv:1803.09820, sec. 4.1; cosines and divisors as fast.ai
 *            and PyTorch have them).
 */
#include "train/trainer.h"

#include <math.h>

#define ONE_CYCLE_START_DIVISOR 25.0
#define ONE_CYCLE_END_DIVISOR 1e4

/* From `a` at t = 0 to `b` at t = 1. */
static double half_cosine(double a, double b, double t)
{
    return b + (a - b) * 0.5 * (1 + cos(3.14159265358979323846 * t));
}

static double one_cycle(double peak, double warmup, double step, double total)
{
    double start = peak / ONE_CYCLE_START_DIVISOR, up = warmup * total, last = total - 1;
    if (step < up) return half_cosine(start, peak, step / up);
    double t = last > up ? (step - up) / (last - up) : 1;
    return half_cosine(peak, start / ONE_CYCLE_END_DIVISOR, t);
}

double phi_learning_rate(const ph_train_desc *s, uint64_t step, uint64_t steps_per_epoch)
{
    double total = (double)s->n_epochs * (double)steps_per_epoch;
    switch (s->schedule) {
    case PH_STEP: {
        uint64_t drops = step / steps_per_epoch / s->step_epochs;
        return s->learning_rate * pow(s->step_factor, (double)drops);
    }
    case PH_COSINE:
        return half_cosine(s->learning_rate, 0, (double)step / total);
    case PH_ONE_CYCLE:
        return one_cycle(s->learning_rate, s->warmup, (double)step, total);
    case PH_CONSTANT:
        break;
    }
    return s->learning_rate;
}
