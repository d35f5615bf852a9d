/* SPDX-License-Identifier: MIT */
/*
 * im2col without the matrix: a convolution's operand as rows that are pointed to where they lie or,
 * where that cannot be, gathered piece by piece while they are needed ("implicit GEMM", Chetlur 2014,
 * arXiv:1410.0759, sec. 3; indirection, Dukhan 2019, arXiv:1907.02129).
 */
#ifndef PHI_IM2COL_H
#define PHI_IM2COL_H

#include "kernels/conv_shape.h"
#include "kernels/gemm.h"

/*
 * A window sliding over channels-last images x [images, h, w, pitch]. Row number
 * (image * gh + u) * gw + v of the matrix has, at column (i * taps_w + j) * c + ch,
 *
 *     x[image][u * stride_h + y0 + i * step_h][v * stride_w + x0 + j * step_w][ch]
 *
 * or 0 where that is outside of the image. Steps are positive. Group g reads channels from g * c
 * on.
 */
typedef struct phi_im2col {
    const float *x;
    int64_t h, w, pitch, c;
    int64_t gh, gw;
    int64_t stride_h, stride_w;
    int64_t y0, x0;
    int64_t taps_h, taps_w;
    int64_t step_h, step_w;
} phi_im2col;

/* The windows of x that make y, of one group's channels; pixels of x are `pitch` floats apart. */
phi_im2col phi_im2col_of(const phi_conv_shape *d, const float *x, int64_t pitch);

/* The rows of a window as an operand; `w` is borrowed for as long as the result is used. */
phi_rows phi_im2col_rows(const phi_im2col *w);

#endif /* PHI_IM2COL_H */
