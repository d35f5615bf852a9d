/* SPDX-License-Identifier: MIT */
/*
 * Convolutions with fewer multiplications: Winograd's minimal filtering, nested in two dimensions
 * (Lavin and Gray 2015, arXiv:1509.09308), over channels-last images.
 *
 * F(m x m, r x r) makes m x m outputs from a tile of a x a = (m + r - 1)^2 inputs with a * a
 * multiplications a channel instead of m * m * r * r:
 *
 *   Y = A' [ (G g G') . (B' d B) ] A        summed over input channels inside the brackets
 *
 * The matrices come from interpolation at the points 0, +-1, infinity (a = 4), 0, +-1/sqrt 2,
 * +-sqrt 2, infinity (a = 6) and 0, +-1/2, +-1, +-2, infinity (a = 8). Those of a = 6 lose three to
 * five times less accuracy than the usual +-1, +-2 and cost the same; for a = 8 no pairs were found
 * that lose less. docs/numerics.md has the errors measured.
 *
 * With stride 2 (a = 2 m + 1) inputs of even and of odd index are convolutions of stride 1 with two
 * taps and with one.
 *
 * Where a map ends within a tile, that tile is of fewer outputs, n < m, and takes the first points
 * only, as many as F(n) needs: a product less along an axis for each output less. Transforms and
 * weights are the same: the inputs that only the missing outputs would read are set to what makes
 * the other products zero (phi_wino_extend).
 */
#ifndef PHI_WINOGRAD_H
#define PHI_WINOGRAD_H

#include "base/pool.h"
#include "kernels/conv_shape.h"
#include "kernels/filters.h"
#include "kernels/kernels.h"

#define PHI_WINO_MAX 8 /* largest a */

typedef struct phi_wino {
    size_t r, stride;     /* taps, and inputs from output to output */
    size_t m, a;          /* outputs and inputs of a tile; as many products as inputs */
    size_t n_filters;     /* rows of G that differ */
    const double *filter; /* G  [n_filters][r] */
    const float *input;   /* B' [a][a] */
    const float *output;  /* A' [m][a] */
    enum phk_slot in_slot, out_slot;
    double move; /* what an element costs on its way from the image and back (phi_wino_cost) */
} phi_wino;

/* F(m x m, r x r), s2: with stride 2. */
extern const phi_wino phi_wino_f2x3, phi_wino_f4x3, phi_wino_f6x3, phi_wino_f2x5, phi_wino_f4x5,
    phi_wino_f2x3s2;

/* Along an axis: which row of G a product takes, and how many inputs, and products, there are for
 * so many outputs. */
size_t phi_wino_filter_of(const phi_wino *v, size_t product);
size_t phi_wino_inputs(const phi_wino *v, size_t outputs);

/* What to take for inputs i = n .. a - 1, so that products n .. a - 1 are zero: the sum of w[i][k]
 * times input k over all k < n. */
void phi_wino_extend(const phi_wino *v, size_t n, float w[PHI_WINO_MAX][PHI_WINO_MAX]);

/* Can it do this convolution: kernel, stride and dilation? Where there are many groups, or few
 * channels, it is of no use, and says no. */
bool phi_wino_applies(const phi_wino *v, const phi_conv_shape *d);

/* For comparison with other ways, of one image: multiplications, transforms counted in. */
double phi_wino_cost(const phi_wino *v, const phi_conv_shape *d);

/* Transformed weights, with a note for which kernel. SIZE_MAX if too large. Rows of `filters` are
 * [c / groups, r, r]. */
size_t phi_wino_pack_bytes(const phi_wino *v, const phi_conv_shape *d);
void phi_wino_pack(const phi_wino *v, const phi_conv_shape *d, const phi_filters *filters,
                   phi_pool *pool, void *packed);

/* One channel of `n` filters, [r][r] each and `row` floats apart, transformed:
 * [n_filters][n_filters][nr] at distance `slab`, nr >= n; zeros behind the n-th. */
void phi_wino_filters(const phi_wino *v, const float *w, size_t row, size_t n, size_t nr, float *t,
                      size_t slab);

size_t phi_wino_work_bytes(const phi_wino *v, const phi_conv_shape *d, size_t n_threads);
void phi_wino_run(const phi_wino *v, const phi_conv_shape *d, const phi_conv_data *data,
                  const void *packed, phi_pool *pool, void *work);

#endif /* PHI_WINOGRAD_H */
