/* SPDX-License-Identifier: MIT */
/* Activations against the oracle. */
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
        {"Elu", 120},
        {"Selu", 120},
        {"Celu", 120},
        {"Gelu", 150},
        {"Mish", 120},
        {"Swish", 120},
        {"Softplus", 120},
        {"Softsign", 120},
        {"Erf", 120},
        {"Shrink", 120},
        {"PRelu", 200},
        {"Hardmax", 150},
        {"ThresholdedRelu", 120},
    };
    struct CMUnitTest tests[sizeof counts / sizeof *counts];
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        tests[i] = (struct CMUnitTest){counts[i].op, check, NULL, NULL, &counts[i]};
    ops_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
