/* SPDX-License-Identifier: MIT */
/*
 * ConvTranspose, of one to three dimensions (Zeiler 2010, "Deconvolutional networks"): what
 * convolution's gradient does to its input. In the convolution's terms (volume.h) our input is its
 * y, with k channels, our output its x, with c; our weights [k, c/g, ...] are its weights.
 *
 *   forward            y  = back(x)
 *   input's gradient   dx = convolution of dy
 *   weights' gradient  dW = the convolution's, with dy where it has its input and x where it has
 *                           its output's gradient
 */
#include <math.h>

#include "graph/graph.h"
#include "graph/loop.h"
#include "kernels/gemm.h"
#include "ops/op_check.h"
#include "ops/volume.h"

enum { X, W, BIAS };

static enum ph_status check_operands(const phi_infer *c)
{
    char text[PHI_TYPE_TEXT];
    const phi_type *x = c->in[X];
    enum ph_status st = phi_need_dtype(c, X, PH_FLOAT32);
    if (!st) st = phi_need_dtype(c, W, PH_FLOAT32);
    if (!st) st = phi_spatial_weights(c, x, c->in[W]);
    if (st) return st;
    for (int i = 2; i < x->rank; i++)
        if (x->dims[i] == 0)
            return phi_op_fail(c, PH_ERR_SHAPE, "input has shape %s: no pixels",
                               phi_dims_text(x->rank, x->dims, text, sizeof text));
    return PH_OK;
}

static enum ph_status check_channels(const phi_infer *c, phi_volume *v)
{
    const phi_type *x = c->in[X], *w = c->in[W];
    v->n = x->dims[0];
    v->k = x->dims[1];
    v->groups = phi_attr_int(c->node, "group", 1);
    if (v->groups < 1)
        return phi_op_fail(c, PH_ERR_ARG, "group is %lld, wanted at least 1", (long long)v->groups);
    if (w->dims[0] != v->k)
        return phi_op_fail(c, PH_ERR_SHAPE, "weights expect %lld channels, input has %lld",
                           (long long)w->dims[0], (long long)v->k);
    if (v->k % v->groups)
        return phi_op_fail(c, PH_ERR_SHAPE, "%lld input channels are not a multiple of group %lld",
                           (long long)v->k, (long long)v->groups);
    if (!phi_mul_i64(w->dims[1], v->groups, &v->c))
        return phi_op_fail(c, PH_ERR_OVERFLOW, "output channels do not fit into 63 bits");
    return c->n_in > BIAS && c->in[BIAS] ? phi_need_vector(c, BIAS, "bias", v->c) : PH_OK;
}

/*
 * Size and padding of one side. The side `s` was read with our input as `in`; it becomes that of
 * the convolution, where our input is the output.
 */
static enum ph_status turn_side(const phi_infer *c, size_t n, size_t i, enum phi_auto_pad pad,
                                phi_side *s)
{
    int64_t adjust = 0, wanted = -1, full, span = phi_side_span(s);
    enum ph_status st = phi_spatial_element(c, "output_padding", n, i, 0, &adjust);
    size_t found;
    phi_attr_ints(c->node, "output_shape", &found);
    size_t ahead = found == n + 2 ? 2 : 0; /* some list batch and channels as well */
    if (!st) st = phi_spatial_element(c, "output_shape", n + ahead, i + ahead, 1, &wanted);
    if (st) return st;
    if (!phi_mul_i64(s->in - 1, s->stride, &full) || !phi_add_i64(full, span, &full) ||
        !phi_add_i64(full, adjust, &full) || full > INT64_MAX / 4)
        return phi_op_fail(c, PH_ERR_OVERFLOW, "an output size does not fit into 63 bits");
    bool same = pad == PHI_PAD_SAME_UPPER || pad == PHI_PAD_SAME_LOWER;
    if (same && wanted < 0) wanted = s->in * s->stride;
    if (wanted >= 0) phi_side_split(s, pad, full > wanted ? full - wanted : 0);
    s->out = s->in;
    s->in = wanted >= 0 ? wanted : full - s->begin - s->end;
    if (s->in >= 1) return PH_OK;
    return phi_op_fail(c, PH_ERR_SHAPE, "padding %lld and %lld leaves nothing of %lld positions",
                       (long long)s->begin, (long long)s->end, (long long)full);
}

static enum ph_status conv_transpose_infer(phi_infer *c)
{
    phi_volume *v = c->params;
    phi_spatial s;
    enum ph_status st = check_operands(c);
    if (!st) st = phi_spatial_read(c, c->in[X], &c->in[W]->dims[2], &s);
    if (!st) st = check_channels(c, v);
    if (st) return st;
    c->out[0] = *c->in[X];
    c->out[0].dims[1] = v->c;
    for (int i = 0; i < PHI_SIDES; i++) {
        int own = i - (PHI_SIDES - s.n);
        v->side[i] = s.side[i];
        v->side[i].out = 1;
        if (own < 0) continue;
        st = turn_side(c, (size_t)s.n, (size_t)own, s.auto_pad, &v->side[i]);
        if (st) return st;
        c->out[0].dims[2 + own] = v->side[i].in;
    }
    return phi_type_check(&c->out[0], c->node->name, c->err);
}

