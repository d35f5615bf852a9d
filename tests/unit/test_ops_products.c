/* SPDX-License-Identifier: MIT */
/* Conv, Gemm and MatMul against the oracle. */
#include "ops_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* The cases that went wrong elsewhere for years, and the ones that networks are made of. */
typedef struct conv_case {
    const char *what;
    int64_t n, c, h, w, k, r, s, stride, dilation, groups, pads[4];
} conv_case;

// clang-format off
static const conv_case conv_cases[] = {
    /*                          n   c   h   w   k   r  s st dil  g  pads */
    {"1x1",                     1, 16,  7,  7, 32,  1, 1, 1, 1,  1, {0}},
    {"1x1 stride 2",            2, 16,  7,  7, 32,  1, 1, 2, 1,  1, {0}},
    {"1x1 stride 2, even",      1, 17,  8,  6, 31,  1, 1, 2, 1,  1, {0}},
    {"1x1 stride 3",            1,  5, 10, 10, 16,  1, 1, 3, 1,  1, {0}},
    {"1x1 padded",              1, 16,  5,  5, 16,  1, 1, 1, 1,  1, {1, 1, 1, 1}},
    {"1x1 padded one side",     1,  3,  5,  5, 17,  1, 1, 1, 1,  1, {0, 2, 1, 0}},
    {"1x1 padded stride 2",     1, 16,  5,  5, 16,  1, 1, 2, 1,  1, {2, 2, 2, 2}},
    {"1x1 in groups",           1, 32,  6,  6, 32,  1, 1, 1, 1,  4, {0}},
    {"1x1 in groups, odd",      2, 15,  6,  6, 33,  1, 1, 1, 1,  3, {0}},
    {"1x1 on one channel",      1,  1,  6,  6,  1,  1, 1, 1, 1,  1, {0}},
    {"1x1 on one pixel",        3, 31,  1,  1, 17,  1, 1, 1, 1,  1, {0}},
    {"32 to 1",                 1, 32,  6,  6,  1,  1, 1, 1, 1,  1, {0}},
    {"1 to 31",                 1,  1,  9,  9, 31,  1, 1, 1, 1,  1, {0}},
    {"192 to 32 (Inception)",   1,192,  4,  4, 32,  1, 1, 1, 1,  1, {0}},
    {"28x28x192 to 64",         1,192, 28, 28, 64,  1, 1, 1, 1,  1, {0}},
    {"3x3 on 64, 14x14",        1, 64, 14, 14, 64,  3, 3, 1, 1,  1, {1, 1, 1, 1}},
    {"600 channels deep",       1,600,  3,  3, 20,  1, 1, 1, 1,  1, {0}},
    {"3x3 same",                1, 16, 14, 14, 16,  3, 3, 1, 1,  1, {1, 1, 1, 1}},
    {"3x3 same, odd",           2,  5,  7,  9, 17,  3, 3, 1, 1,  1, {1, 1, 1, 1}},
    {"3x3 stride 2",            1, 16,  8,  8, 31,  3, 3, 2, 1,  1, {1, 1, 1, 1}},
    {"3x3 valid",               1,  3,  8,  8,  8,  3, 3, 1, 1,  1, {0}},
    {"3x3 asymmetric",          1,  3,  8,  8,  8,  3, 3, 2, 1,  1, {0, 0, 1, 1}},
    {"3x3 asymmetric, odd",     1,  3,  7,  5,  5,  3, 3, 1, 1,  1, {2, 0, 1, 2}},
    {"3x3 dilated",             1,  8, 11, 11,  8,  3, 3, 1, 2,  1, {2, 2, 2, 2}},
    {"3x3 dilated stride 2",    1,  4, 13, 13,  4,  3, 3, 2, 3,  1, {3, 3, 3, 3}},
    {"5x5 same",                1, 16,  9,  9, 32,  5, 5, 1, 1,  1, {2, 2, 2, 2}},
    {"7x7/2 pad 3",             1,  3, 32, 32, 16,  7, 7, 2, 1,  1, {3, 3, 3, 3}},
    {"11x11/4",                 1,  3, 35, 35,  8, 11,11, 4, 1,  1, {0}},
    {"11x11/4 pad 2",           1,  3, 36, 36,  5, 11,11, 4, 1,  1, {2, 2, 2, 2}},
    {"1x7",                     1,  8,  9,  9,  8,  1, 7, 1, 1,  1, {0, 3, 0, 3}},
    {"7x1",                     1,  8,  9,  9,  8,  7, 1, 1, 1,  1, {3, 0, 3, 0}},
    {"depthwise 3x3",           1, 32,  7,  7, 32,  3, 3, 1, 1, 32, {1, 1, 1, 1}},
    {"depthwise 3x3 stride 2",  2, 17,  8,  8, 17,  3, 3, 2, 1, 17, {1, 1, 1, 1}},
    {"depthwise, times 2",      1, 16,  7,  7, 32,  3, 3, 1, 1, 16, {1, 1, 1, 1}},
    {"depthwise, times 3",      1,  5,  6,  6, 15,  5, 5, 1, 1,  5, {2, 2, 2, 2}},
    {"depthwise 1x1",           1, 31,  5,  5, 31,  1, 1, 1, 1, 31, {0}},
    {"depthwise dilated",       1, 16,  9,  9, 16,  3, 3, 1, 2, 16, {2, 2, 2, 2}},
    {"grouped 3x3 (AlexNet)",   1, 16,  7,  7, 32,  3, 3, 1, 1,  2, {1, 1, 1, 1}},
    {"as large as the input",   2,  5,  6,  7, 17,  6, 7, 1, 1,  1, {0}},
    {"as large as the padded",  1,  3,  3,  3,  5,  5, 5, 1, 1,  1, {1, 1, 1, 1}},
    {"one pixel, all padding",  1,  3,  1,  1,  5,  3, 3, 1, 1,  1, {1, 1, 1, 1}},
    {"one row",                 1,  3,  1, 17,  5,  1, 3, 1, 1,  1, {0, 1, 0, 1}},
    {"one column",              1,  3, 17,  1,  5,  3, 1, 2, 1,  1, {1, 0, 1, 0}},
    {"stride past the kernel",  1,  4,  9,  9,  4,  2, 2, 5, 1,  1, {0}},
};
// clang-format on

