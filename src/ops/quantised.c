/* SPDX-License-Identifier: MIT */
#include "ops/quantised.h"

#include <math.h>

#include "base/half.h"
#include "ops/axes.h"
#include "ops/op_check.h"

int64_t phi_lowest(enum ph_dtype dtype)
{
    switch (dtype) {
    case PH_INT8:
        return INT8_MIN;
    case PH_INT16:
        return INT16_MIN;
    case PH_INT32:
        return INT32_MIN;
    default:
        return 0;
    }
}

int64_t phi_highest(enum ph_dtype dtype)
{
    switch (dtype) {
    case PH_INT8:
        return INT8_MAX;
    case PH_UINT8:
        return UINT8_MAX;
    case PH_INT16:
        return INT16_MAX;
    case PH_UINT16:
        return UINT16_MAX;
    case PH_INT32:
        return INT32_MAX;
    default:
        return UINT32_MAX;
    }
}

enum ph_status phi_need_int8(const phi_infer *c, size_t i)
{
    enum ph_dtype t = i < c->n_in && c->in[i] ? c->in[i]->dtype : PH_UNDEFINED;
    if (t == PH_UINT8 || t == PH_INT8) return PH_OK;
    return phi_op_fail(c, t == PH_UNDEFINED ? PH_ERR_ARG : PH_ERR_UNSUPPORTED,
                       "input %zu is %s, only uint8 and int8 are supported", i, ph_dtype_name(t));
}

static bool is_scale(enum ph_dtype t)
{
    return t == PH_FLOAT32 || t == PH_FLOAT16 || t == PH_BFLOAT16;
}

enum ph_status phi_need_quantum(const phi_infer *c, size_t i, const char *what, enum ph_dtype dtype,
                                int64_t count)
{
    char text[PHI_TYPE_TEXT];
    if (i >= c->n_in || !c->in[i]) return PH_OK;
    const phi_type *t = c->in[i];
    if (dtype ? t->dtype != dtype : !is_scale(t->dtype))
        return phi_op_fail(c, PH_ERR_UNSUPPORTED, "%s is %s, wanted %s", what,
                           ph_dtype_name(t->dtype), dtype ? ph_dtype_name(dtype) : "a float type");
    if (phi_type_count(t) == 1 || (t->rank == 1 && t->dims[0] == count)) return PH_OK;
    return phi_op_fail(c, PH_ERR_SHAPE, "%s has shape %s, wanted one element or %lld", what,
                       phi_dims_text(t->rank, t->dims, text, sizeof text), (long long)count);
}

float phi_scale_at(const phi_view *v, int64_t i)
{
    if (phi_type_count(&v->type) == 1) i = 0;
    switch (v->type.dtype) {
    case PH_FLOAT16:
        return phi_f16_widen(((const uint16_t *)v->data)[i]);
    case PH_BFLOAT16:
        return phi_bf16_widen(((const uint16_t *)v->data)[i]);
    default:
        return ((const float *)v->data)[i];
    }
}

int64_t phi_zero_at(const phi_view *v, int64_t i)
{
    if (phi_view_absent(v)) return 0;
    if (phi_type_count(&v->type) == 1) i = 0;
    switch (v->type.dtype) {
    case PH_UINT8:
        return ((const uint8_t *)v->data)[i];
    case PH_INT8:
        return ((const int8_t *)v->data)[i];
    case PH_UINT16:
        return ((const uint16_t *)v->data)[i];
    case PH_INT16:
        return ((const int16_t *)v->data)[i];
    default:
        return ((const int32_t *)v->data)[i];
    }
}

int64_t phi_quantise(float x, int64_t zero, int64_t lo, int64_t hi)
{
    float r = rintf(x);
    if (!(r >= (float)(lo - zero))) return lo;
    if (r >= (float)(hi - zero)) return hi;
    return (int64_t)r + zero;
}

/* --- Elements and their scales ---------------------------------------------------------------- */

static bool same_shape(const phi_type *a, const phi_type *b)
{
    return a->rank == b->rank && memcmp(a->dims, b->dims, (size_t)a->rank * sizeof *a->dims) == 0;
}

/* Blocks of `block` positions along the axis, the last one perhaps shorter. */
static enum ph_status check_blocks(const phi_infer *c, const phi_quanta *q)
{
    char text[PHI_TYPE_TEXT];
    const phi_type *x = c->in[0], *s = c->in[1];
    bool fits = s->rank == x->rank && x->rank < PH_MAX_RANK;
    for (int i = 0; fits && i < x->rank; i++) {
        int64_t blocks = x->dims[i] / q->block + (x->dims[i] % q->block != 0);
        fits = s->dims[i] == (i == q->axis ? blocks : x->dims[i]);
    }
    if (fits) return PH_OK;
    return phi_op_fail(c, PH_ERR_SHAPE,
                       "scale has shape %s, which is not one for each block of %lld",
                       phi_dims_text(s->rank, s->dims, text, sizeof text), (long long)q->block);
}

