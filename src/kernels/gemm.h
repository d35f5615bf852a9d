/* SPDX-License-Identifier: MIT */
/*
 * Matrix products out of gemm_f32 micro-kernels: blocked, packed, parallel. The cutting depends on
 * shapes and on the micro-kernel alone, never on the number of threads, and sums over K run in the
 * same order for every element, so results are equal to the bit for any number of threads.
 */
#ifndef PHI_GEMM_H
#define PHI_GEMM_H

#include "base/pool.h"
#include "kernels/filters.h"
#include "kernels/kernels.h"

/*
 * Fill in part of a matrix that exists only as a rule: rows row0 .. row0 + n_rows - 1 and columns
 * k0 .. k0 + n_k - 1 of group `group`, element (row, k) to
 *   out[(row - row0) * ld + (k - k0)]   or, if the operand says `by_column`,
 *   out[(k - k0) * ld + (row - row0)].
 */
typedef void phi_gather(const void *arg, size_t group, size_t row0, size_t n_rows, size_t k0,
                        size_t n_k, float *out, size_t ld);

/*
 * Say where parts of a matrix are whose columns come in taps, `tap` of them in each, that lie side
 * by side in memory: columns k0 .. of taps tap0 .. tap0 + n_taps - 1 of row `row0 + i` to rows[(t -
 * tap0) * rows_ld + i]; `zeros` for those that are all zero. Those that must be made first go to
 * `room`, which is enough for all.
 */
typedef void phi_locate(const void *arg, size_t group, size_t row0, size_t n_rows, size_t tap0,
                        size_t n_taps, size_t k0, const float *zeros, float *room,
                        const float **rows, size_t rows_ld);

/* Neighbours in a matrix, and which of their taps are not all zero whatever is in the image: those
 * of lines line0 .. line_end - 1 and in these columns column0 .. column_end - 1. */
typedef struct phi_run {
    size_t row, n;
    size_t line0, line_end, column0, column_end;
} phi_run;

/*
 * Rows row0 .. row0 + n_rows - 1 in the order in which they should be multiplied, as runs of rows
 * that miss the same taps, one behind the other if they do. How many there are, at most n_rows.
 */
typedef size_t phi_order(const void *arg, size_t row0, size_t n_rows, phi_run *runs);

/* A matrix (one for each group) that products read: in memory with any strides, or gathered. */
typedef struct phi_rows {
    const float *data; /* element (row, k) at data[group * group_stride + row * row + k * step] */
    ptrdiff_t row, step, group_stride; /* `row` also where rows are located: of most neighbours */
    phi_gather *gather;                /* NULL: in memory */
    phi_locate *locate; /* beside gather, where it can be: C = A B then copies nothing */
    size_t tap;         /* where there is `locate`: phi_gemm_tap */
    phi_order *order;   /* the same, or NULL */
    size_t line_taps;   /* then: taps of a line */
    const void *arg;
    bool by_column; /* the order in which `gather` works best */
} phi_rows;

/* An operand [K, N] that is packed as a whole: K runs over three nested counts (tap row, tap
 * column, channel), so that convolution weights are packed straight from ONNX's layout. A plain
 * matrix has counts {1, 1, K}. Element (k, n) at data[group * group_stride + i * stride[0] + j *
 * stride[1] + l * stride[2] + n * n_stride]. */
typedef struct phi_weights {
    const float *data;
    size_t count[3];
    ptrdiff_t stride[3];
    size_t outer; /* a fourth count around the three, for volumes; 0: none */
    ptrdiff_t outer_stride;
    ptrdiff_t n_stride, group_stride;
    const phi_filters *filters; /* or NULL: column n of group g is its row g * N + n, not in data */
    float scale;                /* elements are multiplied by it */
} phi_weights;

#define PHI_GEMM_LEAST_TAP 8 /* columns that are worth a pointer of their own */
/* Columns of a tap of phi_rows for weights of these last two counts: the channels of a pixel or,
 * where there are few, of a line of `taps_w` pixels. */
