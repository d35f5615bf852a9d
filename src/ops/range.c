/* SPDX-License-Identifier: MIT */
/* Range: start, start + delta, ... to before limit. All three decide the shape: known beforehand.
 */
#include <math.h>

#include "ops/axes.h"
#include "ops/elements.h"

enum { START, LIMIT, DELTA };

static enum ph_status read_number(const phi_infer *c, size_t i, const char *what, phi_room *out)
{
    char text[PHI_TYPE_TEXT];
    const ph_tensor *t = NULL;
    int64_t step;
    enum ph_status st = phi_need_types(c, i, PHI_TYPES_NUMBER);
    if (!st) st = phi_known_input(c, i, what, &t);
    if (st) return st;
    if (t->count != 1 || t->type.dtype != c->in[START]->dtype)
        return phi_op_fail(c, PH_ERR_SHAPE, "input %zu (%s) is %s, wanted is one %s", i, what,
                           phi_type_text(&t->type, text, sizeof text),
                           ph_dtype_name(c->in[START]->dtype));
    const enum phi_wide wide = phi_wide_of(t->type.dtype);
    const void *x = phi_widen(t->type.dtype, wide, 1, t->data, 1, out, &step);
    if (x != out) memcpy(out, x, wide == PHI_F32 ? sizeof(float) : sizeof(double));
    return PH_OK;
}

/* ceil((limit - start) / delta) of integers, 0 at least. `up`: limit lies above start. */
static int64_t steps(bool up, uint64_t start, uint64_t limit, bool delta_up, uint64_t delta)
{
    const uint64_t reach = up ? limit - start : start - limit;
    if (reach == 0 || up != delta_up) return 0;
    const uint64_t n = (reach - 1) / delta + 1;
    return n > INT64_MAX ? INT64_MAX : (int64_t)n;
}

static int64_t count(enum phi_wide wide, const phi_room *a, const phi_room *b, const phi_room *d)
{
    double n;
    switch (wide) {
    case PHI_I64:
        return steps(b->i64[0] > a->i64[0], a->u64[0], b->u64[0], d->i64[0] > 0,
                     d->i64[0] > 0 ? d->u64[0] : 0 - d->u64[0]);
    case PHI_U64:
        return steps(b->u64[0] > a->u64[0], a->u64[0], b->u64[0], true, d->u64[0]);
    case PHI_F32:
        n = ceil(((double)b->f32[0] - (double)a->f32[0]) / (double)d->f32[0]);
        break;
    default:
        n = ceil((b->f64[0] - a->f64[0]) / d->f64[0]);
    }
    return n >= 0x1p62 ? INT64_MAX : n > 0 ? (int64_t)n : 0;
}

static enum ph_status infer(phi_infer *c)
{
    phi_room a, b, d;
    enum ph_status st = read_number(c, START, "start", &a);
    if (!st) st = read_number(c, LIMIT, "limit", &b);
    if (!st) st = read_number(c, DELTA, "delta", &d);
    if (st) return st;
    const enum phi_wide wide = phi_wide_of(c->in[START]->dtype);
    const bool zero = wide == PHI_F32   ? d.f32[0] == 0.0f
                      : wide == PHI_F64 ? d.f64[0] == 0.0
                                        : d.u64[0] == 0;
    if (zero) return phi_op_fail(c, PH_ERR_ARG, "delta is 0");
    c->out[0] =
        (phi_type){.dtype = c->in[START]->dtype, .rank = 1, .dims = {count(wide, &a, &b, &d)}};
    return PH_OK;
}

static void fill(enum phi_wide wide, int64_t first, int64_t n, const phi_room *start,
                 const phi_room *delta, phi_room *y)
{
    for (int64_t i = 0; i < n; i++)
        if (wide == PHI_F32)
            y->f32[i] = start->f32[0] + (float)(first + i) * delta->f32[0];
        else if (wide == PHI_F64)
            y->f64[i] = start->f64[0] + (double)(first + i) * delta->f64[0];
        else
            y->u64[i] = start->u64[0] + (uint64_t)(first + i) * delta->u64[0];
}

static enum ph_status forward(const phi_exec *e, ph_error *err)
{
    const phi_type *t = &e->out[0].type;
    const enum phi_wide wide = phi_wide_of(t->dtype);
    const int64_t size = (int64_t)ph_dtype_size(t->dtype);
    phi_room start, delta, room;
    int64_t step;
    (void)err;
    const void *a = phi_widen(t->dtype, wide, 1, e->in[START].data, 1, &start, &step);
    const void *d = phi_widen(t->dtype, wide, 1, e->in[DELTA].data, 1, &delta, &step);
    for (int64_t i = 0; i < t->dims[0]; i += PHI_RUN) {
        const int64_t n = t->dims[0] - i < PHI_RUN ? t->dims[0] - i : PHI_RUN;
        fill(wide, i, n, a, d, &room);
        phi_narrow(t->dtype, wide, n, &room, (char *)e->out[0].data + i * size, 1);
    }
    return PH_OK;
}

const phi_op phi_op_range = {
    .name = "Range",
    .since = 11,
    .min_in = 3,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_PLAIN,
    .infer = infer,
    .forward = forward,
};
