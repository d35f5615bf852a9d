/* SPDX-License-Identifier: MIT */
/*
 * Arithmetic with a constant per channel as y = scale[c] * x + shift[c], for folding into the
 * convolution before it: Caffe's Scale layer arrives as Mul and Add.
 */
#include "ops/affine.h"
#include "ops/binary.h"

/* Which of the two operands is constant, the other being the one that the result looks like? Not a
 * number, if neither or both are. */
static size_t constant_operand(const phi_infer *c)
{
    if (c->n_in != 2 || !c->in[0] || !c->in[1] || !c->constant[0] == !c->constant[1])
        return SIZE_MAX;
    const size_t k = c->constant[0] ? 0 : 1;
    const phi_type *x = c->in[1 - k];
    const bool same = x->dtype == PH_FLOAT32 && x->rank >= 2 && phi_type_equal(x, &c->out[0]);
    return same ? k : SIZE_MAX;
}

/* Dimension of the result under the first one of operand k. */
static int axis_of(const phi_infer *c, size_t k)
{
    const phi_binary_params *p = c->params;
    return k == 1 ? p->b_axis : c->out[0].rank - c->in[0]->rank;
}

/* One number, or one for each channel: dimension 1 of x and no other. */
static bool is_per_channel(const phi_infer *c, size_t k)
{
    const phi_type *t = c->in[k];
    const int axis = axis_of(c, k);
    if (phi_type_count(t) == 1) return true;
    for (int i = 0; i < t->rank; i++)
        if (t->dims[i] != 1 && (axis + i != 1 || t->dims[i] != c->out[0].dims[1])) return false;
    return phi_type_count(t) == c->out[0].dims[1];
}

/* The constant for every channel into v (NULL: only ask). False: the node is no such thing. */
static bool channel_values(const phi_infer *c, size_t *constant, double *v)
{
    const size_t k = *constant = constant_operand(c);
    if (k == SIZE_MAX || !is_per_channel(c, k)) return false;
    const float *from = c->constant[k]->data;
    const int64_t step = c->constant[k]->count == 1 ? 0 : 1;
    for (int64_t i = 0; v && i < c->out[0].dims[1]; i++)
        v[i] = (double)from[i * step];
    return true;
}

static void fill(const phi_infer *c, double *v, double value)
{
    for (int64_t i = 0; v && i < c->out[0].dims[1]; i++)
        v[i] = value;
}

bool phi_add_as_affine(const phi_infer *c, double *scale, double *shift)
{
    size_t constant;
    if (!channel_values(c, &constant, shift)) return false;
    fill(c, scale, 1);
    return true;
}

bool phi_sub_as_affine(const phi_infer *c, double *scale, double *shift)
{
    size_t constant;
    if (!channel_values(c, &constant, shift)) return false;
    fill(c, scale, constant == 0 ? -1 : 1); /* v - x or x - v */
    for (int64_t i = 0; shift && constant == 1 && i < c->out[0].dims[1]; i++)
        shift[i] = -shift[i];
    return true;
}

bool phi_mul_as_affine(const phi_infer *c, double *scale, double *shift)
{
    size_t constant;
    if (!channel_values(c, &constant, scale)) return false;
    fill(c, shift, 0);
    return true;
}

bool phi_div_as_affine(const phi_infer *c, double *scale, double *shift)
{
    size_t constant;
    if (!channel_values(c, &constant, scale) || constant == 0) return false;
    fill(c, shift, 0);
    for (int64_t i = 0; scale && i < c->out[0].dims[1]; i++)
        scale[i] = 1 / scale[i];
    return true;
}
