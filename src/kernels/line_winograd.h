/* SPDX-License-Identifier: MIT */
/*
 * Convolutions of few input channels, first layers, with fewer multiplications: Winograd's minimal
 * filtering in one dimension, down the lines of the image; along a line the sum is made as it is
 * defined. A filter that moves s lines at a time is s filters, one for the lines of each remainder
 * (phase), which move one at a time.
 *
 *   Y = A' sum over phases p, columns, channels [ (G_p g_p) . (B'_p d_p) ]
 *
 * m lines of output come from a = m + t - 1 products where t is the most lines that a phase of the
 * filter has. Phases with t - 1 leave the last finite point out; all others are shared, so that
 * products of all phases add up in front of A'. The matrices are made from the points (Toom and
 * Cook), as many as a shape needs: docs/numerics.md has the errors.
 */
#ifndef PHI_LINE_WINOGRAD_H
#define PHI_LINE_WINOGRAD_H

#include "base/pool.h"
#include "kernels/conv_shape.h"
#include "kernels/filters.h"

/* Can it do this convolution: few channels, and filters of some lines? */
bool phi_line_wino_applies(const phi_conv_shape *d);

/* Lines that are made together: some of an image have the same bits as among all if they begin at a
 * multiple of this and end at one, or with the last. */
int64_t phi_line_wino_lines(const phi_conv_shape *d);

/* For comparison with other ways, of one image, in their units (winograd.h). */
double phi_line_wino_cost(const phi_conv_shape *d);

/* Transformed weights, with a note for which kernels. SIZE_MAX if too large. Rows of `filters` are
 * [c, r, s]. */
size_t phi_line_wino_pack_bytes(const phi_conv_shape *d);
void phi_line_wino_pack(const phi_conv_shape *d, const phi_filters *filters, phi_pool *pool,
                        void *packed);

size_t phi_line_wino_work_bytes(const phi_conv_shape *d, size_t n_threads);
void phi_line_wino_run(const phi_conv_shape *d, const phi_conv_data *data, const void *packed,
                       phi_pool *pool, void *work);

#endif /* PHI_LINE_WINOGRAD_H */
