/* SPDX-License-Identifier: MIT */
/* Speed over the last PHI_RATE_STEPS steps. */
#include "train/trainer.h"

static void push(phi_rate *r, double now)
{
    r->at[r->next] = now;
    r->next = (r->next + 1) % PHI_COUNT(r->at);
    if (r->n < PHI_COUNT(r->at)) r->n++;
}

void phi_rate_start(phi_rate *r, double now)
{
    r->n = r->next = 0; /* what lies between (an evaluation) is not training; `last` stays */
    push(r, now);
}

double phi_rate_step(phi_rate *r, double now, size_t images_per_step)
{
    push(r, now);
    size_t oldest = (r->next + PHI_COUNT(r->at) - r->n) % PHI_COUNT(r->at);
    double seconds = now - r->at[oldest];
    if (r->n > 1 && seconds > 0) r->last = (double)((r->n - 1) * images_per_step) / seconds;
    return r->last;
}
