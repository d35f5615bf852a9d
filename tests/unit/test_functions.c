/* SPDX-License-Identifier: MIT */
/* Model-local functions: inlined, with scopes of their own, within limits. */
#define PROGRAM "test_functions"
#include "model_bytes.h"

#include "sweep.h"

enum {
    FUNC_NAME = 1,
    FUNC_IN = 4,
    FUNC_OUT,
    FUNC_ATTR,
    FUNC_NODE,
    FUNC_OPSET = 9,
    FUNC_DOMAIN,
    FUNC_DEFAULT
};

/* Start of function `name` of domain "f" with inputs and outputs (NULL: none). */
static void head(bytes *f, const char *name, const char *a, const char *b, const char *out)
{
    f->n = 0;
    str(f, FUNC_NAME, name);
    str(f, FUNC_DOMAIN, "f");
    if (a) str(f, FUNC_IN, a);
    if (b) str(f, FUNC_IN, b);
    if (out) str(f, FUNC_OUT, out);
}

/* What node() takes as `rest` for a call of a function of domain "f". */
static bytes call(void)
{
    bytes b = {.n = 0};
    str(&b, NODE_DOMAIN, "f");
    return b;
}

static void float_attr(bytes *n, unsigned field, const char *name, float value)
{
    bytes a = {.n = 0};
    str(&a, ATTR_NAME, name);
    flt(&a, ATTR_F, value);
    num(&a, ATTR_TYPE, 1);
    msg(n, field, &a);
}

static void ref_attr(bytes *n, const char *name, const char *of)
{
    bytes a = {.n = 0};
    str(&a, ATTR_NAME, name);
    str(&a, ATTR_REF, of);
    num(&a, ATTR_TYPE, 1);
    msg(n, NODE_ATTR, &a);
}

/* leaky(t; slope = 0.5) = LeakyRelu(t; alpha = @slope), in a body with nodes called like others. */
static void leaky(bytes *model)
{
    bytes f, rest = {.n = 0};
    head(&f, "leaky", "t", NULL, "r");
    ref_attr(&rest, "alpha", "slope");
    ref_attr(&rest, "unheard", "of"); /* nobody gives it: it goes */
    node_at(&f, FUNC_NODE, "LeakyRelu", "body", "sum", NULL, "r", &rest);
    node_at(&f, FUNC_NODE, "Identity", NULL, "t", NULL, "sum", NULL);
    float_attr(&f, FUNC_DEFAULT, "slope", 0.5f);
    msg(model, MODEL_FUNC, &f);
}

/* twice(t; s) = leaky(leaky(t; slope = @s)) */
static void twice(bytes *model)
{
    bytes f, inner = call(), outer = call();
    head(&f, "twice", "t", NULL, "r");
    ref_attr(&inner, "slope", "s");
    node_at(&f, FUNC_NODE, "leaky", "in", "t", NULL, "sum", &inner);
    node_at(&f, FUNC_NODE, "leaky", "out", "sum", NULL, "r", &outer);
    msg(model, MODEL_FUNC, &f);
}

static void run_model(const ph_graph *g, const float *x, float *y)
{
    ph_plan *p = NULL;
    ph_run *r = NULL;
    ph_error err = {0};
    if (ph_plan_new(g, NULL, &p, &err) || ph_run_new(p, 1, &r, &err) ||
        ph_run_once(r, (const void *const[]){x}, (void *const[]){y}, &err))
        fail_msg("%s", err.message);
    ph_run_free(r);
    ph_plan_free(p);
}

static void nested_model(bytes *model)
{
    bytes graph = {.n = 0}, rest = call();
    str(&graph, GRAPH_NAME, "calls");
    node(&graph, "Add", "plus", "x", "w", "sum", NULL);
    float_attr(&rest, NODE_ATTR, "s", 0.25f);
    node(&graph, "twice", "one", "sum", NULL, "one/r", &rest); /* a name that scopes could make */
    node(&graph, "Add", "more", "one/r", "sum", "y", NULL);
    initializer(&graph, "w", ones);
    value_info(&graph, GRAPH_IN, "x", "N");
    value_info(&graph, GRAPH_OUT, "y", "N");
    leaky(model);
    twice(model);
    opset(model, "f", 1);
    model_around(model, &graph);
}

