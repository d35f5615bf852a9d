/* SPDX-License-Identifier: MIT */
/*
 * What the ways to compute a convolution have in common: its shape and where its operands are.
 */
#ifndef PHI_CONV_SHAPE_H
#define PHI_CONV_SHAPE_H

#include "base/base.h"

/* The shape of a convolution. x [n,h,w,c] and y [n,oh,ow,k], channels last; weights
 * [k,c/groups,r,s] as ONNX has them. Output (oy, ox) reads input (oy * stride_h - pad_top + i *
 * dilation_h, ...). */
typedef struct phi_conv_shape {
    int64_t n, c, h, w;
    int64_t k, r, s, groups;
    int64_t oh, ow;
    int64_t stride_h, stride_w;
    int64_t dilation_h, dilation_w;
    int64_t pad_top, pad_left, pad_bottom, pad_right;
} phi_conv_shape;

/*
 * The operands of one forward pass. Neighbouring pixels are `pitch` floats apart, lines w * pitch and
 * images h * w * pitch, so that each may be a slice of the channels of a wider tensor.
 *   y = min(max(x * weights + bias + add, lo), hi)
 */
typedef struct phi_conv_data {
    const float *x;
    ptrdiff_t x_pitch;
    float *y; /* overlaps nothing but `add`, which may be y itself */
    ptrdiff_t y_pitch;
    const float *bias; /* [k] or NULL */
    const float *add;  /* [n,oh,ow,k] or NULL */
    ptrdiff_t add_pitch;
    float lo, hi;
} phi_conv_data;

#endif /* PHI_CONV_SHAPE_H */