/* Each input element meets its channel's weights once: n * pixels * k * (c / groups) * taps. Those
 * that would fall into the padding are counted, as the convolution counts its padding. */
static enum ph_status conv_transpose_macs(const phi_infer *c, int64_t *macs)
{
    return phi_spatial_macs(c, c->in[X], c->in[W], macs);
}

static size_t conv_transpose_pack_bytes(const phi_exec *e)
{
    return e->in[W].data ? phi_volume_back_pack_bytes(e->params) : 0;
}

static void conv_transpose_pack(const phi_exec *e, void *packed)
{
    phi_volume_back_pack(e->params, e->in[W].data, e->pool, packed);
}

static size_t conv_transpose_work_bytes(const phi_exec *e, bool backward)
{
    const phi_volume *v = e->params;
    const size_t threads = phi_pool_threads(e->pool);
    if (!backward) {
        size_t packed = e->packed ? 0 : phi_add_aligned(0, phi_volume_back_pack_bytes(v));
        return phi_add_aligned(packed, phi_volume_back_work_bytes(v, threads));
    }
    size_t most = phi_column_sums_bytes((size_t)phi_volume_pixels_in(v), (size_t)v->c);
    most = phi_max_size(most, phi_volume_weights_work_bytes(v, threads));
    return phi_max_size(most, phi_add_aligned(phi_add_aligned(0, phi_volume_pack_bytes(v)),
                                              phi_volume_work_bytes(v, threads)));
}

static enum ph_status conv_transpose_forward(const phi_exec *e, ph_error *err)
{
    const phi_volume *v = e->params;
    const void *packed = e->packed;
    char *work = e->work;
    const bool biased = e->n_in > BIAS && !phi_view_absent(&e->in[BIAS]);
    (void)err;
    if (!packed) {
        phi_volume_back_pack(v, e->in[W].data, e->pool, work);
        packed = work;
        work += phi_add_aligned(0, phi_volume_back_pack_bytes(v));
    }
    phi_volume_back_run(v, e->in[X].data, packed, biased ? e->in[BIAS].data : NULL, e->out[0].data,
                        e->pool, work);
    return PH_OK;
}

static bool wanted(const phi_exec *e, size_t i)
{
    return i < e->n_in && !phi_view_absent(&e->din[i]);
}

static enum ph_status conv_transpose_backward(const phi_exec *e, ph_error *err)
{
    const phi_volume *v = e->params;
    const float *dy = e->dout[0].data;
    (void)err;
    if (wanted(e, X)) {
        phi_volume_pack(v, e->in[W].data, e->pool, e->work);
        const phi_conv_data data = {.x = dy,
                                    .x_pitch = v->c,
                                    .y = e->din[X].data,
                                    .y_pitch = v->k,
                                    .lo = -INFINITY,
                                    .hi = INFINITY};
        phi_volume_run(v, &data, e->work, e->pool,
                       (char *)e->work + phi_add_aligned(0, phi_volume_pack_bytes(v)));
    }
    if (wanted(e, W))
        phi_volume_weights_run(v, dy, e->in[X].data, e->din[W].data, e->pool, e->work);
    if (wanted(e, BIAS))
        phi_column_sums(dy, (size_t)phi_volume_pixels_in(v), v->c, (size_t)v->c, e->din[BIAS].data,
                        e->pool, e->work);
    return PH_OK;
}

static const phi_attr_rule conv_transpose_attrs[] = {
    {"auto_pad", PH_ATTR_STRING, 1, 0, false},
    {"dilations", PH_ATTR_INTS, 1, 0, false},
    {"group", PH_ATTR_INT, 1, 0, false},
    {"kernel_shape", PH_ATTR_INTS, 1, 0, false},
    {"output_padding", PH_ATTR_INTS, 1, 0, false},
    {"output_shape", PH_ATTR_INTS, 1, 0, false},
    {"pads", PH_ATTR_INTS, 1, 0, false},
    {"strides", PH_ATTR_INTS, 1, 0, false},
    {0},
};

const phi_op phi_op_conv_transpose = {
    .name = "ConvTranspose",
    .widens = true,
    .since = 1,
    .attrs = conv_transpose_attrs,
    .min_in = 2,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_IMAGE,
    .image_in = 1u << X,
    .trainable = 1u << W | 1u << BIAS,
    .params_bytes = sizeof(phi_volume),
    .infer = conv_transpose_infer,
    .macs = conv_transpose_macs,
    .work_bytes = conv_transpose_work_bytes,
    .pack_bytes = conv_transpose_pack_bytes,
    .pack = conv_transpose_pack,
    .forward = conv_transpose_forward,
    .backward = conv_transpose_backward,
};