static void test_nested_calls(void **state)
{
    bytes model = {.n = 0};
    ph_graph *g;
    ph_error err = {0};
    size_t n;
    (void)state;
    nested_model(&model);
    if (read_model(&model, &g, &err)) fail_msg("%s", err.message);
    assert_int_equal(ph_graph_n_nodes(g), 6);
    if (ph_graph_check(g, &err)) fail_msg("%s", err.message);
    assert_true(ph_graph_find(g, "one/sum") != PH_NONE);
    assert_true(ph_graph_find(g, "one/in/sum") != PH_NONE);
    assert_true(ph_graph_find(g, "one/out/sum") != PH_NONE);
    bool found = false;
    for (size_t i = 0; i < ph_graph_n_nodes(g); i++)
        found |= strcmp(ph_node_name(g, i), "one/out/body") == 0;
    assert_true(found);
    /* sum = x + {1,2,3}; 0.25 where the first is negative, then 0.5; y = that + sum */
    const float x[3] = {-9, 2, -4};
    float y[3];
    run_model(g, x, y);
    assert_true(y[0] == -8 * 0.125f - 8 && y[1] == 8 && y[2] == -1 * 0.125f - 1);
    unsigned char *p = write_twice(g, &n);
    assert_false(holds(p, n, "twice")); /* nobody calls it any more */
    free(p);
    ph_graph_free(g);
}

/* An operator's name is free for functions, and hides the operator. */
static void test_functions_hide_operators(void **state)
{
    bytes graph = {.n = 0}, f = {.n = 0}, model = {.n = 0};
    ph_graph *g;
    ph_error err = {0};
    (void)state;
    small_graph(&graph); /* y = Relu(x + w) */
    str(&f, FUNC_NAME, "Relu");
    str(&f, FUNC_DOMAIN, "ai.onnx");
    str(&f, FUNC_IN, "a");
    str(&f, FUNC_OUT, "b");
    node_at(&f, FUNC_NODE, "Neg", NULL, "a", NULL, "b", NULL);
    msg(&model, MODEL_FUNC, &f);
    model_around(&model, &graph);
    if (read_model(&model, &g, &err)) fail_msg("%s", err.message);
    assert_string_equal(ph_node_op(g, 1), "Neg");
    assert_string_equal(ph_node_name(g, 1), "relu/Neg");
    ph_graph_free(g);
}

/* Inputs that are outputs, outputs left out, inputs not given. */
static void test_ports(void **state)
{
    bytes graph = {.n = 0}, f, model = {.n = 0}, rest = call();
    ph_graph *g;
    ph_error err = {0};
    (void)state;
    head(&f, "pass", "a", "b", "a");
    str(&f, FUNC_OUT, "c");
    node_at(&f, FUNC_NODE, "Relu", "r", "a", NULL, "c", NULL);
    node_at(&f, FUNC_NODE, "Clip", "k", "c", "b", "d",
            NULL); /* b is not given: Clip has no bound */
    msg(&model, MODEL_FUNC, &f);
    str(&graph, GRAPH_NAME, "ports");
    node(&graph, "pass", NULL, "x", NULL, "y", &rest);
    value_info(&graph, GRAPH_IN, "x", "N");
    value_info(&graph, GRAPH_OUT, "y", "N");
    opset(&model, "f", 1);
    model_around(&model, &graph);
    if (read_model(&model, &g, &err)) fail_msg("%s", err.message);
    if (ph_graph_check(g, &err)) fail_msg("%s", err.message);
    const float x[3] = {-9, 2, -4};
    float y[3];
    run_model(g, x, y);
    assert_memory_equal(x, y, sizeof x);
    ph_graph_free(g);
    /* more than the function has */
    graph.n = 0;
    str(&graph, GRAPH_NAME, "ports");
    str(&rest, NODE_IN, "x");
    node(&graph, "pass", "greedy", "x", "x", "y", &rest);
    value_info(&graph, GRAPH_IN, "x", "N");
    value_info(&graph, GRAPH_OUT, "y", "N");
    model.n = 0;
    msg(&model, MODEL_FUNC, &f);
    opset(&model, "f", 1);
    model_around(&model, &graph);
    assert_int_equal(read_model(&model, &g, &err), PH_ERR_GRAPH);
    assert_non_null(strstr(err.message, "pass 'greedy': 3 inputs"));
}

/* y = name(x) with the functions in `model` */
static enum ph_status read_call(bytes *model, const char *name, ph_graph **g, ph_error *err)
{
    bytes graph = {.n = 0}, rest = call();
    str(&graph, GRAPH_NAME, "main");
    node(&graph, name, "go", "x", NULL, "y", &rest);
    value_info(&graph, GRAPH_IN, "x", "N");
    value_info(&graph, GRAPH_OUT, "y", "N");
    opset(model, "f", 1);
    model_around(model, &graph);
    return read_model(model, g, err);
}

static void test_recursion(void **state)
{
    bytes f, model = {.n = 0}, rest = call();
    ph_graph *g;
    ph_error err = {0};
    (void)state;
    head(&f, "ping", "a", NULL, "b");
    node_at(&f, FUNC_NODE, "pong", NULL, "a", NULL, "b", &rest);
    msg(&model, MODEL_FUNC, &f);
    head(&f, "pong", "a", NULL, "b");
    node_at(&f, FUNC_NODE, "ping", NULL, "a", NULL, "b", &rest);
    msg(&model, MODEL_FUNC, &f);
    assert_int_equal(read_call(&model, "ping", &g, &err), PH_ERR_GRAPH);
    assert_non_null(strstr(err.message, "function 'ping' calls itself"));
}

