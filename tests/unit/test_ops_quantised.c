/* SPDX-License-Identifier: MIT */
/* Quantised operators against the oracle. */
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
    ops_check_random(c->op, c->n);
}

int main(void)
{
    static count counts[] = {
        {"QuantizeLinear", 200}, {"DequantizeLinear", 200}, {"DynamicQuantizeLinear", 100},
        {"ConvInteger", 150},    {"QLinearConv", 200},      {"MatMulInteger", 120},
        {"QLinearMatMul", 150},
    };
    struct CMUnitTest tests[sizeof counts / sizeof *counts];
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        tests[i] = (struct CMUnitTest){counts[i].op, check, NULL, NULL, &counts[i]};
    ops_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
