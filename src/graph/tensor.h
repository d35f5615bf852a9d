/* SPDX-License-Identifier: MIT */
/*
 * Types, tensors that own memory, and views: strided windows onto memory that others own.
 */
#ifndef PHI_TENSOR_H
#define PHI_TENSOR_H

#include "base/base.h"

/* A logical type with a known shape. rank <= PH_MAX_RANK; dims >= 0 and their product, times the
 * element size, fits into int64_t (phi_type_check makes sure). */
typedef struct phi_type {
    enum ph_dtype dtype;
    int rank;
    int64_t dims[PH_MAX_RANK];
} phi_type;

struct ph_tensor {
    ph_allocator mem;
    phi_type type;
    int64_t count;
    size_t bytes;
    void *data;            /* NULL: there are none (phi_tensor_hollow), or they are left in a file */
    struct phi_left *left; /* left.h; or NULL */
    uint64_t left_at;
};

/* PH_ERR_OVERFLOW / PH_ERR_ARG naming `where` if the shape is not a possible one. */
enum ph_status phi_type_check(const phi_type *t, const char *where, ph_error *err);
int64_t phi_type_count(const phi_type *t); /* of a checked type */
size_t phi_type_bytes(const phi_type *t);
bool phi_type_equal(const phi_type *a, const phi_type *b);
/* "float32[1,192,28,28]" into buf; returns buf. For messages. */
const char *phi_type_text(const phi_type *t, char *buf, size_t n);
const char *phi_dims_text(int rank, const int64_t *dims, char *buf, size_t n); /* "[1,192,28,28]" */
#define PHI_TYPE_TEXT 192

enum ph_status phi_tensor_new(const ph_allocator *mem, const phi_type *type, ph_tensor **out,
                              ph_error *err);
/* The same, its elements not set. */
enum ph_status phi_tensor_new_raw(const ph_allocator *mem, const phi_type *type, ph_tensor **out,
                                  ph_error *err);
/* The same without elements: data is NULL. A weight of an outline (graph.h). */
enum ph_status phi_tensor_hollow(const ph_allocator *mem, const phi_type *type, ph_tensor **out,
                                 ph_error *err);
enum ph_status phi_tensor_copy(const ph_allocator *mem, const ph_tensor *t, ph_tensor **out,
                               ph_error *err);

/*
 * A view: logical shape, and for each dimension the distance between neighbours in elements.
 * An image [n,c,h,w] in channels-last memory has strides [h*w*c, 1, w*c, c]; a slice of channels of
 * a wider image has the wider image's strides; a broadcast dimension has stride 0.
 * data == NULL: an optional operand that is not there (then rank is -1 as well), or, while planning,
 * memory that is not placed yet.
 */
typedef struct phi_view {
    phi_type type;
    int64_t strides[PH_MAX_RANK];
    void *data;
} phi_view;

#define PHI_NO_VIEW ((phi_view){ .type = { .rank = -1 } })
static inline bool phi_view_absent(const phi_view *v) { return v->type.rank < 0; }

/* Strides of a dense array in logical order, or channels-last (rank >= 3: dimension 1 moves to the
 * end). */
void phi_strides_plain(const phi_type *t, int64_t *strides);
void phi_strides_channels_last(const phi_type *t, int64_t *strides);

/* Is the memory that of a dense array in logical order / channels-last? Dimensions of size 1 do not
 * count, so [n,c,1,1] is both. */
bool phi_view_is_plain(const phi_view *v);
bool phi_view_is_channels_last(const phi_view *v);

/* Are the channels of each pixel side by side, and all pixels, in the order of a channels-last image,
 * equally far apart? Then *pitch is how many elements: of a dense image, its channels; more if it is
 * a slice of the channels of a wider one. */
bool phi_view_is_pixels(const phi_view *v, int64_t *pitch);
/* That distance where it is known to exist; of a matrix [n,c], its rows'. */
int64_t phi_view_pitch(const phi_view *v);

phi_view phi_view_plain(const phi_type *t, void *data);
phi_view phi_view_of(const ph_tensor *t); /* read-only use; drops const */

/* `v` seen as a larger shape by numpy's rules (missing leading dimensions, size 1 stretched). The
 * shapes must be compatible. */
phi_view phi_view_broadcast(const phi_view *v, const phi_type *to);

/* numpy's broadcast of the shapes of a and b (dtype from a); false if they do not fit. */
bool phi_broadcast_types(const phi_type *a, const phi_type *b, phi_type *out);

#endif /* PHI_TENSOR_H */
