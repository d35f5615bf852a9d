/* SPDX-License-Identifier: MIT */
/* Pooling and resizing against the oracle. */
#include "ops_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

typedef struct pool_case {
    int64_t n, c, h, w, r, s, stride, pads[4], ceil_mode;
} pool_case;

// clang-format off
static const pool_case pool_cases[] = {
    /* n  c   h   w  r  s st  pads          ceil */
    {1, 16, 14, 14, 2, 2, 2, {0},           0},
    {1, 16, 15, 15, 2, 2, 2, {0},           0},
    {1, 16, 15, 15, 2, 2, 2, {0},           1}, /* the last window half outside */
    {2,  5, 28, 28, 3, 3, 2, {0},           1}, /* GoogLeNet */
    {1, 17, 13, 13, 3, 3, 2, {0},           0}, /* AlexNet */
    {1, 31,  8,  8, 3, 3, 1, {1, 1, 1, 1},  0}, /* Inception's pool branch */
    {1,  3, 16, 16, 3, 3, 2, {1, 1, 1, 1},  0}, /* ResNet's stem */
    {1,  3, 16, 16, 3, 3, 2, {1, 1, 1, 1},  1},
    {1,  1,  7,  7, 2, 3, 3, {0, 1, 1, 0},  1},
    {1,  1,  4,  4, 3, 3, 3, {1, 1, 1, 1},  1}, /* a window that would start in the padding */
    {1, 16,  5,  5, 1, 1, 2, {0},           0},
    {1, 33,  1,  1, 1, 1, 1, {0},           0},
    {1,  4,  6,  7, 6, 7, 1, {0},           0},
};
// clang-format on

static void test_ordinary(void **state)
{
    int missed = 0;
    (void)state;
    for (size_t i = 0; i < sizeof pool_cases / sizeof *pool_cases; i++)
        for (int variant = 0; variant < 3; variant++) {
            const pool_case *t = &pool_cases[i];
            draw_rng r = {.state = ops_seed()};
            draw_case c = {.node = {.op = variant ? "AveragePool" : "MaxPool",
                                    .opset = 17,
                                    .n_in = 1,
                                    .n_out = 1},
                           .exact = variant == 0};
            c.node.in[0] = or_new(4, (int64_t[]){t->n, t->c, t->h, t->w});
            draw_values(&r, DRAW_UNIFORM, -1, 1, c.node.in[0]);
            or_set_ints(&c.node, "kernel_shape", 2, (int64_t[]){t->r, t->s});
            or_set_ints(&c.node, "strides", 2, (int64_t[]){t->stride, t->stride});
            or_set_ints(&c.node, "pads", 4, t->pads);
            or_set_int(&c.node, "ceil_mode", t->ceil_mode);
            if (variant) or_set_int(&c.node, "count_include_pad", variant - 1);
            missed += !ops_check(&c, "ordinary");
            draw_free(&c);
        }
    if (missed) fail_msg("%d ordinary poolings missed", missed);
}

static void test_max_pool(void **state)
{
    (void)state;
    ops_check_random("MaxPool", 300);
}

static void test_average_pool(void **state)
{
    (void)state;
    ops_check_random("AveragePool", 300);
}

static void test_global_average_pool(void **state)
{
    (void)state;
    ops_check_random("GlobalAveragePool", 150);
}

static void test_global_max_pool(void **state)
{
    (void)state;
    ops_check_random("GlobalMaxPool", 150);
}

static void test_resize(void **state)
{
    (void)state;
    ops_check_random("Resize", 500);
}

static void test_upsample(void **state)
{
    (void)state;
    ops_check_random("Upsample", 150);
}

static void test_lp_pool(void **state)
{
    (void)state;
    ops_check_random("LpPool", 150);
}

static void test_global_lp_pool(void **state)
{
    (void)state;
    ops_check_random("GlobalLpPool", 80);
}

static void test_max_unpool(void **state)
{
    (void)state;
    ops_check_random("MaxUnpool", 80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ordinary),        cmocka_unit_test(test_max_pool),
        cmocka_unit_test(test_average_pool),    cmocka_unit_test(test_global_average_pool),
        cmocka_unit_test(test_global_max_pool), cmocka_unit_test(test_resize),
        cmocka_unit_test(test_upsample),        cmocka_unit_test(test_lp_pool),
        cmocka_unit_test(test_global_lp_pool),  cmocka_unit_test(test_max_unpool),
    };
    ops_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
