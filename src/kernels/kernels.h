/* SPDX-License-Identifier: MIT */
/*
 * Micro-kernels: the inner loops, one function per instruction set, listed in kernels.def. They
 * allocate nothing, call nothing outside their file, and neither read nor write past the elements
 * that their arguments describe. The drivers in this room cut problems into pieces for them.
 */
#ifndef PHI_KERNELS_H
#define PHI_KERNELS_H

#include "base/base.h"
#include "base/cpu.h"

/* Set by the build for compilers that can be told to use these instructions; see sources.cmake. */
#ifndef PH_HAVE_AVX2
#if defined(__AVX2__) && defined(__FMA__)
#define PH_HAVE_AVX2 1
#else
#define PH_HAVE_AVX2 0
#endif
#endif
#ifndef PH_HAVE_AVX512
#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#define PH_HAVE_AVX512 1
#else
#define PH_HAVE_AVX512 0
#endif
#endif
#if defined(__aarch64__) && defined(__ARM_NEON)
#define PH_HAVE_NEON 1
#else
#define PH_HAVE_NEON 0
#endif

/* Largest tile of any kernel of slot gemm_*; a table entry beyond it does not compile. */
#define PHK_MAX_MR 32
#define PHK_MAX_NR 64

/*
 * gemm: a strip of C = A B, any number of rows times the columns of one panel of B.
 *
 *   C[i][j] = min(max(x, lo), hi),  x = sum over t, p of A[i][t][p] B[t][p][j]
 *                                                   + C[i][j] or from[i][j] if `accumulate`
 *                                                                      + bias[j] if there is one
 *                                                                      + add[i][j] if there is one
 * in this order.
 *
 * A  either in steps: element (i, 0, p) at a[i * a_row + p * a_step], one tap: a packed panel
 * [kc][mr] has steps (1, mr), rows that lie in memory as they are have (distance of rows, 1); or by
 * pointers, if `rows` is one: element (i, t, p) at rows[t * rows_ld + i][p], a convolution's
 *    windows without a copy of them. Only the m rows are read.
 * order  with `rows`: row i of C, `from` and `add` is their order[i]; or NULL, then it is i.
 * B  packed [taps * kc][nr]; columns n .. nr - 1 are read and must exist.
 * C  rows `c_row` apart; only m x n elements are touched, and not read unless `accumulate`.
 * next  where the next B comes from, for the kernel to fetch `next_lines` cache lines (64 bytes) of
 *    ahead of time, spread over its work; an address that is only hinted at, never read.
 *
 * m >= 1, 1 <= n <= nr, kc >= 0, taps >= 1. C overlaps nothing but `add` and `from`, which may be C
 * itself. Rows are spread evenly over tiles of at most mr: 7 rows are 4 + 3, not 6 + 1. The sum
 * runs over t = 0, 1 ... and within over p = 0, 1, 2 ... in one accumulator per element, whatever m
 * and n are, so an element's bits do not depend on the tile it falls in. Comparisons let NaN
 * through, as max and min of IEEE 754-1985's friends do not: NaN in, NaN out.
 */
typedef struct phk_gemm_f32_args {
    size_t kc, taps;
    const float *a;
    ptrdiff_t a_row, a_step;
    const float *const *rows; /* or NULL */
    size_t rows_ld;
    const uint16_t *order; /* [m] or NULL */
    const float *b;
    float *c;
    ptrdiff_t c_row;
    size_t m, n;
    bool accumulate;
    const float *from; /* rows `from_row` apart, in place of C's own to accumulate to; or NULL */
    ptrdiff_t from_row;
    const float *bias; /* [n] or NULL */
    const float *add;  /* rows `add_row` apart, or NULL: a residual connection */
    ptrdiff_t add_row;
    float lo, hi;
    const float *next;
    size_t next_lines;
} phk_gemm_f32_args;
typedef void phk_gemm_f32_fn(const phk_gemm_f32_args *g);

/*
 * dw: one output pixel of a depthwise convolution, or one pixel of its input gradient.
 *
 *   y[c] = min(max(x, lo), hi),  x = sum over t of x[t][c] w[t][c]  + y[c] if `accumulate`
 *                                                                   + bias[c] if there is one
 * for c = 0 .. n - 1, taps in order t = 0 .. taps - 1, no overlap of y with the rest. y is not read
 * unless `accumulate`.
 */