/* Each function calls the one before `times` times: times^n nodes from n functions. */
static void chain(bytes *model, int n, int times)
{
    bytes f, rest = call();
    char name[2][16], value[2][16];
    head(&f, "f0", "v0", NULL, "v1");
    node_at(&f, FUNC_NODE, "Relu", NULL, "v0", NULL, "v1", NULL);
    msg(model, MODEL_FUNC, &f);
    for (int i = 1; i < n; i++) {
        snprintf(name[0], sizeof name[0], "f%d", i - 1);
        snprintf(name[1], sizeof name[1], "f%d", i);
        snprintf(value[0], sizeof value[0], "v%d", times);
        head(&f, name[1], "v0", NULL, value[0]);
        for (int k = 0; k < times; k++) {
            snprintf(value[0], sizeof value[0], "v%d", k);
            snprintf(value[1], sizeof value[1], "v%d", k + 1);
            node_at(&f, FUNC_NODE, name[0], NULL, value[0], NULL, value[1], &rest);
        }
        msg(model, MODEL_FUNC, &f);
    }
}

static void test_limits(void **state)
{
    bytes model = {.n = 0};
    ph_graph *g;
    ph_error err = {0};
    (void)state;
    chain(&model, 30, 2);
    assert_int_equal(read_call(&model, "f29", &g, &err), PH_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "makes more than"));
    model.n = 0;
    chain(&model, 66, 1);
    assert_int_equal(read_call(&model, "f65", &g, &err), PH_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "64 calls deep"));
    model.n = 0;
    chain(&model, 9, 2);
    if (read_call(&model, "f8", &g, &err)) fail_msg("%s", err.message);
    assert_int_equal(ph_graph_n_nodes(g), 256);
    ph_graph_free(g);
}

/* A body that cannot be inlined stays where it is, and so do its calls. */
static void assert_left_alone(bytes *model, const char *kept)
{
    ph_graph *g;
    ph_error err = {0};
    size_t n;
    if (read_call(model, "odd", &g, &err)) fail_msg("%s", err.message);
    assert_int_equal(ph_graph_n_nodes(g), 1);
    assert_false(ph_node_supported(g, 0));
    assert_int_equal(ph_graph_check(g, &err), PH_ERR_UNSUPPORTED);
    unsigned char *p = write_twice(g, &n);
    assert_true(holds(p, n, kept));
    free(p);
    ph_graph_free(g);
}

static void test_left_alone(void **state)
{
    bytes f, model = {.n = 0}, a = {.n = 0}, inner = {.n = 0}, rest = {.n = 0};
    (void)state;
    str(&inner, GRAPH_NAME, "inner graph");
    str(&a, ATTR_NAME, "then_branch");
    msg(&a, ATTR_G, &inner);
    num(&a, ATTR_TYPE, 5);
    msg(&rest, NODE_ATTR, &a);
    head(&f, "odd", "a", NULL, "b");
    node_at(&f, FUNC_NODE, "If", "if", "a", NULL, "b", &rest);
    msg(&model, MODEL_FUNC, &f);
    assert_left_alone(&model, "inner graph");
    model.n = 0; /* another version of the operators than the model's */
    head(&f, "odd", "a", NULL, "b");
    node_at(&f, FUNC_NODE, "Relu", "old body", "a", NULL, "b", NULL);
    bytes o = {.n = 0};
    num(&o, 2, 11);
    msg(&f, FUNC_OPSET, &o);
    msg(&model, MODEL_FUNC, &f);
    assert_left_alone(&model, "old body");
}

/* --- Memory ---------------------------------------------------------------------------------- */

static enum ph_status read_with(const ph_allocator *mem, void *arg)
{
    const bytes *model = arg;
    ph_graph *g = NULL;
    enum ph_status st = ph_onnx_read_memory(mem, model->at, model->n, &g, NULL);
    if (!st) ph_graph_free(g);
    return st;
}

static void test_out_of_memory(void **state)
{
    bytes model = {.n = 0};
    (void)state;
    nested_model(&model);
    assert_true(sweep(read_with, &model, 2000) > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nested_calls),  cmocka_unit_test(test_functions_hide_operators),
        cmocka_unit_test(test_ports),         cmocka_unit_test(test_recursion),
        cmocka_unit_test(test_limits),        cmocka_unit_test(test_left_alone),
        cmocka_unit_test(test_out_of_memory),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(FILE_NAME);
    return failed;
}
