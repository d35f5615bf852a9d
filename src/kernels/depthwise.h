/* SPDX-License-Identifier: MIT */
/*
 * Depthwise convolution: each input channel has its own `k / c` filters and meets no other channel.
 * There is no product of matrices in it, only bandwidth; channels lie side by side and are what the
 * kernels' vectors run over.
 */
#ifndef PHI_DEPTHWISE_H
#define PHI_DEPTHWISE_H

#include "base/pool.h"
#include "kernels/kernels.h"

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

/* Filters in the kernels' order, with a note for which kernel. SIZE_MAX if it does not fit. */
size_t phi_depthwise_pack_bytes(const phi_conv_shape *d);
void phi_depthwise_pack(const phi_conv_shape *d, const float *weights, void *packed);

size_t phi_depthwise_work_bytes(const phi_conv_shape *d, size_t n_threads);
void phi_depthwise(const phi_conv_shape *d, const float *x, const void *packed,
                   const float *bias /* [k] or NULL */, float lo, float hi, float *y,
                   phi_pool *pool, void *work);

/* Gradients of input and weights; either may be NULL: not wanted. */
size_t phi_depthwise_backward_work_bytes(const phi_conv_shape *d, size_t n_threads);
void phi_depthwise_backward(const phi_conv_shape *d, const float *x, const void *packed,
                            const float *dy, float *dx, float *dweights, phi_pool *pool,
                            void *work);

#endif /* PHI_DEPTHWISE_H */
