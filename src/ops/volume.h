/* SPDX-License-Identifier: MIT */
/*
 * Convolutions over up to three spatial dimensions, and what makes their inputs' gradients, which
 * is what a transposed convolution is: as products of matrices over channels-last tensors. Conv
 * uses it for three dimensions, ConvTranspose for all.
 */
#ifndef PHI_VOLUME_H
#define PHI_VOLUME_H

#include "base/pool.h"
#include "kernels/conv_shape.h"
#include "ops/spatial.h"

/* x [n,in...,c] and y [n,out...,k], channels last; weights [k,c/groups,kernel...] as ONNX has them.
 * Output o reads input o * stride - begin + tap * dilation. */
typedef struct phi_volume {
    int64_t n, c, k, groups;
    phi_side side[PHI_SIDES];
} phi_volume;

/* y = min(max(conv(x) + bias + add, lo), hi). SIZE_MAX: it does not fit. */
size_t phi_volume_pack_bytes(const phi_volume *v);
void phi_volume_pack(const phi_volume *v, const float *weights, phi_pool *pool, void *packed);
size_t phi_volume_work_bytes(const phi_volume *v, size_t n_threads);
void phi_volume_run(const phi_volume *v, const phi_conv_data *data, const void *packed,
                    phi_pool *pool, void *work);

/* The way back: x = the sum of what each y gave to it, + bias [c] or NULL. */
size_t phi_volume_back_pack_bytes(const phi_volume *v);
void phi_volume_back_pack(const phi_volume *v, const float *weights, phi_pool *pool, void *packed);
size_t phi_volume_back_work_bytes(const phi_volume *v, size_t n_threads);
void phi_volume_back_run(const phi_volume *v, const float *y, const void *packed, const float *bias,
                         float *x, phi_pool *pool, void *work);

/* Gradient of the weights. */
size_t phi_volume_weights_work_bytes(const phi_volume *v, size_t n_threads);
void phi_volume_weights_run(const phi_volume *v, const float *x, const float *dy, float *dweights,
                            phi_pool *pool, void *work);

int64_t phi_volume_pixels_in(const phi_volume *v);
int64_t phi_volume_pixels_out(const phi_volume *v);

#endif /* PHI_VOLUME_H */
