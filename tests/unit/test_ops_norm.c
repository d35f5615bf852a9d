/* SPDX-License-Identifier: MIT */
/* Normalisation, softmax and mean against the oracle. */
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
        {"InstanceNormalization", 150},
        {"GroupNormalization", 150},
        {"LayerNormalization", 200},
        {"RMSNormalization", 120},
        {"LpNormalization", 120},
        {"MeanVarianceNormalization", 120},
        {"BatchNormalization", 250},
        {"LRN", 200},
        {"Softmax", 200},
        {"LogSoftmax", 200},
        {"ReduceMean", 250},
    };
    struct CMUnitTest tests[sizeof counts / sizeof *counts];
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        tests[i] = (struct CMUnitTest){counts[i].op, check, NULL, NULL, &counts[i]};
    ops_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
