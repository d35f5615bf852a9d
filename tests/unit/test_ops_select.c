/* SPDX-License-Identifier: MIT */
/* Operators that pick by indices, or put, sort, sum up or mark, against the oracle. */
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
        {"TopK", 120},    {"GatherElements", 120}, {"GatherND", 120}, {"ScatterElements", 120},
        {"Scatter", 120}, {"ScatterND", 120},      {"CumSum", 120},   {"EyeLike", 120},
        {"OneHot", 120},  {"Trilu", 120},          {"NonZero", 120},
    };
    struct CMUnitTest tests[sizeof counts / sizeof *counts];
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        tests[i] = (struct CMUnitTest){counts[i].op, check, NULL, NULL, &counts[i]};
    ops_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
