/* SPDX-License-Identifier: MIT */
#include "by_rows.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kernels/kernels.h"

static const float *copy_rows(void *arg, size_t first, size_t n, size_t thread)
{
    const by_rows *r = arg;
    assert_true(n <= PHK_MAX_NR && thread < BY_ROWS_THREADS);
    memcpy(r->room[thread], r->in.data + first * r->in.row, n * r->in.row * sizeof(float));
    return r->room[thread];
}

phi_filters by_rows_new(by_rows *r, const phi_filters *in)
{
    const size_t n = PHK_MAX_NR * in->row;
    r->in = *in;
    for (size_t i = 0; i < BY_ROWS_THREADS; i++) {
        r->room[i] = malloc(n * sizeof(float));
        assert_non_null(r->room[i]);
        for (size_t k = 0; k < n; k++)
            r->room[i][k] = NAN;
    }
    return (phi_filters){.row = in->row, .make = copy_rows, .arg = r};
}

void by_rows_free(by_rows *r)
{
    for (size_t i = 0; i < BY_ROWS_THREADS; i++)
        free(r->room[i]);
}
