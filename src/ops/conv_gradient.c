/* SPDX-License-Identifier: MIT */
/*
 * Gradients of convolutions: volume.h makes them as products of matrices, like the convolutions
 * themselves; those of depthwise ones kernels/depthwise.h.
 */
#include "ops/conv.h"

#include "kernels/depthwise.h"

static bool wanted(const phi_exec *e, size_t i)
{
    return i < e->n_in && !phi_view_absent(&e->din[i]);
}

/* An image as a volume of one slice. */
static phi_volume volume_of(const phi_conv_shape *d)
{
    return (phi_volume){.n = d->n,
                        .c = d->c,
                        .k = d->k,
                        .groups = d->groups,
                        .side = {{.in = 1, .kernel = 1, .stride = 1, .dilation = 1, .out = 1},
                                 {.in = d->h,
                                  .kernel = d->r,
                                  .stride = d->stride_h,
                                  .dilation = d->dilation_h,
                                  .begin = d->pad_top,
                                  .end = d->pad_bottom,
                                  .out = d->oh},
                                 {.in = d->w,
                                  .kernel = d->s,
                                  .stride = d->stride_w,
                                  .dilation = d->dilation_w,
                                  .begin = d->pad_left,
                                  .end = d->pad_right,
                                  .out = d->ow}}};
}

static phi_volume volume_now(const phi_conv_params *p)
{
    return phi_conv_is_volume(p) ? p->volume : volume_of(&p->image);
}

static bool is_depthwise(const phi_conv_params *p)
{
    return !phi_conv_is_volume(p) && phi_conv_is_depthwise(&p->image);
}

static size_t depthwise_work_bytes(const phi_conv_shape *d, size_t threads)
{
    return phi_add_aligned(phi_add_aligned(0, phi_depthwise_pack_bytes(d)),
                           phi_depthwise_backward_work_bytes(d, threads));
}

static size_t volume_work_bytes(const phi_volume *v, size_t threads)
{
    const size_t packed = phi_add_aligned(0, phi_volume_back_pack_bytes(v));
    return phi_max_size(phi_volume_weights_work_bytes(v, threads),
                        phi_add_aligned(packed, phi_volume_back_work_bytes(v, threads)));
}

/* The three gradients come one after the other and share the scratch. */
size_t phi_conv_backward_work_bytes(const phi_exec *e)
{
    const phi_conv_params *p = e->params;
    const phi_volume v = volume_now(p);
    const size_t threads = phi_pool_threads(e->pool);
    return phi_max_size(phi_column_sums_bytes((size_t)phi_volume_pixels_out(&v), (size_t)v.k),
                        is_depthwise(p) ? depthwise_work_bytes(&p->image, threads)
                                        : volume_work_bytes(&v, threads));
}

static void volume_backward(const phi_exec *e, const phi_volume *v)
{
    const float *dy = e->dout[0].data;
    if (wanted(e, 0)) {
        phi_volume_back_pack(v, e->in[1].data, e->pool, e->work);
        phi_volume_back_run(v, dy, e->work, NULL, e->din[0].data, e->pool,
                            phi_behind(e->work, phi_volume_back_pack_bytes(v)));
    }
    if (wanted(e, 1))
        phi_volume_weights_run(v, e->in[0].data, dy, e->din[1].data, e->pool, e->work);
}

static void depthwise_backward(const phi_exec *e, const phi_conv_shape *d)
{
    if (!wanted(e, 0) && !wanted(e, 1)) return;
    phi_depthwise_pack(d, e->in[1].data, e->work);
    phi_depthwise_backward(d, e->in[0].data, e->work, e->dout[0].data,
                           wanted(e, 0) ? e->din[0].data : NULL,
                           wanted(e, 1) ? e->din[1].data : NULL, e->pool,
                           phi_behind(e->work, phi_depthwise_pack_bytes(d)));
}

void phi_conv_backward(const phi_exec *e)
{
    const phi_conv_params *p = e->params;
    const phi_volume v = volume_now(p);
    if (is_depthwise(p))
        depthwise_backward(e, &p->image);
    else
        volume_backward(e, &v);
    if (wanted(e, 2))
        phi_column_sums(e->dout[0].data, (size_t)phi_volume_pixels_out(&v), v.k, (size_t)v.k,
                        e->din[2].data, e->pool, e->work);
}
