/* SPDX-License-Identifier: MIT */
/*
 * Convolutions of stride 1 with fewer multiplications: Winograd's minimal filtering, nested in two
 * dimensions (Lavin and Gray 2015, arXiv:1509.09308), over channels-last images.
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
 */
#ifndef PHI_WINOGRAD_H
#define PHI_WINOGRAD_H

#include "base/pool.h"
#include "kernels/conv_shape.h"
#include "kernels/filters.h"
#include "kernels/kernels.h"

#define PHI_WINO_MAX 8 /* largest a */

typedef struct phi_wino {
    size_t a, m, r;       /* a = m + r - 1 */
    const double *filter; /* G  [a][r] */
    const float *input;   /* B' [a][a] */
    const float *output;  /* A' [m][a] */
    enum phk_slot in_slot, out_slot;
} phi_wino;

extern const phi_wino phi_wino_f2x3, phi_wino_f4x3, phi_wino_f6x3, phi_wino_f2x5, phi_wino_f4x5;

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

/* One channel of `n` filters, [r][r] each and `row` floats apart, transformed: [a * a][nr] at distance
 * `slab`, nr >= n; zeros behind the n-th. */
void phi_wino_filters(const phi_wino *v, const float *w, size_t row, size_t n, size_t nr, float *t,
                      size_t slab);

size_t phi_wino_work_bytes(const phi_wino *v, const phi_conv_shape *d, size_t n_threads);
void phi_wino_run(const phi_wino *v, const phi_conv_shape *d, const phi_conv_data *data,
                  const void *packed, phi_pool *pool, void *work);

#endif /* PHI_WINOGRAD_H */
