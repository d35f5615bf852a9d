/* SPDX-License-Identifier: MIT */
/*
 * Depthwise convolution: each input channel has its own `k / c` filters and meets no other channel.
 * There is no product of matrices in it, only bandwidth; channels lie side by side and are what the
 * kernels' vectors run over.
 */
#ifndef PHI_DEPTHWISE_H
#define PHI_DEPTHWISE_H

#include "base/pool.h"
#include "kernels/conv_shape.h"
#include "kernels/kernels.h"

/* Filters in the kernels' order, with a note for which kernel. SIZE_MAX if it does not fit. */
size_t phi_depthwise_pack_bytes(const phi_conv_shape *d);
void phi_depthwise_pack(const phi_conv_shape *d, const float *weights, void *packed);

size_t phi_depthwise_work_bytes(const phi_conv_shape *d, size_t n_threads);
/* data->add must be NULL. */
void phi_depthwise(const phi_conv_shape *d, const phi_conv_data *data, const void *packed,
                   phi_pool *pool, void *work);

/* Gradients of input and weights; either may be NULL: not wanted. */
size_t phi_depthwise_backward_work_bytes(const phi_conv_shape *d, size_t n_threads);
void phi_depthwise_backward(const phi_conv_shape *d, const float *x, const void *packed,
                            const float *dy, float *dx, float *dweights, phi_pool *pool,
                            void *work);

#endif /* PHI_DEPTHWISE_H */
