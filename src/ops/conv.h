/* SPDX-License-Identifier: MIT */
/* Which way a convolution is computed. */
#ifndef PHI_CONV_H
#define PHI_CONV_H

#include "graph/op.h"
#include "kernels/depthwise.h"

/*
 * Is the image itself the left matrix of the product? A kernel of one pixel, stride 1 and no
 * padding; dilation does not matter. A strided or padded 1x1 convolution reads other pixels.
 */
bool phi_conv_is_plain_gemm(const phi_conv_shape *d);

/* Does each input channel meet filters of its own only? */
bool phi_conv_is_depthwise(const phi_conv_shape *d);

/* Of this execution, which may be of some of the batch's images. How it is computed is chosen for all
 * of them, by the params: so every image's bits are the same, whatever the portion. */
phi_conv_shape phi_conv_shape_now(const phi_exec *e);

/* Is it computed tap by tap, by phi_conv_direct? Its shape is then what e->params begins with. */
bool phi_conv_is_direct(const phi_exec *e);
phi_conv_data phi_conv_data_of(const phi_exec *e);

/* A product of matrices, one for each group, or depthwise. `packed`: what op->pack made. */
size_t phi_conv_direct_work_bytes(const phi_conv_shape *d, size_t n_threads);
void phi_conv_direct(const phi_conv_shape *d, const phi_conv_data *data, const void *packed,
                     phi_pool *pool, void *work);

/* Several in one pass: the hooks of op.h of these names. */
size_t phi_conv_chain(const phi_exec *e, size_t n, bool *keep);
const char *phi_conv_chain_method(const phi_exec *e, size_t n);
size_t phi_conv_chain_work_bytes(const phi_exec *e, size_t n);
void phi_conv_chain_forward(const phi_exec *e, size_t n);

#endif /* PHI_CONV_H */
