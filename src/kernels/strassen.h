/* SPDX-License-Identifier: MIT */
/*
 * Convolutions of one pixel with fewer multiplications: one level of Strassen's product of matrices
 * (Strassen 1969, "Gaussian elimination is not optimal", Numerische Mathematik 13) in Winograd's
 * form, over channels-last images.
 *
 * Pixels, input channels and output channels are cut in halves each, and the product is made of
 * seven products of halves instead of eight:
 *
 *   S1 = A21 + A22   S2 = S1 - A11    S3 = A11 - A21   S4 = A12 - S2
 *   T1 = B12 - B11   T2 = B22 - T1    T3 = B22 - B12   T4 = B21 - T2
 *   X = A11 B11      Y = X + S2 T2    Z = Y + S3 T3    W = S1 T1
 *   C11 = X + A12 B21                 C12 = Y + W + S4 B22
 *   C21 = Z + A22 T4                  C22 = Z + W
 *
 * As weights are packed once, T costs nothing; the sums on the right are made where the products
 * are accumulated anyway (cf. Huang et al. 2016, "Strassen's algorithm reloaded", SC16), but for
 * one.
 */
#ifndef PHI_STRASSEN_H
#define PHI_STRASSEN_H

#include "base/pool.h"
#include "kernels/conv_shape.h"
#include "kernels/filters.h"

/* Can it do this convolution, one of pixels: do halves of its channels suit the kernels? */
bool phi_strassen_applies(const phi_conv_shape *d);

/* For comparison with other ways, of one image, in their units (winograd.h). */
double phi_strassen_cost(const phi_conv_shape *d);

/* Weights and their sums, with a note for which kernel. SIZE_MAX if too large. Rows of `filters`
 * are [c]. */
size_t phi_strassen_pack_bytes(const phi_conv_shape *d);
void phi_strassen_pack(const phi_conv_shape *d, const phi_filters *filters, phi_pool *pool,
                       void *packed);

size_t phi_strassen_work_bytes(const phi_conv_shape *d, size_t n_threads);
void phi_strassen_run(const phi_conv_shape *d, const phi_conv_data *data, const void *packed,
                      phi_pool *pool, void *work);

#endif /* PHI_STRASSEN_H */
