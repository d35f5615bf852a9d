/* SPDX-License-Identifier: MIT */
/* Convolutions of some lines of an image: that of all lines with another padding. */
#include "ops/conv.h"

static enum phi_link link_of(const phi_conv_shape *d)
{
    if (phi_conv_is_depthwise(d)) return PHI_LINK_DEPTHWISE;
    return phi_conv_is_plain_gemm(d) ? PHI_LINK_POINTWISE : PHI_LINK_WINDOW;
}

bool phi_conv_lines(const phi_exec *e, phi_lines *out)
{
    const phi_conv_method *m = phi_conv_method_of(e);
    const phi_conv_params *p = e->params;
    const phi_conv_shape *d = &p->image;
    const phi_type *x = &e->in[0].type;
    if (!m->by_lines || x->dtype != PH_FLOAT32 || x->rank != 4) return false;
    *out = (phi_lines){.kind = link_of(d),
                       .h = d->h,
                       .w = d->w,
                       .c = d->c,
                       .oh = d->oh,
                       .ow = d->ow,
                       .stride = d->stride_h,
                       .pad = d->pad_top,
                       .extent = (d->r - 1) * d->dilation_h + 1,
                       .unit = m->unit ? m->unit(p) : 1,
                       .weight_bytes =
                           (double)phi_conv_window_size(d) * (double)d->k * (double)sizeof(float),
                       .work_bytes = m->work_bytes(m, p, 1)};
    return true;
}

void phi_conv_band(const phi_exec *e, const phi_band *b)
{
    const phi_conv_method *m = phi_conv_method_of(e);
    phi_conv_params p = *(const phi_conv_params *)e->params;
    phi_conv_data data = phi_conv_data_of(e);
    p.image.n = 1;
    p.image.pad_top = b->in.first - (b->out.first * p.image.stride_h - p.image.pad_top);
    p.image.h = b->in.end - b->in.first;
    p.image.oh = b->out.end - b->out.first;
    data.x = b->x;
    data.x_pitch = b->x_pitch;
    data.y = b->y;
    data.y_pitch = b->y_pitch;
    data.add = b->add;
    data.add_pitch = b->add_pitch;
    m->run(m, &p, &data, e->packed, NULL, b->work);
}
