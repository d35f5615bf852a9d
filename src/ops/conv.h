/* SPDX-License-Identifier: MIT */
/* Which way a convolution is computed. */
#ifndef PHI_CONV_H
#define PHI_CONV_H

#include "kernels/depthwise.h"

/*
 * Is the image itself the left matrix of the product? A kernel of one pixel, stride 1 and no
 * padding; dilation does not matter. A strided or padded 1x1 convolution reads other pixels.
 */
bool phi_conv_is_plain_gemm(const phi_conv_shape *d);

/* Does each input channel meet filters of its own only? */
bool phi_conv_is_depthwise(const phi_conv_shape *d);

#endif /* PHI_CONV_H */
