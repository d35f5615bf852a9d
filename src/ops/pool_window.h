/* SPDX-License-Identifier: MIT */
/*
 * Windows that slide over images: the attributes and the shape rule of MaxPool and AveragePool.
 */
#ifndef PHI_POOL_WINDOW_H
#define PHI_POOL_WINDOW_H

#include "graph/op.h"

/* Axis 0 is h, 1 is w. One-dimensional pooling is that of images with h = 1. */
typedef struct phi_window {
    int64_t kernel[2], stride[2], dilation[2];
    int64_t pad_begin[2], pad_end[2];
    bool include_pad; /* averages count the padding */
    bool transposed;  /* Indices number positions column by column */
} phi_window;

/*
 * Read and check the attributes into `w`, and give output 0 its type. Every window then holds at
 * least one position of the input.
 */
enum ph_status phi_window_infer(phi_infer *c, phi_window *w);

/* Shapes of a pooling, from the views of input 0 and output 0. */
typedef struct phi_pool_shape {
    int64_t n, c, h, w, oh, ow;
} phi_pool_shape;
phi_pool_shape phi_pool_shape_of(const phi_exec *e);

/* The part of a window along one axis that lies in the input: positions first, first + dilation,
 * ... */
typedef struct phi_taps {
    int64_t first, n; /* n >= 1 */
    int64_t counted;  /* positions of the window in the padded input */
} phi_taps;

/* Of output position `o` along `axis`, where the input has `size` positions. */
phi_taps phi_window_taps(const phi_window *w, int axis, int64_t size, int64_t o);

#endif /* PHI_POOL_WINDOW_H */
