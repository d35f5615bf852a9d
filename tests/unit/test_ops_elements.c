/* SPDX-License-Identifier: MIT */
/* Operators on single elements, with broadcasting, against the oracle. */
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
        {"Relu", 150}, {"LeakyRelu", 150},   {"Clip", 200},      {"Sigmoid", 150},
        {"Tanh", 150}, {"HardSigmoid", 150}, {"HardSwish", 150}, {"Identity", 100},
        {"Add", 250},  {"Sub", 200},         {"Mul", 200},       {"Div", 200},
        {"Sum", 250},
    };
    struct CMUnitTest tests[sizeof counts / sizeof *counts];
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        tests[i] = (struct CMUnitTest){counts[i].op, check, NULL, NULL, &counts[i]};
    ops_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
