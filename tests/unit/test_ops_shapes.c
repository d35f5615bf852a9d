/* SPDX-License-Identifier: MIT */
/* Operators that speak of shapes, pick elements, compare or change types, against the oracle. */
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
        {"Shape", 60},     {"Size", 20},   {"Gather", 200}, {"Slice", 300}, {"Cast", 200},
        {"CastLike", 100}, {"Range", 100}, {"Where", 200},  {"Equal", 200}, {"Expand", 200},
    };
    struct CMUnitTest tests[sizeof counts / sizeof *counts];
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        tests[i] = (struct CMUnitTest){counts[i].op, check, NULL, NULL, &counts[i]};
    ops_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
