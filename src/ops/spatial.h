/* SPDX-License-Identifier: MIT */
/*
 * Windows that slide over one, two or three spatial dimensions: the attributes that convolutions
 * and pools have in common, and how many windows fit.
 */
#ifndef PHI_SPATIAL_H
#define PHI_SPATIAL_H

#include "graph/op.h"

#define PHI_SIDES 3

enum phi_auto_pad { PHI_PAD_NOTSET, PHI_PAD_SAME_UPPER, PHI_PAD_SAME_LOWER, PHI_PAD_VALID };

typedef struct phi_side {
    int64_t in, kernel, stride, dilation;
    int64_t begin, end; /* padding */
    int64_t out;
} phi_side;

/* Sides d, h, w; of an input with fewer dimensions the first ones are of size 1. */
typedef struct phi_spatial {
    int n; /* spatial dimensions of the input; theirs are side[PHI_SIDES - n ...] */
    enum phi_auto_pad auto_pad;
    phi_side side[PHI_SIDES];
} phi_spatial;

/* The attributes of Conv, in all its versions, and of the integer convolutions. */
extern const phi_attr_rule phi_conv_attrs[];

/*
 * Read kernel_shape, strides, dilations, auto_pad and pads for input `x` [n,c,...]. `kernel` are
 * the weights' sizes, which kernel_shape may repeat; NULL: there are no weights, kernel_shape must
 * be there. Sizes of x and the kernel are at least 1 or an error; `out` is left 0. With auto_pad,
 * pads other than 0 are an error for convolutions and mean nothing for pools.
 */
enum ph_status phi_spatial_read(const phi_infer *c, const phi_type *x, const int64_t *kernel,
                                phi_spatial *s);

/*
 * Element `i` of a list attribute that must have `n` of them, each at least `least`; *value stays
 * as it is where the list is missing or empty.
 */
enum ph_status phi_spatial_element(const phi_infer *c, const char *name, size_t n, size_t i,
                                   int64_t least, int64_t *value);

/* Weights have as many dimensions as `x`, and elements. */
enum ph_status phi_spatial_weights(const phi_infer *c, const phi_type *x, const phi_type *w);

/* Each element of `map`, the output or a transposed convolution's input, meets the weights of one
 * of dimension 0. PH_ERR_OVERFLOW: more than fit into 63 bits. */
enum ph_status phi_spatial_macs(const phi_infer *c, const phi_type *map, const phi_type *w,
                                int64_t *macs);

/* Attribute group of a convolution of x [n,c,...] with weights [k,c/g,...], checked against both.
 */
enum ph_status phi_spatial_groups(const phi_infer *c, const phi_type *x, const phi_type *w,
                                  int64_t *groups);

/* Positions that a kernel spans; at most INT64_MAX / 4. */
int64_t phi_side_span(const phi_side *side);

/*
 * Settle padding and the number of windows of every side. `ceil_mode` rounds up, but a window that
 * would start in the padding at the end is left out.
 */
enum ph_status phi_spatial_place(const phi_infer *c, phi_spatial *s, bool ceil_mode);

/* `total` positions of padding for auto_pad's word, an odd one at the end or at the beginning. */
void phi_side_split(phi_side *side, enum phi_auto_pad pad, int64_t total);

#endif /* PHI_SPATIAL_H */
