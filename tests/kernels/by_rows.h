/* SPDX-License-Identifier: MIT */
/*
 * Weights that come by rows (kernels/filters.h), by way of memory of the thread's own.
 */
#ifndef BY_ROWS_H
#define BY_ROWS_H

#include "kernels/filters.h"

#define BY_ROWS_THREADS 8 /* at most */

typedef struct by_rows {
    phi_filters in;
    float *room[BY_ROWS_THREADS];
} by_rows;

/* Those that `in` has in memory. The result is good until by_rows_free. */
phi_filters by_rows_new(by_rows *r, const phi_filters *in);
void by_rows_free(by_rows *r);

#endif /* BY_ROWS_H */