enum ph_status phi_quanta_infer(const phi_infer *c, phi_quanta *q)
{
    char text[PHI_TYPE_TEXT];
    const phi_type *x = c->in[0], *s = c->in[1], *zero = c->n_in > 2 ? c->in[2] : NULL;
    if (!is_scale(s->dtype))
        return phi_op_fail(c, PH_ERR_UNSUPPORTED, "scale is %s, wanted a float type",
                           ph_dtype_name(s->dtype));
    if (zero && !same_shape(zero, s) && phi_type_count(zero) != phi_type_count(s))
        return phi_op_fail(c, PH_ERR_SHAPE, "zero point has shape %s, not the scale's",
                           phi_dims_text(zero->rank, zero->dims, text, sizeof text));
    q->axis = -1;
    q->block = phi_attr_int(c->node, "block_size", 0);
    if (q->block < 0) return phi_op_fail(c, PH_ERR_ARG, "block_size is %lld", (long long)q->block);
    if (s->rank == 0 || (q->block == 0 && phi_type_count(s) == 1)) return PH_OK;
    enum ph_status st = phi_axis(c, phi_attr_int(c->node, "axis", 1), x->rank, &q->axis);
    if (st) return st;
    if (q->block > 0) return check_blocks(c, q);
    if (c->opset >= 13 && s->rank == 1 && s->dims[0] == x->dims[q->axis]) return PH_OK;
    return phi_op_fail(c, PH_ERR_SHAPE, "scale has shape %s, wanted one element%s",
                       phi_dims_text(s->rank, s->dims, text, sizeof text),
                       c->opset < 13 ? "" : " or one for each position along the axis");
}

/* Scale or zero point stretched over x, one for each position along the axis or one for all. */
static phi_view stretched(const phi_view *v, const phi_view *x, const phi_quanta *q)
{
    phi_view r = *x;
    r.type.dtype = v->type.dtype;
    r.data = v->data;
    for (int i = 0; i < x->type.rank; i++)
        r.strides[i] = i == q->axis ? 1 : 0;
    return r;
}

/* Positions first .. first + n blocks * size - 1 along the axis, which becomes two: block, place.
 */
static phi_view blocks_of(const phi_view *v, int axis, int64_t first, int64_t n, int64_t size,
                          bool one_a_block)
{
    phi_view r = {.type = {.dtype = v->type.dtype, .rank = v->type.rank + 1}};
    for (int i = 0; i < r.type.rank; i++) {
        int from = i <= axis ? i : i - 1;
        r.type.dims[i] = v->type.dims[from];
        r.strides[i] = v->strides[from];
    }
    r.type.dims[axis] = n;
    r.type.dims[axis + 1] = size;
    if (one_a_block)
        r.strides[axis + 1] = 0;
    else
        r.strides[axis] *= size;
    r.data = (char *)v->data + first * v->strides[axis] * (int64_t)ph_dtype_size(v->type.dtype);
    return r;
}

static void loop_blocks(const phi_exec *e, const phi_quanta *q, const phi_view *zero, int64_t first,
                        int64_t n, int64_t size, phi_run_fn *fn, void *arg)
{
    const int64_t block = first / q->block;
    if (n == 0 || size == 0) return;
    phi_view y = blocks_of(&e->out[0], q->axis, first, n, size, false);
    phi_view x = blocks_of(&e->in[0], q->axis, first, n, size, false);
    phi_view s = blocks_of(&e->in[1], q->axis, block, n, size, true);
    phi_view z = blocks_of(zero, q->axis, block, n, size, true);
    phi_loop(e->pool, 4, (const phi_view *const[]){&y, &x, &s, &z}, fn, arg);
}

void phi_quanta_loop(const phi_exec *e, const phi_quanta *q, phi_run_fn *fn, void *arg)
{
    bool has_zero = e->n_in > 2 && !phi_view_absent(&e->in[2]);
    const phi_view *zero = has_zero ? &e->in[2] : &e->in[1];
    if (q->block > 0 && q->axis >= 0) {
        int64_t size = e->in[0].type.dims[q->axis], whole = size / q->block;
        loop_blocks(e, q, zero, 0, whole, q->block, fn, arg);
        loop_blocks(e, q, zero, whole * q->block, 1, size % q->block, fn, arg);
        return;
    }
    phi_view s = stretched(&e->in[1], &e->in[0], q), z = stretched(zero, &e->in[0], q);
    phi_loop(e->pool, 4, (const phi_view *const[]){&e->out[0], &e->in[0], &s, &z}, fn, arg);
}
