/* SPDX-License-Identifier: MIT */
/*
 * Conv: of one to three dimensions (volume.h for the third), of any kernel, stride, padding,
 * dilation and grouping, as products of matrices over channels-last images: rows are pixels,
 * columns of the result are output channels, the sum runs over (kernel row, kernel column, input
 * channel).
 *
 *   forward            y  [pixels of y, k]   = x's windows [pixels of y, r s c] W
 *   input's gradient   dx [pixels of x, c]   = dy's windows [pixels of x, r s k] W'
 *   weights' gradient  dW [r s c, k]         = x's windows' dy, a sum over all pixels
 *
 * 1x1 kernels that touch each pixel once need no windows: x is the matrix. Depthwise convolutions
 * go their own way (kernels/depthwise.h), and where it saves work and exact arithmetic is not asked
 * for, so do 3x3 and 5x5 ones (kernels/winograd.h) and large 1x1 ones (kernels/strassen.h).
 */
#include "ops/conv.h"

#include <stdio.h>

#include "graph/graph.h"
#include "ops/op_check.h"

/* --- Shape ----------------------------------------------------------------------------------- */

static enum ph_status check_channels(const phi_infer *c, phi_conv_shape *d)
{
    const phi_type *x = c->in[0], *w = c->in[1];
    d->n = x->dims[0];
    d->c = x->dims[1];
    d->k = w->dims[0];
    enum ph_status grouped = phi_spatial_groups(c, x, w, &d->groups);
    if (grouped) return grouped;
    if (c->n_in > 2 && c->in[2]) {
        char text[PHI_TYPE_TEXT];
        const phi_type *b = c->in[2];
        enum ph_status st = phi_need_dtype(c, 2, PH_FLOAT32);
        if (st) return st;
        if (b->rank != 1 || b->dims[0] != d->k)
            return phi_op_fail(c, PH_ERR_SHAPE,
                               "bias has shape %s, %lld output channels want [%lld]",
                               phi_dims_text(b->rank, b->dims, text, sizeof text), (long long)d->k,
                               (long long)d->k);
    }
    return PH_OK;
}

/* One-dimensional convolution is that of images with one line. */
static void set_sides(phi_conv_shape *d, const phi_side *h, const phi_side *w)
{
    d->h = h->in;
    d->r = h->kernel;
    d->oh = h->out;
    d->stride_h = h->stride;
    d->dilation_h = h->dilation;
    d->pad_top = h->begin;
    d->pad_bottom = h->end;
    d->w = w->in;
    d->s = w->kernel;
    d->ow = w->out;
    d->stride_w = w->stride;
    d->dilation_w = w->dilation;
    d->pad_left = w->begin;
    d->pad_right = w->end;
}

static enum ph_status conv_infer(phi_infer *c)
{
    phi_conv_params *p = c->params;
    phi_conv_shape *d = &p->image;
    phi_spatial s;
    enum ph_status st = phi_need_dtype(c, 0, PH_FLOAT32);
    if (!st) st = phi_need_dtype(c, 1, PH_FLOAT32);
    if (!st) st = phi_spatial_weights(c, c->in[0], c->in[1]);
    if (!st) st = phi_spatial_read(c, c->in[0], &c->in[1]->dims[2], &s);
    if (!st) st = check_channels(c, d);
    if (!st) st = phi_spatial_place(c, &s, false);
    if (st) return st;
    c->out[0] = *c->in[0];
    c->out[0].dims[1] = d->k;
    for (int i = 0; i < s.n; i++)
        c->out[0].dims[2 + i] = s.side[PHI_SIDES - s.n + i].out;
    set_sides(d, &s.side[1], &s.side[2]);
    if (s.n == 3) {
        p->volume = (phi_volume){.n = d->n, .c = d->c, .k = d->k, .groups = d->groups};
        memcpy(p->volume.side, s.side, sizeof s.side);
    }
    return phi_type_check(&c->out[0], c->node->name, c->err);
}

/* n * oh * ow * k * (c / groups) * r * s */
static enum ph_status conv_macs(const phi_infer *c, int64_t *macs)
{
    return phi_spatial_macs(c, &c->out[0], c->in[1], macs);
}

/* --- Forward --------------------------------------------------------------------------------- */

/* How it is computed does not depend on the number of images: every image has the same bits,
 * whatever the batch and the portion. */
phi_conv_params phi_conv_now(const phi_exec *e)
{
    phi_conv_params p = *(const phi_conv_params *)e->params;
    p.image.n = p.volume.n = e->in[0].type.dims[0];
    return p;
}