typedef struct phk_dw_f32_args {
    size_t n, taps;
    const float *const *x; /* [taps] pointers to [n] */
    const float *const *w; /* [taps] pointers to [n] */
    float *y;              /* [n] */
    bool accumulate;
    const float *bias; /* [n] or NULL */
    float lo, hi;
} phk_dw_f32_args;
typedef void phk_dw_f32_fn(const phk_dw_f32_args *g);

/*
 * dwrow: a run of output pixels of a depthwise convolution that see all of taps_h x taps_w taps.
 *
 *   y[p][c] = min(max(x, lo), hi),  x = sum over i, j of X[p][i][j][c] w[i][j][c]  + bias[c]
 *
 * X[p][i][j][c] at x[p * x_step + i * x_row + j * x_col + c], w[i][j][c] at w[i * w_row + j * w_col
 * + c], y[p][c] at y[p * y_step + c]. y overlaps nothing. The sum is in any order, the same for every
 * pixel and channel.
 *
 * `cut_first`, `cut_last`: the first pixel does not see column 0 of the taps, the last one not column
 * taps_w - 1, as at the edges of a padded image; their x is not read. Only where `phk_dwrow_cuts`.
 */
typedef struct phk_dwrow_f32_args {
    size_t n, pixels, taps_h, taps_w;
    const float *x, *w;
    ptrdiff_t x_step, x_row, x_col, w_row, w_col;
    bool cut_first, cut_last;
    float *y;
    ptrdiff_t y_step;
    const float *bias; /* [n] or NULL */
    float lo, hi;
} phk_dwrow_f32_args;
static inline bool phk_dwrow_cuts(size_t taps_h, size_t taps_w, ptrdiff_t x_step, ptrdiff_t x_col)
{
    return taps_h <= 3 && taps_w == 3 && (x_step == x_col || x_step == 2 * x_col);
}
typedef void phk_dwrow_f32_fn(const phk_dwrow_f32_args *g);

/*
 * max: the largest element of each channel, y[c] = max over t of x[t][c], taps >= 1. Not-a-number is
 * larger than everything. y overlaps nothing.
 */
typedef struct phk_max_f32_args {
    size_t n, taps;
    const float *const *x; /* [taps] pointers to [n] */
    float *y;              /* [n] */
} phk_max_f32_args;
typedef void phk_max_f32_fn(const phk_max_f32_args *g);

/*
 * lrn: local response normalisation of a run of pixels; roots and quotients are exact to rounding.
 *
 *   y[p][c] = x[p][c] / s^(quarters / 4),  s = bias + alpha * sum over i of x[p][i]^2
 *
 * for i = c - lo .. c + hi, of those that are in 0 .. n - 1; quarters is 2, 3 or 4, s not negative.
 * x[p][c] at x[p * x_step + c], y[p][c] at y[p * y_step + c]; y overlaps nothing. The sum runs
 * upwards, anew for each element. `room` is written and read, and means nothing afterwards.
 */
typedef struct phk_lrn_f32_args {
    size_t n, pixels;
    size_t lo, hi; /* less than n */
    const float *x;
    ptrdiff_t x_step;
    float *y;
    ptrdiff_t y_step;
    float bias, alpha; /* alpha: of one element of the window */
    int quarters;
    float *room; /* [2 * (lo + n + hi)] */
} phk_lrn_f32_args;
typedef void phk_lrn_f32_fn(const phk_lrn_f32_args *g);

/*
 * dwg: one tap of a depthwise convolution's weight gradient, along a row of output pixels.
 *
 *   g[c] += sum over p of x[p * x_step + c] dy[p * dy_step + c],  c = 0 .. n - 1, p in order
 */
typedef struct phk_dwg_f32_args {
    size_t n, pixels;
    const float *x, *dy;
    ptrdiff_t x_step, dy_step;
    float *g; /* [n] */
} phk_dwg_f32_args;
typedef void phk_dwg_f32_fn(const phk_dwg_f32_args *g);

/*
 * fma: how fast multiply-adds can be, for measuring. The tile is mr independent chains of nr lanes:
 *
 *   x[i] = x[i] * a + b, `rounds` times, i = 0 .. mr * nr - 1
 *
 * rounded once or twice, as the instruction set has it.
 */