size_t phi_gemm_tap(size_t taps_w, size_t channels);

phi_weights phi_weights_matrix(const float *data, size_t k, ptrdiff_t k_stride, ptrdiff_t n_stride);

/* --- C [M, N] = A [M, K] B [K, N] ------------------------------------------------------------- */

/* Take finished elements of C from a tile in scratch: rows row0 .. + n_rows, columns n0 .. + n. */
typedef void phi_scatter(const void *arg, size_t group, size_t row0, size_t n_rows, size_t n0,
                         size_t n, const float *tile, size_t ld);

typedef struct phi_gemm {
    size_t m, n, k, groups;
    phi_rows a;
    float *c; /* group g, row i, column j: c[g * c_group_stride + i * c_row + j] */
    ptrdiff_t c_row, c_group_stride;
    phi_scatter *scatter; /* not NULL: C goes there instead; then no accumulate */
    const void *scatter_arg;
    bool accumulate;   /* C += */
    const float *bias; /* [groups, n] or NULL */
    const float *add;  /* laid out like c but for its rows' distance, or NULL; then no scatter */
    ptrdiff_t add_row;
    float lo, hi; /* C = min(max(C + add, lo), hi) */
} phi_gemm;

/* Room for a packed operand, enough for every kernel. SIZE_MAX if it does not fit into a size_t. */
size_t phi_gemm_pack_bytes(size_t k, size_t n, size_t groups);
/* Pack for the kernel of now; the packed operand remembers which. `packed` is 64-byte aligned. */
void phi_gemm_pack(const phi_weights *b, size_t n, size_t groups, phi_pool *pool, void *packed);
/* Scratch of phi_gemm_run for a number of threads, enough for every kernel. */
size_t phi_gemm_work_bytes(const phi_gemm *g, size_t n_threads);
void phi_gemm_run(const phi_gemm *g, const void *packed, phi_pool *pool, void *work);

/* --- C [M, N] = A' B, A [P, M], B [P, N], P long ---------------------------------------------- */

/* The weight gradient's product: a long sum over pixels and a small result. */
typedef struct phi_gemm_tn {
    size_t m, n, p, groups;
    phi_rows a, b;
    /* element (m = (i, l), j) with l < m_inner to
     * c[group * c_group_stride + i * c_outer + l * c_inner + j * c_column] */
    float *c;
    size_t m_inner;
    ptrdiff_t c_outer, c_inner, c_column, c_group_stride;
    float scale; /* result is multiplied by it */
} phi_gemm_tn;

size_t phi_gemm_tn_work_bytes(const phi_gemm_tn *g, size_t n_threads);
void phi_gemm_tn_run(const phi_gemm_tn *g, phi_pool *pool, void *work);

/* The kernel for products with n columns: of those that may be used, the one that computes least in
 * vain. `pointers`: A is read by pointers. */
const phk_kernel *phi_gemm_kernel(size_t n, bool pointers);

/* --- Shared by the two ----------------------------------------------------------------------- */

/* Length of blocks when a length is cut into equal blocks of at most `most`; a multiple of
 * `multiple` (but for what that adds to the last) where `most` is one. */
size_t phi_block(size_t length, size_t most, size_t multiple);

/* a[n_rows, n_k] of a matrix in memory to out in either order; what gather does for rules. */
void phi_rows_copy(const phi_rows *rows, size_t group, size_t row0, size_t n_rows, size_t k0,
                   size_t n_k, bool by_column, float *out, size_t ld);

/* Sum of rows: out[j] = sum over i of x[i * row + j], in an order fixed by the shape. `work`:
 * phi_column_sums_bytes. The bias gradient. */
size_t phi_column_sums_bytes(size_t rows, size_t n);
void phi_column_sums(const float *x, size_t rows, ptrdiff_t row, size_t n, float *out,
                     phi_pool *pool, void *work);

#endif /* PHI_GEMM_H */