static void conv_of(const conv_case *t, enum draw_fill fill, bool bias, bool constant, draw_case *c)
{
    draw_rng r = {.state = ops_seed()};
    *c = (draw_case){.node = {.op = "Conv", .opset = 17, .n_out = 1, .n_in = bias ? 3 : 2}};
    c->node.in[0] = or_new(4, (int64_t[]){t->n, t->c, t->h, t->w});
    c->node.in[1] = or_new(4, (int64_t[]){t->k, t->c / t->groups, t->r, t->s});
    c->node.in[2] = or_new(1, (int64_t[]){t->k});
    for (int i = 0; i < 3; i++)
        draw_values(&r, fill, -1, 1, c->node.in[i]);
    if (!bias) {
        or_free(c->node.in[2]);
        c->node.in[2] = NULL;
    }
    or_set_ints(&c->node, "strides", 2, (int64_t[]){t->stride, t->stride});
    or_set_ints(&c->node, "dilations", 2, (int64_t[]){t->dilation, t->dilation});
    or_set_ints(&c->node, "pads", 4, t->pads);
    or_set_int(&c->node, "group", t->groups);
    c->constant = constant ? 6 : 0;
    c->exact = fill == DRAW_INTEGER;
}

static void test_conv_ordinary(void **state)
{
    int missed = 0;
    (void)state;
    for (size_t i = 0; i < sizeof conv_cases / sizeof *conv_cases; i++)
        for (int variant = 0; variant < 4; variant++) {
            draw_case c;
            conv_of(&conv_cases[i], variant & 1 ? DRAW_INTEGER : DRAW_UNIFORM, variant < 2,
                    variant % 3 == 0, &c);
            missed += !ops_check(&c, conv_cases[i].what);
            draw_free(&c);
        }
    if (missed) fail_msg("%d ordinary convolutions missed", missed);
}

static void test_conv(void **state)
{
    (void)state;
    ops_check_random("Conv", 600);
}

static void test_gemm(void **state)
{
    (void)state;
    ops_check_random("Gemm", 300);
}

static void test_matmul(void **state)
{
    (void)state;
    ops_check_random("MatMul", 300);
}

static void test_conv_transpose(void **state)
{
    (void)state;
    ops_check_random("ConvTranspose", 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv_ordinary),  cmocka_unit_test(test_conv),
        cmocka_unit_test(test_gemm),           cmocka_unit_test(test_matmul),
        cmocka_unit_test(test_conv_transpose),
    };
    ops_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
