/* SPDX-License-Identifier: MIT */
/* Operators that bring axes down, cut, repeat or turn them, against the oracle. */
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
        {"ReduceSum", 100},       {"ReduceMax", 100},    {"ReduceMin", 100},
        {"ReduceProd", 100},      {"ReduceL1", 100},     {"ReduceL2", 100},
        {"ReduceSumSquare", 100}, {"ReduceLogSum", 100}, {"ReduceLogSumExp", 100},
        {"ReduceMean", 100},      {"ArgMax", 200},       {"ArgMin", 150},
        {"Split", 200},           {"Tile", 150},         {"DepthToSpace", 150},
        {"SpaceToDepth", 150},
    };
    struct CMUnitTest tests[sizeof counts / sizeof *counts];
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        tests[i] = (struct CMUnitTest){counts[i].op, check, NULL, NULL, &counts[i]};
    ops_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