phi_conv_data phi_conv_data_of(const phi_exec *e)
{
    const bool biased = e->n_in > 2 && !phi_view_absent(&e->in[2]);
    return (phi_conv_data){.x = e->in[0].data,
                           .x_pitch = phi_view_pitch(&e->in[0]),
                           .y = e->out[0].data,
                           .y_pitch = phi_view_pitch(&e->out[0]),
                           .bias = biased ? e->in[2].data : NULL,
                           .add = e->add ? e->add->data : NULL,
                           .add_pitch = e->add ? phi_view_pitch(e->add) : 0,
                           .lo = e->lo,
                           .hi = e->hi};
}

static size_t conv_methods(const phi_exec *e, phi_choice *out)
{
    return phi_conv_methods(e->params, e->exact, out);
}

static void conv_describe(const phi_exec *e, char text[PHI_DESCRIPTION_BYTES])
{
    const phi_conv_shape *d = &((const phi_conv_params *)e->params)->image;
    snprintf(text, PHI_DESCRIPTION_BYTES,
             "Conv c%lld h%lld w%lld k%lld r%lld s%lld g%lld stride %lldx%lld dilation %lldx%lld "
             "pads %lld,%lld,%lld,%lld pitches %lld,%lld",
             (long long)d->c, (long long)d->h, (long long)d->w, (long long)d->k, (long long)d->r,
             (long long)d->s, (long long)d->groups, (long long)d->stride_h, (long long)d->stride_w,
             (long long)d->dilation_h, (long long)d->dilation_w, (long long)d->pad_top,
             (long long)d->pad_left, (long long)d->pad_bottom, (long long)d->pad_right,
             (long long)phi_view_pitch(&e->in[0]), (long long)phi_view_pitch(&e->out[0]));
}

static size_t packed_bytes(const phi_exec *e)
{
    const phi_conv_method *m = phi_conv_method_of(e);
    return m->pack_bytes(m, e->params);
}

static size_t conv_pack_bytes(const phi_exec *e)
{
    return e->in[1].data || e->filters ? packed_bytes(e) : 0;
}

static bool conv_packs_rows(const phi_exec *e)
{
    return phi_conv_method_of(e)->packs_rows;
}

static void conv_pack(const phi_exec *e, void *packed)
{
    const phi_conv_method *m = phi_conv_method_of(e);
    const phi_conv_params *p = e->params;
    const phi_filters in_memory = {.row = phi_conv_window_size(&p->image), .data = e->in[1].data};
    m->pack(m, p, e->filters ? e->filters : &in_memory, e->pool, packed);
}

static size_t conv_work_bytes(const phi_exec *e, bool backward)
{
    if (backward) return phi_conv_backward_work_bytes(e);
    const phi_conv_params now = phi_conv_now(e);
    const phi_conv_method *m = phi_conv_method_of(e);
    return phi_add_aligned(e->packed ? 0 : phi_add_aligned(0, packed_bytes(e)),
                           m->work_bytes(m, &now, phi_pool_threads(e->pool)));
}

static enum ph_status conv_forward(const phi_exec *e, ph_error *err)
{
    const phi_conv_params now = phi_conv_now(e);
    const phi_conv_method *m = phi_conv_method_of(e);
    const phi_conv_data data = phi_conv_data_of(e);
    const void *packed = e->packed;
    void *work = e->work;
    (void)err;
    if (!packed) {
        conv_pack(e, work);
        packed = work;
        work = phi_behind(work, packed_bytes(e));
    }
    m->run(m, &now, &data, packed, e->pool, work);
    return PH_OK;
}

/* All that apply agree. */
static bool takes_add(const phi_infer *c)
{
    const phi_exec e = {.params = c->params};
    return phi_conv_method_of(&e)->takes_add;
}

static enum ph_status conv_backward(const phi_exec *e, ph_error *err)
{
    (void)err;
    phi_conv_backward(e);
    return PH_OK;
}

const phi_op phi_op_conv = {.name = "Conv",
                            .widens = true,
                            .since = 1,
                            .attrs = phi_conv_attrs,
                            .min_in = 2,
                            .max_in = 3,
                            .min_out = 1,
                            .max_out = 1,
                            .layout = PHI_LAYOUT_IMAGE,
                            .slices = true,
                            .by_image = true,
                            .image_in = 1u << 0,
                            .trainable = 1u << 1 | 1u << 2,
                            .params_bytes = sizeof(phi_conv_params),
                            .infer = conv_infer,
                            .macs = conv_macs,
                            .methods = conv_methods,
                            .describe = conv_describe,
                            .work_bytes = conv_work_bytes,
                            .pack_bytes = conv_pack_bytes,
                            .pack = conv_pack,
                            .packs_rows = conv_packs_rows,
                            .lines = phi_conv_lines,
                            .band = phi_conv_band,
                            .forward = conv_forward,
                            .backward = conv_backward,
                            .epilogue = true,
                            .takes_add = takes_add};
