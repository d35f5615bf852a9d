/* SPDX-License-Identifier: MIT */
/* Quantised operators: real = (q - zero point) * scale. */
#include "oracle.h"

#include <math.h>
#include <string.h>

enum { UINT8 = 2, INT8 = 3, UINT16 = 4, INT16 = 5, INT32 = 6 }; /* ONNX's numbers of types */

static double lowest(int dtype)
{
    return dtype == INT8 ? -128 : dtype == INT16 ? -32768 : 0;
}

static double highest(int dtype)
{
    return dtype == INT8 ? 127 : dtype == UINT8 ? 255 : dtype == INT16 ? 32767 : 65535;
}

static const or_array *optional(const or_node *n, int i)
{
    return i < n->n_in ? n->in[i] : NULL;
}

/* Element of a scale or zero point for the element of x at `index`: one for all, one for each
 * position along the axis, or one for each block of them. */
static double quantum(const or_node *n, const or_array *q, const int64_t *index, double missing)
{
    int64_t axis = or_int(n, "axis", 1), block = or_int(n, "block_size", 0);
    int64_t at[OR_MAX_RANK];
    if (!q) return missing;
    if (q->count == 1) return q->v[0];
    if (axis < 0) axis += n->in[0]->rank;
    if (!block) return q->v[index[axis]];
    memcpy(at, index, sizeof at);
    at[axis] /= block;
    return q->v[or_at(q, at)];
}

/* Rounded to even and into range. Near a tie, or where the sum is larger than a float holds, a
 * computation in float may come out one off. */
static void store(or_array *y, int64_t i, double x, double zero)
{
    double r = nearbyint(x), off = fabs(fabs(x - floor(x)) - 0.5);
    y->v[i] = fmax(lowest(y->dtype), fmin(highest(y->dtype), r + zero));
    y->slack[i] = off < 1e-6 * (fabs(x) + 1) ? 1.5 * 8388608.0 : 0;
}

static or_array *integers(int rank, const int64_t *dims, int dtype)
{
    or_array *y = or_new(rank, dims);
    y->integer = true;
    y->dtype = dtype;
    return y;
}

bool or_quantize(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0], *scale = n->in[1], *zero = optional(n, 2);
    or_array *y =
        integers(x->rank, x->dims, zero ? zero->dtype : (int)or_int(n, "output_dtype", UINT8));
    for (int64_t i = 0; i < x->count; i++) {
        int64_t index[OR_MAX_RANK] = {0};
        or_coordinates(x, i, index);
        store(y, i, x->v[i] / quantum(n, scale, index, 1), quantum(n, zero, index, 0));
    }
    out[0] = y;
    return true;
}

bool or_dequantize(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0], *scale = n->in[1], *zero = optional(n, 2);
    or_array *y = or_new(x->rank, x->dims);
    for (int64_t i = 0; i < x->count; i++) {
        int64_t index[OR_MAX_RANK] = {0};
        or_coordinates(x, i, index);
        y->v[i] = (x->v[i] - quantum(n, zero, index, 0)) * quantum(n, scale, index, 1);
        y->slack[i] = 2 * fabs(y->v[i]);
    }
    out[0] = y;
    return true;
}

bool or_dynamic_quantize(const or_node *n, or_array **out)
{
    const or_array *x = n->in[0];
    or_array *y = integers(x->rank, x->dims, UINT8), *scale = or_new(0, NULL);
    or_array *zero = integers(0, NULL, UINT8);
    double lo = 0, hi = 0;
    for (int64_t i = 0; i < x->count; i++) {
        lo = fmin(lo, x->v[i]);
        hi = fmax(hi, x->v[i]);
    }
    scale->v[0] = (double)(float)((hi == lo ? 1 : hi - lo) / 255);
    scale->slack[0] = 2 * scale->v[0];
    store(zero, 0, -lo / scale->v[0], 0);
    for (int64_t i = 0; i < x->count; i++)
        store(y, i, x->v[i] / scale->v[0], zero->v[0]);
    out[0] = y;
    out[1] = scale;
    out[2] = zero;
    return true;
}

/* A copy of input i less its zero point, which runs along a dimension or is a single number. */
static or_array *shifted(const or_node *n, int i, int zero, int along)
{
    or_array *x = or_copy(n->in[i]);
    const or_array *z = optional(n, zero);
    for (int64_t k = 0; z && k < x->count; k++) {
        int64_t index[OR_MAX_RANK];
        or_coordinates(x, k, index);
        if (z->count > 1 && z->rank == x->rank)
            x->v[k] -= z->v[or_broadcast_at(z, x->rank, index)];
        else
            x->v[k] -= z->v[z->count == 1 ? 0 : index[along]];
    }
    return x;
}

/* The sum as it is, or scaled: multiplier[c] for the element's place along dimension `along`. */
static or_array *finish(const or_node *n, or_array *sum, int first, int along)
{
    bool scaled = n->op[0] == 'Q';
    const or_array *y_zero = scaled ? n->in[first + 3] : NULL;
    or_array *y = integers(sum->rank, sum->dims, scaled ? y_zero->dtype : INT32);
    for (int64_t i = 0; i < sum->count; i++) {
        int64_t index[OR_MAX_RANK];
        or_coordinates(sum, i, index);
        y->v[i] = sum->v[i];
        if (!scaled) continue;
        const or_array *b = n->in[first], *ys = n->in[first + 2];
        double factor = n->in[1]->v[0] * b->v[b->count == 1 ? 0 : index[along]] / ys->v[0];
        store(y, i, sum->v[i] * factor, y_zero->v[0]);
    }
    or_free(sum);
    return y;
}

/* ConvInteger: x, w, x_zero, w_zero. QLinearConv: x, scale, zero, w, scale, zero, y_scale, y_zero,
 * bias. */
bool or_int_conv(const or_node *n, or_array **out)
{
    bool scaled = n->op[0] == 'Q';
    or_node real = *n;
    or_array *sum[1];
    real.in[0] = shifted(n, 0, 2, 1);
    real.in[1] = shifted(n, scaled ? 3 : 1, scaled ? 5 : 3, 0);
    real.in[2] = scaled ? (or_array *)optional(n, 8) : NULL;
    real.n_in = 3;
    bool fine = or_conv(&real, sum);
    or_free(real.in[0]);
    or_free(real.in[1]);
    if (fine) out[0] = finish(n, sum[0], 4, 1);
    return fine;
}

/* MatMulInteger: a, b, a_zero, b_zero. QLinearMatMul: a, scale, zero, b, scale, zero, y's. */
bool or_int_matmul(const or_node *n, or_array **out)
{
    bool scaled = n->op[0] == 'Q';
    const or_array *a = n->in[0], *b = n->in[scaled ? 3 : 1];
    or_node real = *n;
    or_array *sum[1];
    real.in[0] = shifted(n, 0, 2, a->rank - 2);
    real.in[1] = shifted(n, scaled ? 3 : 1, scaled ? 5 : 3, b->rank - 1);
    real.n_in = 2;
    bool fine = or_matmul(&real, sum);
    or_free(real.in[0]);
    or_free(real.in[1]);
    if (fine) out[0] = finish(n, sum[0], 4, sum[0]->rank - 1);
    return fine;
}