typedef struct phk_fma_f32_args {
    size_t rounds;
    float a, b;
    float *x; /* [mr * nr] */
} phk_fma_f32_args;
typedef void phk_fma_f32_fn(const phk_fma_f32_args *g);

/* read: how fast memory can be read, for measuring. *sum = the sum of x[0 .. n - 1], in any order. */
typedef struct phk_read_f32_args {
    const float *x; /* [n] */
    size_t n;
    float *sum;
} phk_read_f32_args;
typedef void phk_read_f32_fn(const phk_read_f32_args *g);

/*
 * winoA_in: a tile of A x A pixels, A = 4, 5, 6 or 8, to what Winograd's products take: v = B' x B for
 * each channel, with the matrices of winograd_variants.c. v's overlap nothing.
 */
typedef struct phk_wino_in_f32_args {
    size_t n;              /* channels */
    const float *const *x; /* [A * A] pointers to [n], line by line */
    float *v;              /* element i = 0 .. A * A - 1 of channel c at v[i * slab + c] */
    size_t slab;
} phk_wino_in_f32_args;
/* One type for all sizes of tiles: PHK_CALL(wino_in_f32, kernel). */
typedef void phk_wino_in_f32_fn(const phk_wino_in_f32_args *g);
typedef phk_wino_in_f32_fn phk_wino4_in_f32_fn, phk_wino5_in_f32_fn, phk_wino6_in_f32_fn,
    phk_wino8_in_f32_fn;

/*
 * winoA_outM: A x A sums of products to M x M pixels, of which rows x cols exist (1 .. M):
 *   y[i][j][c] = min(max(x, lo), hi),  x = (A' m A)[i][j] + bias[c] + add[i][j][c]
 * y overlaps nothing but `add`, which may be y itself.
 */
typedef struct phk_wino_out_f32_args {
    size_t n;       /* channels */
    const float *m; /* element i of channel c at m[i * slab + c], c up to a whole nr of gemm_f32 */
    size_t slab;
    float *y; /* pixel (i, j) at y[i * y_row + j * y_col], [n] */
    ptrdiff_t y_row, y_col;
    size_t rows, cols;
    const float *bias; /* [n] or NULL */
    const float *add;  /* pixel (i, j) at add[i * add_row + j * add_col], or NULL */
    ptrdiff_t add_row, add_col;
    float lo, hi;
} phk_wino_out_f32_args;
/* So, too: PHK_CALL(wino_out_f32, kernel). */
typedef void phk_wino_out_f32_fn(const phk_wino_out_f32_args *g);
typedef phk_wino_out_f32_fn phk_wino4_out2_f32_fn, phk_wino5_out2_f32_fn, phk_wino6_out2_f32_fn,
    phk_wino6_out4_f32_fn, phk_wino8_out4_f32_fn, phk_wino8_out6_f32_fn;

/*
 * halves_in: what the products of Strassen's algorithm take of a pixel of the upper half of the
 * rows and one of the lower half, whose channels are in a left and a right half:
 *   v[0] = x21 + x22,  v[1] = v[0] - x11,  v[2] = x11 - x21,  v[3] = x12 - v[1],
 *   v[4] = x11,  v[5] = x12,  v[6] = x22,  v[7] = x21
 * elementwise, the first `n_v` of them: 4, 7 or 8. v overlaps nothing.
 */
typedef struct phk_halves_in_f32_args {
    size_t n; /* channels of a half */
    const float *x11, *x12, *x21, *x22; /* [n] */
    size_t n_v;
    float *v; /* v[i] at v + i * slab, [n] */
    size_t slab;
} phk_halves_in_f32_args;
typedef void phk_halves_in_f32_fn(const phk_halves_in_f32_args *g);

/*
 * halves_out: a sum of products that two quarters of the result have in common.
 *
 *   y[i][j] = min(max(z[i][j] + w[i][j] + bias[j] + add[i][j], lo), hi)   for i < rows
 *   x[i][j] = x[i][j] + w[i][j]                                           for i < x_rows
 *
 * j < n in both. Rows of z, w and x are `ld` apart. y overlaps nothing but `add`, which may be y
 * itself; x, w and z overlap nothing.
 */
typedef struct phk_halves_out_f32_args {
    size_t n, rows, x_rows; /* rows <= x_rows */
    const float *z, *w;
    float *x;
    size_t ld;
    float *y;
    ptrdiff_t y_row;
    const float *bias; /* [n] or NULL */
    const float *add;  /* rows `add_row` apart, or NULL */
    ptrdiff_t add_row;
    float lo, hi;
} phk_halves_out_f32_args;
typedef void phk_halves_out_f32_fn(const phk_halves_out_f32_args *g);

