/* SPDX-License-Identifier: MIT */
/*
 * NonZero: the coordinates of what is not zero, a column each: int64 [rank, count], in logical
 * order. The count is the result's shape, so the input must be known before running.
 */
#include "graph/loop.h"
#include "ops/axes.h"
#include "ops/elements.h"

/* Is element i, of a dense array, something else than zero? */
static bool is_something(const phi_type *t, const void *data, int64_t i)
{
    phi_room room;
    int64_t step;
    const char *at = (const char *)data + i * (int64_t)ph_dtype_size(t->dtype);
    return *(const double *)phi_widen(t->dtype, PHI_F64, 1, at, 1, &room, &step) != 0.0;
}

static enum ph_status infer(phi_infer *c)
{
    const ph_tensor *t;
    int64_t n = 0;
    enum ph_status st = phi_need_types(c, 0, PHI_TYPES_ALL);
    if (!st) st = phi_known_input(c, 0, "X", &t);
    if (st) return st;
    for (int64_t i = 0; i < t->count; i++)
        n += is_something(&t->type, t->data, i);
    c->out[0] = (phi_type){.dtype = PH_INT64, .rank = 2, .dims = {t->type.rank, n}};
    return PH_OK;
}

static enum ph_status forward(const phi_exec *e, ph_error *err)
{
    const phi_type *t = &e->in[0].type;
    const int64_t count = phi_type_count(t), n = e->out[0].type.dims[1];
    int64_t *y = e->out[0].data, index[PH_MAX_RANK], at = 0;
    (void)err;
    for (int64_t i = 0; i < count && at < n; i++) {
        if (!is_something(t, e->in[0].data, i)) continue;
        phi_unravel(i, t->rank, t->dims, index);
        for (int d = 0; d < t->rank; d++)
            y[d * n + at] = index[d];
        at++;
    }
    return PH_OK;
}

const phi_op phi_op_non_zero = {
    .name = "NonZero",
    .since = 9,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_PLAIN,
    .infer = infer,
    .forward = forward,
};
