/* SPDX-License-Identifier: MIT */
/*
 * Loops over strided views, shared out over the threads: element by element, copies, sums.
 */
#ifndef PHI_LOOP_H
#define PHI_LOOP_H

#include "base/pool.h"
#include "graph/tensor.h"

/* Elements a task handles, about. Fixed, so that the split depends on shapes alone. */
#define PHI_LOOP_GRAIN 16384

#define PHI_LOOP_MAX 6 /* views walked together */

/*
 * The dimensions of some views of one logical shape, as few as possible: those of size 1 are left
 * out, the others sorted by falling stride of view 0, and neighbours merged that lie together in
 * all views. The last one is the innermost.
 */
typedef struct phi_dims {
    size_t n_views;
    int rank;
    int64_t count; /* elements in all; 0: nothing to do */
    int64_t dims[PH_MAX_RANK];
    int64_t strides[PHI_LOOP_MAX][PH_MAX_RANK]; /* elements */
    char *data[PHI_LOOP_MAX];
    size_t size[PHI_LOOP_MAX]; /* bytes of an element */
} phi_dims;

/* n_views in 1 .. PHI_LOOP_MAX; the shape is that of views[0]. */
phi_dims phi_dims_of(size_t n_views, const phi_view *const *views);

/* Split the numbers 0 .. n - 1 of dimensions `d`, `rank` of them, into an index each. */
void phi_unravel(int64_t n, int rank, const int64_t *dims, int64_t *index);

/*
 * Call fn(arg, count, ptrs, steps) for runs along one dimension, each element once: a pointer for
 * each view and the distance (elements) between neighbours in the run. Dense views come as one run,
 * or as pieces of it. Shared out over the pool; a NULL pool goes through them in order. Tasks write
 * apart if view 0 is the only one written and no stride of it is 0.
 */
typedef void phi_run_fn(void *arg, int64_t count, void *const *ptrs, const int64_t *steps);
void phi_loop(phi_pool *pool, size_t n_views, const phi_view *const *views, phi_run_fn *fn,
              void *arg);

/*
 * dst = src for any dtype and any strides (src may be broadcast); same logical shape, no overlap
 * unless both are the same memory. Where one runs along the other's rows (images between [n,c,h,w]
 * and channels-last, transposed matrices) it goes block by block.
 */
void phi_copy(phi_pool *pool, const phi_view *dst, const phi_view *src);
/* n bytes. */
void phi_copy_bytes(phi_pool *pool, void *dst, const void *src, size_t n);
/* All elements of `dst` zero. */
void phi_zero(phi_pool *pool, const phi_view *dst);

/*
 * dst = (sum of term(src[0], src[1], ...)) / divisor, float32, over the dimensions in which dst has
 * size 1 and src more. dst has the rank of src; all src have the shape of src[0]. `term` is called
 * with ptrs {result, src...} for up to 256 elements; NULL: the sum of src[0] itself. Summed in
 * double in an order that depends on shapes alone.
 */
void phi_sum_to(phi_pool *pool, const phi_view *dst, size_t n_src, const phi_view *src,
                phi_run_fn *term, double divisor);

#endif /* PHI_LOOP_H */
