/* SPDX-License-Identifier: MIT */
/* Functions of one number, arithmetic and logic of several, against the oracle. */
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
        {"Sqrt", 60},         {"Exp", 60},      {"Log", 60},
        {"Sin", 60},          {"Cos", 60},      {"Tan", 60},
        {"Asin", 60},         {"Acos", 60},     {"Atan", 60},
        {"Sinh", 60},         {"Cosh", 60},     {"Asinh", 60},
        {"Acosh", 60},        {"Atanh", 60},    {"Reciprocal", 60},
        {"Abs", 60},          {"Neg", 60},      {"Sign", 60},
        {"Floor", 60},        {"Ceil", 60},     {"Round", 60},
        {"Not", 40},          {"IsNaN", 60},    {"IsInf", 80},
        {"Pow", 200},         {"Mod", 150},     {"Max", 150},
        {"Min", 150},         {"Mean", 150},    {"Less", 100},
        {"LessOrEqual", 100}, {"Greater", 100}, {"GreaterOrEqual", 100},
        {"And", 80},          {"Or", 80},       {"Xor", 80},
    };
    struct CMUnitTest tests[sizeof counts / sizeof *counts];
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        tests[i] = (struct CMUnitTest){counts[i].op, check, NULL, NULL, &counts[i]};
    ops_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
