/* SPDX-License-Identifier: MIT */
/*
 * Windows that slide over images of one to three dimensions: what MaxPool, AveragePool and LpPool
 * share. Images are channels-last, so the inner loops run over channels.
 *
 * Forward, a task is some rows of the output; backward, some channels of one image, which no other
 * task touches.
 */
#ifndef PHI_POOL_WINDOW_H
#define PHI_POOL_WINDOW_H

#include "ops/spatial.h"

#define PHI_POOL_BLOCK 64 /* channels of a window that are handed out at once, at most */

typedef struct phi_window {
    phi_side side[PHI_SIDES];
    bool include_pad; /* averages count the padding */
    bool transposed;  /* Indices number positions with the first side fastest */
} phi_window;

/*
 * Read and check the attributes into `w`, and give output 0 its type. Unless `padding_counts`, no
 * padding may be so wide that a window lies in it as a whole. (Steps of a dilation may still carry
 * one past a small input.)
 */
enum ph_status phi_window_infer(phi_infer *c, phi_window *w, bool padding_counts);

/* The part of a window along one side that lies in the input: positions first, first + dilation,
 * ... */
typedef struct phi_taps {
    int64_t first, n;
    int64_t counted; /* positions of the window in the padded input */
} phi_taps;

/* A window over some channels of one image. */
typedef struct phi_window_place {
    phi_taps taps[PHI_SIDES];
    int64_t x;     /* element of the image's first pixel, first of the channels */
    int64_t y;     /* element of the output, first of the channels */
    int64_t index; /* the same of a dense output: of `indices` */
    int64_t plane; /* number of the first channel, of all images */
    int64_t n;     /* channels */
} phi_window_place;

typedef struct phi_pooling phi_pooling;
typedef void phi_window_fn(const phi_pooling *p, const phi_window_place *at);

struct phi_pooling {
    const phi_window *w;
    int64_t n, c, block; /* images, channels, channels handed out at once */
    phi_window_fn *fn;
    const struct phk_kernel *kernel; /* MaxPool's */
    int64_t rows_a_task;
    const void *x;    /* [n,in...,c], pixels x_pitch elements apart: may be a slice of channels */
    void *y;          /* [n,out...,c], y_pitch apart; backward both are c */
    int64_t x_pitch, y_pitch;
    int64_t *indices; /* [n,out...,c] or NULL; MaxPool */
    const float *dy;  /* backward */
    float *dx;
    enum ph_dtype dtype;
};

/* Of input 0 and output 0, with phi_window in e->params. */
phi_pooling phi_pooling_of(const phi_exec *e);
/* Call p->fn for every window. */
void phi_pooling_forward(phi_pooling *p, phi_pool *pool);
/* Call p->fn, which adds to dx, for every window; dx is zeroed first. op->backward's work. */
enum ph_status phi_pooling_backward(const phi_exec *e, phi_pooling *p);

/* Pixel of the image that tap (i, j, k) of a window reads. */
static inline int64_t phi_window_pixel(const phi_pooling *p, const phi_window_place *at, int64_t i,
                                       int64_t j, int64_t k)
{
    const phi_side *s = p->w->side;
    int64_t z = at->taps[0].first + i * s[0].dilation, y = at->taps[1].first + j * s[1].dilation;
    return (z * s[1].in + y) * s[2].in + at->taps[2].first + k * s[2].dilation;
}

#endif /* PHI_POOL_WINDOW_H */
