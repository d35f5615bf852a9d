/* SPDX-License-Identifier: MIT */
/* Operators that move elements, and those that make them (Constant) or leave them (Dropout). */
#include "ops_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "pinhole/pinhole.h"

typedef struct count {
    const char *op;
    int n;
} count;

static void check(void **state)
{
    const count *c = *state;
    ops_check_random(c->op, c->n);
}

/* Run a graph whose inputs are all read from `x`. */
static void run_graph(ph_graph *g, const float *x, void *const *outputs)
{
    ph_error err = {0};
    ph_plan *p = NULL;
    ph_run *r = NULL;
    const void *inputs[1] = {x};
    assert_int_equal(ph_graph_check(g, &err), PH_OK);
    assert_int_equal(ph_plan_new(g, NULL, &p, &err), PH_OK);
    assert_int_equal(ph_run_new(p, 1, &r, &err), PH_OK);
    assert_int_equal(ph_run_once(r, inputs, outputs, &err), PH_OK);
    ph_run_free(r);
    ph_plan_free(p);
}

/* Constant in each of its forms that hold numbers. */
static void constant_is(const ph_attr *attr, enum ph_dtype dtype, size_t rank, const void *want,
                        size_t bytes)
{
    ph_graph *g = NULL;
    ph_plan *p = NULL;
    ph_run *r = NULL;
    ph_value v;
    unsigned char got[64];
    ph_error err = {0};
    void *outputs[1] = {got};
    assert_int_equal(ph_graph_new(NULL, "constant", &g, &err), PH_OK);
    assert_int_equal(ph_graph_add_node(g, "Constant", NULL, 0, NULL, 1, attr, 1, NULL, &v, &err),
                     PH_OK);
    assert_int_equal(ph_graph_add_output(g, v, &err), PH_OK);
    assert_int_equal(ph_plan_new(g, NULL, &p, &err), PH_OK);
    assert_int_equal(ph_plan_output(p, 0)->dtype, dtype);
    assert_int_equal(ph_plan_output(p, 0)->rank, rank);
    assert_int_equal(ph_plan_output(p, 0)->bytes, bytes);
    assert_int_equal(ph_run_new(p, 1, &r, &err), PH_OK);
    assert_int_equal(ph_run_once(r, NULL, outputs, &err), PH_OK);
    assert_memory_equal(got, want, bytes);
    ph_run_free(r);
    ph_plan_free(p);
    ph_graph_free(g);
}

static void test_constant(void **state)
{
    static const float floats[3] = {1.5f, -2, 0.25f};
    static const int64_t ints[2] = {7, -9};
    ph_tensor *t = NULL;
    (void)state;
    assert_int_equal(ph_tensor_new(NULL, PH_FLOAT32, 2, (int64_t[]){1, 3}, &t, NULL), PH_OK);
    memcpy(ph_tensor_data(t), floats, sizeof floats);
    constant_is(&(ph_attr){.name = "value", .kind = PH_ATTR_TENSOR, .tensor = t}, PH_FLOAT32, 2,
                floats, sizeof floats);
    constant_is(&(ph_attr){.name = "value_float", .kind = PH_ATTR_FLOAT, .f = 1.5f}, PH_FLOAT32, 0,
                floats, sizeof *floats);
    constant_is(
        &(ph_attr){.name = "value_floats", .kind = PH_ATTR_FLOATS, .n = 3, .floats = floats},
        PH_FLOAT32, 1, floats, sizeof floats);
    constant_is(&(ph_attr){.name = "value_int", .kind = PH_ATTR_INT, .i = 7}, PH_INT64, 0, ints,
                sizeof *ints);
    constant_is(&(ph_attr){.name = "value_ints", .kind = PH_ATTR_INTS, .n = 2, .ints = ints},
                PH_INT64, 1, ints, sizeof ints);
    ph_tensor_free(t);
}

/* Without training, Dropout is the identity whatever its ratio. */
static void test_dropout(void **state)
{
    static const float x[6] = {1, -2, 3, -4, 5, -6};
    float y[6] = {0};
    void *outputs[1] = {y};
    ph_graph *g = NULL;
    ph_tensor *ratio = NULL;
    ph_value in[2], out;
    (void)state;
    assert_int_equal(ph_graph_new(NULL, "dropout", &g, NULL), PH_OK);
    assert_int_equal(ph_tensor_new(NULL, PH_FLOAT32, 0, NULL, &ratio, NULL), PH_OK);
    *(float *)ph_tensor_data(ratio) = 0.75f;
    assert_int_equal(ph_graph_add_input(g, "x", PH_FLOAT32, 2, (int64_t[]){2, 3}, &in[0], NULL),
                     PH_OK);
    assert_int_equal(ph_graph_add_constant(g, "ratio", ratio, &in[1], NULL), PH_OK);
    assert_int_equal(ph_graph_add_node(g, "Dropout", NULL, 2, in, 0, NULL, 1, NULL, &out, NULL),
                     PH_OK);
    assert_int_equal(ph_graph_add_output(g, out, NULL), PH_OK);
    run_graph(g, x, outputs);
    assert_memory_equal(x, y, sizeof x);
    ph_tensor_free(ratio);
    ph_graph_free(g);
}

int main(void)
{
    static count counts[] = {
        {"Concat", 250},  {"Flatten", 150},   {"Reshape", 200}, {"Transpose", 250},
        {"Squeeze", 150}, {"Unsqueeze", 150}, {"Pad", 300},     {"ConstantOfShape", 50},
    };
    enum { N = sizeof counts / sizeof *counts };
    struct CMUnitTest tests[N + 2] = {cmocka_unit_test(test_constant),
                                      cmocka_unit_test(test_dropout)};
    for (size_t i = 0; i < N; i++)
        tests[2 + i] = (struct CMUnitTest){counts[i].op, check, NULL, NULL, &counts[i]};
    ops_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