/*
 * lines_in: sums of lines of an image, elementwise:  v[e][j] = sum over i of matrix[e][i] x[i][j]
 * for e < products, j < n. v overlaps nothing.
 */
typedef struct phk_lines_in_f32_args {
    size_t n, lines;
    const float *const *x; /* [lines] pointers to [n] */
    size_t products;
    const float *matrix; /* rows `ld` apart */
    size_t ld;
    float *v; /* v[e] at v + e * slab, [n] */
    size_t slab;
} phk_lines_in_f32_args;
typedef void phk_lines_in_f32_fn(const phk_lines_in_f32_args *g);

/*
 * lines_out: products of `pairs` points, + and - of each, then of 0 if `zero`, then of infinity, to
 * `most` lines of pixels, 4 or 6, of which the first `lines` exist:
 *
 *   y[l][i][j] = min(max(x, lo), hi),  x = sum over products p of point[p]^l m[p][i][j]
 *                                                             + bias[j] + add[l][i][j]
 *
 * for i < pixels, j < n. The power l of infinity is 1 for l = most - 1, else 0. y overlaps nothing but
 * `add`, which may be y itself.
 */
typedef struct phk_lines_out_f32_args {
    size_t n, pixels, lines, most;
    const float *m; /* m[p][i][j] at m + p * slab + i * m_row + j, j up to a whole nr of gemm_f32 */
    size_t m_row, slab;
    size_t pairs;
    bool zero;
    const float *powers; /* [pairs][6], of the positive points */
    float *y;            /* y[l][i] at y + l * y_line + i * y_pixel, [n] */
    ptrdiff_t y_line, y_pixel;
    const float *bias; /* [n] or NULL */
    const float *add;  /* add[l][i] at add + l * add_line + i * add_pixel, or NULL */
    ptrdiff_t add_line, add_pixel;
    float lo, hi;
} phk_lines_out_f32_args;
typedef void phk_lines_out_f32_fn(const phk_lines_out_f32_args *g);

/* --- The table ------------------------------------------------------------------------------ */

/* What kernels are for. The name ends in the element type that the slot works on. */
enum phk_slot {
    PHK_gemm_f32,
    PHK_dw_f32,
    PHK_dwrow_f32,
    PHK_dwg_f32,
    PHK_max_f32,
    PHK_lrn_f32,
    PHK_wino4_in_f32,
    PHK_wino5_in_f32,
    PHK_wino6_in_f32,
    PHK_wino8_in_f32,
    PHK_wino4_out2_f32,
    PHK_wino5_out2_f32,
    PHK_wino6_out2_f32,
    PHK_wino6_out4_f32,
    PHK_wino8_out4_f32,
    PHK_wino8_out6_f32,
    PHK_halves_in_f32,
    PHK_halves_out_f32,
    PHK_lines_in_f32,
    PHK_lines_out_f32,
    PHK_fma_f32,
    PHK_read_f32,
    PHK_N_SLOTS
};

/* Every kernel is called through the type of its slot: PHK_CALL(gemm_f32, kernel)(&args). */
typedef void phk_any_fn(void);
#define PHK_CALL(slot, kernel) ((phk_##slot##_fn *)(kernel)->fn)

/* A line of kernels.def. */
typedef struct phk_kernel {
    enum phk_slot slot;
    const char *slot_name, *name;
    unsigned needs;  /* enum phi_cpu_flag */
    unsigned mr, nr; /* gemm, fma, read: the tile; others: pixels and channels done at once */
    phk_any_fn *fn;
} phk_kernel;

/* Line `i` of kernels.def, NULL past the end; not all of them can run on this machine. */
const phk_kernel *phk_kernel_at(size_t i);

/* The kernel to use now: the last one listed whose instructions are there and allowed. Whoever
 * packs data for it must remember it, as the answer changes with ph_cpu_limit(). */
const phk_kernel *phk_choose(enum phk_slot slot);

#define PH_KERNEL(slot, function, needs, mr, nr) phk_##slot##_fn function;
#include "kernels/kernels.def"
#undef PH_KERNEL

#endif /* PHI_KERNELS_H */
