/* SPDX-License-Identifier: MIT */
/* Convolution of 8-bit integers: what ConvInteger and QLinearConv share. */
#ifndef PHI_INT_CONV_H
#define PHI_INT_CONV_H

#include "ops/int_product.h"
#include "ops/volume.h"

/* Shape and output dimensions; x is input 0, the weights are input `w`. The output's type is the
 * caller's. */
enum ph_status phi_int_conv_infer(phi_infer *c, size_t w, phi_volume *v);

/* Scratch, among it a float for each output channel at its beginning. */
size_t phi_int_conv_work_bytes(const phi_exec *e, const phi_volume *v);
/* `w_zero` has one element or one for each output channel. */
void phi_int_conv(const phi_exec *e, const phi_volume *v, const phi_view *w, int64_t x_zero,
                  const phi_view *w_zero, const phi_int_result *result);

#endif /* PHI_INT_CONV_H */
