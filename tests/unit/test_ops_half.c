/* SPDX-License-Identifier: MIT */
/* Operators that widen 16-bit floats, against the oracle. */
#include "ops_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

typedef struct count {
    const char *op;
    int n;
} count;

static void check(void **state)
{
    const count *c = *state;
    ops_check_half(c->op, c->n);
}

int main(void)
{
    static count counts[] = {
        {"Conv", 60},
        {"ConvTranspose", 40},
        {"Gemm", 40},
        {"MatMul", 40},
        {"MaxPool", 40},
        {"AveragePool", 40},
        {"Softmax", 40},
        {"LRN", 30},
        {"BatchNormalization", 40},
        {"Relu", 30},
        {"Sigmoid", 30},
        {"Elu", 30},
        {"Gelu", 30},
        {"Clip", 40},
        {"GlobalAveragePool", 30},
        {"Resize", 60},
        {"InstanceNormalization", 40},
    };
    struct CMUnitTest tests[sizeof counts / sizeof *counts];
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        tests[i] = (struct CMUnitTest){counts[i].op, check, NULL, NULL, &counts[i]};
    ops_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
