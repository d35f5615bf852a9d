/* SPDX-License-Identifier: MIT */
/* The variants of Winograd's convolution: their matrices, and what follows from these. */
#include "kernels/winograd.h"

#include <math.h>

#define P 0.70710678118654752440
#define Q 1.41421356237309504880

/* clang-format off */
static const double filter_2x3[4 * 3] = {
    1,    0,   0,
    0.5,  0.5, 0.5,
    0.5, -0.5, 0.5,
    0,    0,   1,
};
static const float input_4[4 * 4] = {
    1,  0, -1, 0,
    0,  1,  1, 0,
    0, -1,  1, 0,
    0, -1,  0, 1,
};
static const float output_4_2[2 * 4] = {
    1, 1,  1, 0,
    0, 1, -1, 1,
};

static const double filter_4x3[6 * 3] = {
     1,        0,          0,
    -1 / 1.5, -P / 1.5,   -0.5 / 1.5,
    -1 / 1.5,  P / 1.5,   -0.5 / 1.5,
     1 / 6.0,  Q / 6.0,    2 / 6.0,
     1 / 6.0, -Q / 6.0,    2 / 6.0,
     0,        0,          1,
};
static const double filter_2x5[6 * 5] = {
     1,        0,         0,          0,             0,
    -1 / 1.5, -P / 1.5,  -0.5 / 1.5, -0.5 * P / 1.5, -0.25 / 1.5,
    -1 / 1.5,  P / 1.5,  -0.5 / 1.5,  0.5 * P / 1.5, -0.25 / 1.5,
     1 / 6.0,  Q / 6.0,   2 / 6.0,    2 * Q / 6.0,    4 / 6.0,
     1 / 6.0, -Q / 6.0,   2 / 6.0,   -2 * Q / 6.0,    4 / 6.0,
     0,        0,         0,          0,              1,
};
static const float input_6[6 * 6] = {
    1,  0,               -2.5f,  0,        1, 0,
    0, -2 * (float)P,    -2,     (float)P, 1, 0,
    0,  2 * (float)P,    -2,    -(float)P, 1, 0,
    0, -0.5f * (float)Q, -0.5f,  (float)Q, 1, 0,
    0,  0.5f * (float)Q, -0.5f, -(float)Q, 1, 0,
    0,  1,                0,    -2.5f,     0, 1,
};
static const float output_6_4[4 * 6] = {
    1, 1,                1,                1,             1,             0,
    0, (float)P,        -(float)P,         (float)Q,     -(float)Q,      0,
    0, 0.5f,             0.5f,             2,             2,             0,
    0, 0.5f * (float)P, -0.5f * (float)P,  2 * (float)Q, -2 * (float)Q,  1,
};
static const double filter_6x3[8 * 3] = {
     1,          0,         0,
    -2 / 9.0,   -2 / 9.0,  -2 / 9.0,
    -2 / 9.0,    2 / 9.0,  -2 / 9.0,
    32 / 45.0,  16 / 45.0,  8 / 45.0,
    32 / 45.0, -16 / 45.0,  8 / 45.0,
     1 / 90.0,   1 / 45.0,  2 / 45.0,
     1 / 90.0,  -1 / 45.0,  2 / 45.0,
     0,          0,         1,
};
static const float input_8[8 * 8] = {
    1,  0,    -5.25f,  0,      5.25f,  0,    -1, 0,
    0,  1,     1,     -4.25f, -4.25f,  1,     1, 0,
    0, -1,     1,      4.25f, -4.25f, -1,     1, 0,
    0,  2,     4,     -2.5f,  -5,      0.5f,  1, 0,
    0, -2,     4,      2.5f,  -5,     -0.5f,  1, 0,
    0,  0.5f,  0.25f, -2.5f,  -1.25f,  2,     1, 0,
    0, -0.5f,  0.25f,  2.5f,  -1.25f, -2,     1, 0,
    0, -1,     0,      5.25f,  0,     -5.25f, 0, 1,
};
static const float output_8_6[6 * 8] = {
    1, 1,  1, 1,         1,         1,   1, 0,
    0, 1, -1, 0.5f,     -0.5f,      2,  -2, 0,
    0, 1,  1, 0.25f,     0.25f,     4,   4, 0,
    0, 1, -1, 0.125f,   -0.125f,    8,  -8, 0,
    0, 1,  1, 0.0625f,   0.0625f,  16,  16, 0,
    0, 1, -1, 0.03125f, -0.03125f, 32, -32, 1,
};
static const double filter_4x5[8 * 5] = {
     1,          0,         0,          0,         0,
    -2 / 9.0,   -2 / 9.0,  -2 / 9.0,   -2 / 9.0,  -2 / 9.0,
    -2 / 9.0,    2 / 9.0,  -2 / 9.0,    2 / 9.0,  -2 / 9.0,
    32 / 45.0,  16 / 45.0,  8 / 45.0,   4 / 45.0,  2 / 45.0,
    32 / 45.0, -16 / 45.0,  8 / 45.0,  -4 / 45.0,  2 / 45.0,
     1 / 90.0,   1 / 45.0,  2 / 45.0,   4 / 45.0,  8 / 45.0,
     1 / 90.0,  -1 / 45.0,  2 / 45.0,  -4 / 45.0,  8 / 45.0,
     0,          0,         0,          0,         1,
};
static const float output_8_4[4 * 8] = {
    1, 1,  1, 1,       1,      1,  1, 0,
    0, 1, -1, 0.5f,   -0.5f,   2, -2, 0,
    0, 1,  1, 0.25f,   0.25f,  4,  4, 0,
    0, 1, -1, 0.125f, -0.125f, 8, -8, 1,
};
static const float output_6_2[2 * 6] = {
    1, 1,         1,        1,         1,        0,
    0, (float)P, -(float)P, (float)Q, -(float)Q, 1,
};

