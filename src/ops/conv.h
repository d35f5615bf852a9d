/* SPDX-License-Identifier: MIT */
/*
 * Convolutions: what is known about one, the ways to compute it, and its gradients.
 */
#ifndef PHI_CONV_H
#define PHI_CONV_H

#include "graph/op.h"
#include "kernels/filters.h"
#include "kernels/gemm.h"
#include "kernels/im2col.h"
#include "kernels/winograd.h"
#include "ops/volume.h"

/* --- Shapes ---------------------------------------------------------------------------------- */

/* What infer leaves for running. `volume` is set, and stands alone, for three dimensions only. */
typedef struct phi_conv_params {
    phi_conv_shape image;
    phi_volume volume;
} phi_conv_params;

/* Has it three dimensions? */
bool phi_conv_is_volume(const phi_conv_params *p);

/*
 * Is the image itself the left matrix of the product? A kernel of one pixel, stride 1 and no
 * padding; dilation does not matter. A strided or padded 1x1 convolution reads other pixels.
 */
bool phi_conv_is_plain_gemm(const phi_conv_shape *d);

/* Does each input channel meet filters of its own only? */
bool phi_conv_is_depthwise(const phi_conv_shape *d);

static inline int64_t phi_conv_group_in(const phi_conv_shape *d)
{
    return d->c / d->groups;
}
static inline int64_t phi_conv_group_out(const phi_conv_shape *d)
{
    return d->k / d->groups;
}
static inline size_t phi_conv_pixels_out(const phi_conv_shape *d)
{
    return (size_t)(d->n * d->oh * d->ow);
}
static inline size_t phi_conv_window_size(const phi_conv_shape *d)
{
    return (size_t)(d->r * d->s * phi_conv_group_in(d));
}

/* --- Operands -------------------------------------------------------------------------------- */

/* Of this execution, which may be of some of the batch's images. */
phi_conv_params phi_conv_now(const phi_exec *e);
phi_conv_data phi_conv_data_of(const phi_exec *e);

/* Pixels of a channels-last image as a matrix, group by group. */
phi_rows phi_conv_pixel_rows(const float *x, int64_t pitch, int64_t group_channels);

/* x as the left operand, [pixels of y, window_size]; `windows` must outlive the result. */
phi_rows phi_conv_operand(const phi_conv_shape *d, const float *x, int64_t pitch,
                          phi_im2col *windows);

/* --- Ways to compute it ---------------------------------------------------------------------- */

typedef struct phi_conv_method phi_conv_method;
struct phi_conv_method {
    phi_method method;
    bool (*applies)(const phi_conv_method *m, const phi_conv_params *p);
    /* For comparison with others that apply, of one image. NULL: there are none. */
    double (*cost)(const phi_conv_method *m, const phi_conv_params *p);
    /* SIZE_MAX, of both sizes: it does not fit. */
    size_t (*pack_bytes)(const phi_conv_method *m, const phi_conv_params *p);
    void (*pack)(const phi_conv_method *m, const phi_conv_params *p, const phi_filters *weights,
                 phi_pool *pool, void *packed);
    size_t (*work_bytes)(const phi_conv_method *m, const phi_conv_params *p, size_t n_threads);
    void (*run)(const phi_conv_method *m, const phi_conv_params *p, const phi_conv_data *data,
                const void *packed, phi_pool *pool, void *work);
    const phi_wino *wino; /* or NULL */
    bool inexact;         /* it trades accuracy for speed */
    bool packs_rows;      /* `pack` takes weights that are made row by row */
    bool takes_add;
    bool by_lines; /* some lines of an image have the bits that they have among all: any, or */
    int64_t (*unit)(const phi_conv_params *p); /* as phi_lines has it. NULL: any */
};

/* Those that apply, least cost first, and of equal ones the plainest; their number. `exact`: only
 * those that trade no accuracy for speed. An image's bits must be the same in a batch of any size:
 * so it does not depend on n. */
size_t phi_conv_methods(const phi_conv_params *p, bool exact, phi_choice *out);
/* The one to use: the plan's choice, or else the first. */
const phi_conv_method *phi_conv_method_of(const phi_exec *e);

/* The hooks of op.h of these names. */
bool phi_conv_lines(const phi_exec *e, phi_lines *out);
void phi_conv_band(const phi_exec *e, const phi_band *b);

/* --- Gradients ------------------------------------------------------------------------------- */

size_t phi_conv_backward_work_bytes(const phi_exec *e);
void phi_conv_backward(const phi_exec *e);

#endif /* PHI_CONV_H */