/* Stride 2: the inputs of even index meet the first tap and the last, F(2,2) of points 0, 1 and
 * infinity; those of odd index the one between, once each. */
static const double filter_2x3s2[4 * 3] = {
    1, 0, 0,
    1, 0, 1,
    0, 1, 0,
    0, 0, 1,
};
static const float input_5[5 * 5] = {
    1, 0, -1, 0, 0,
    0, 0,  1, 0, 0,
    0, 1,  0, 0, 0,
    0, 0,  0, 1, 0,
    0, 0, -1, 0, 1,
};
static const float output_5_2[2 * 5] = {
    1, 1, 1, 0, 0,
    0, 1, 0, 1, 1,
};
/* clang-format on */

const phi_wino phi_wino_f2x3 = {.r = 3,
                                .stride = 1,
                                .m = 2,
                                .a = 4,
                                .n_filters = 4,
                                .filter = filter_2x3,
                                .input = input_4,
                                .output = output_4_2,
                                .in_slot = PHK_wino4_in_f32,
                                .out_slot = PHK_wino4_out2_f32,
                                .move = 10};
const phi_wino phi_wino_f4x3 = {.r = 3,
                                .stride = 1,
                                .m = 4,
                                .a = 6,
                                .n_filters = 6,
                                .filter = filter_4x3,
                                .input = input_6,
                                .output = output_6_4,
                                .in_slot = PHK_wino6_in_f32,
                                .out_slot = PHK_wino6_out4_f32,
                                .move = 13};
const phi_wino phi_wino_f6x3 = {.r = 3,
                                .stride = 1,
                                .m = 6,
                                .a = 8,
                                .n_filters = 8,
                                .filter = filter_6x3,
                                .input = input_8,
                                .output = output_8_6,
                                .in_slot = PHK_wino8_in_f32,
                                .out_slot = PHK_wino8_out6_f32,
                                .move = 19};
const phi_wino phi_wino_f2x5 = {.r = 5,
                                .stride = 1,
                                .m = 2,
                                .a = 6,
                                .n_filters = 6,
                                .filter = filter_2x5,
                                .input = input_6,
                                .output = output_6_2,
                                .in_slot = PHK_wino6_in_f32,
                                .out_slot = PHK_wino6_out2_f32,
                                .move = 10};
const phi_wino phi_wino_f4x5 = {.r = 5,
                                .stride = 1,
                                .m = 4,
                                .a = 8,
                                .n_filters = 8,
                                .filter = filter_4x5,
                                .input = input_8,
                                .output = output_8_4,
                                .in_slot = PHK_wino8_in_f32,
                                .out_slot = PHK_wino8_out4_f32,
                                .move = 14};
const phi_wino phi_wino_f2x3s2 = {.r = 3,
                                  .stride = 2,
                                  .m = 2,
                                  .a = 5,
                                  .n_filters = 4,
                                  .filter = filter_2x3s2,
                                  .input = input_5,
                                  .output = output_5_2,
                                  .in_slot = PHK_wino5_in_f32,
                                  .out_slot = PHK_wino5_out2_f32,
                                  .move = 10};

size_t phi_wino_filter_of(const phi_wino *v, size_t product)
{
    return v->stride == 1 || product < 3 ? product : product - 1;
}

size_t phi_wino_inputs(const phi_wino *v, size_t outputs)
{
    return (outputs - 1) * v->stride + v->r;
}

/* Equations, a row each, over n inputs that are known and then as many unknown ones as there are rows:
 * solved by Gauss and Jordan, row i for unknown i, which keeps a one, the others zeros. */
static void eliminate(double x[PHI_WINO_MAX][PHI_WINO_MAX], size_t rows, size_t n)
{
    for (size_t col = n; col < n + rows; col++) {
        const size_t at = col - n;
        size_t best = at;
        for (size_t i = at; i < rows; i++)
            if (fabs(x[i][col]) > fabs(x[best][col])) best = i;
        for (size_t k = 0; k < n + rows; k++) {
            const double swap = x[best][k];
            x[best][k] = x[at][k];
            x[at][k] = swap;
        }
        for (size_t i = 0; i < rows; i++) {
            const double f = (i == at ? x[at][col] - 1 : x[i][col]) / x[at][col];
            for (size_t k = 0; k < n + rows && f != 0; k++)
                x[i][k] -= f * x[at][k];
        }
    }
}

void phi_wino_extend(const phi_wino *v, size_t n, float w[PHI_WINO_MAX][PHI_WINO_MAX])
{
    double rows[PHI_WINO_MAX][PHI_WINO_MAX];
    for (size_t i = n; i < v->a; i++)
        for (size_t k = 0; k < v->a; k++)
            rows[i - n][k] = (double)v->input[i * v->a + k];
    eliminate(rows, v->a - n, n);
    for (size_t i = n; i < v->a; i++)
        for (size_t k = 0; k < n; k++)
            w[i][k] = (float)(fabs(rows[i - n][k]) < 1e-7 ? 0 : -rows[i - n][k]);
}
