/* SPDX-License-Identifier: MIT */
/* Building and checking graphs, and all that must be refused, with the node's name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "graph/graph.h"
#include "small_net.h"
#include "sweep.h"

/* --- Helpers ------------------------------------------------------------------------------- */

static ph_graph *new_graph(void)
{
    ph_graph *g = NULL;
    assert_int_equal(ph_graph_new(NULL, "test", &g, NULL), PH_OK);
    return g;
}

static ph_value input(ph_graph *g, const char *name, size_t rank, const int64_t *dims)
{
    ph_value v = PH_NONE;
    ph_error err = {0};
    if (ph_graph_add_input(g, name, PH_FLOAT32, rank, dims, &v, &err)) fail_msg("%s", err.message);
    return v;
}

static ph_value image(ph_graph *g)
{
    return input(g, "x", 4, (int64_t[]){1, 3, 8, 8});
}

static ph_value weights(ph_graph *g, const char *name, size_t rank, const int64_t *dims)
{
    ph_tensor *t = NULL;
    ph_value v = PH_NONE;
    assert_int_equal(ph_tensor_new(NULL, PH_FLOAT32, rank, dims, &t, NULL), PH_OK);
    assert_int_equal(ph_graph_add_constant(g, name, t, &v, NULL), PH_OK);
    ph_tensor_free(t);
    return v;
}

static ph_value node(ph_graph *g, const char *op, const char *name, size_t n_in, const ph_value *in,
                     size_t n_attrs, const ph_attr *attrs)
{
    ph_value v = PH_NONE;
    ph_error err = {0};
    if (ph_graph_add_node(g, op, name, n_in, in, n_attrs, attrs, 1, NULL, &v, &err))
        fail_msg("%s", err.message);
    return v;
}

static void output(ph_graph *g, ph_value v)
{
    assert_int_equal(ph_graph_add_output(g, v, NULL), PH_OK);
}

/* The graph must be refused with `status` and a one-line message that contains `words`; freed. */
static void refused(ph_graph *g, enum ph_status status, const char *words)
{
    ph_error err = {0};
    enum ph_status st = ph_graph_check(g, &err);
    if (st != status)
        fail_msg("%s (%s) instead of %s", ph_status_name(st), err.message, ph_status_name(status));
    assert_int_equal(err.status, status);
    if (!strstr(err.message, words)) fail_msg("no \"%s\" in: %s", words, err.message);
    assert_null(strchr(err.message, '\n'));
    assert_int_equal(ph_graph_check(g, NULL), status); /* and without an error to fill */
    ph_plan *p = NULL;
    assert_int_equal(ph_plan_new(g, NULL, &p, &err), status);
    assert_null(p);
    ph_graph_free(g);
}

/* --- The builder --------------------------------------------------------------------------- */

static void test_build(void **state)
{
    ph_error err = {0};
    ph_graph *g = NULL;
    enum ph_dtype dtype;
    int64_t dims[PH_MAX_RANK];
    (void)state;
    assert_int_equal(small_net(NULL, 1, &g, &err), PH_OK);
    assert_int_equal(ph_graph_check(g, &err), PH_OK);
    assert_string_equal(ph_graph_name(g), "small");
    assert_int_equal(ph_graph_opset(g), PH_OPSET);
    assert_int_equal(ph_graph_n_inputs(g), 1);
    assert_int_equal(ph_graph_n_outputs(g), 1);
    ph_value x = ph_graph_input(g, 0);
    assert_string_equal(ph_value_name(g, x), "x");
    assert_int_equal(ph_graph_find(g, "x"), x);
    assert_int_equal(ph_graph_find(g, "no such value"), PH_NONE);
    assert_int_equal(ph_value_type(g, x, &dtype, dims), 4);
    assert_int_equal(dtype, PH_FLOAT32);
    assert_true(dims[0] == -1 && dims[1] == 3 && dims[2] == 8);
    for (size_t i = 0; i < ph_graph_n_nodes(g); i++) {
        assert_true(ph_node_supported(g, i));
        assert_true(strlen(ph_node_name(g, i)) > 0);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(ph_node_name(g, i), ph_node_name(g, j));
    }
    assert_null(ph_graph_metadata(g, "author"));
    assert_int_equal(ph_graph_set_metadata(g, "author", "Lin", &err), PH_OK);
    assert_int_equal(ph_graph_set_metadata(g, "author", "Chen", &err), PH_OK);
    assert_string_equal(ph_graph_metadata(g, "author"), "Chen");
    ph_graph_free(g);
    ph_graph_free(NULL);
}

static void test_builder_refuses(void **state)
{
    ph_error err = {0};
    ph_graph *g = new_graph();
    ph_value v = 123, x = image(g);
    ph_tensor *t = NULL;
    (void)state;
    assert_int_equal(ph_tensor_new(NULL, PH_FLOAT32, 1, (int64_t[]){1}, &t, NULL), PH_OK);
    assert_int_equal(ph_graph_add_input(g, "x", PH_FLOAT32, 0, NULL, &v, &err), PH_ERR_GRAPH);
    assert_non_null(strstr(err.message, "'x'"));
    assert_int_equal(ph_graph_add_constant(g, "x", t, &v, &err), PH_ERR_GRAPH);
    assert_int_equal(ph_graph_add_input(g, "", PH_FLOAT32, 0, NULL, &v, &err), PH_ERR_ARG);
    assert_int_equal(ph_graph_add_input(g, "s", PH_STRING, 0, NULL, &v, &err), PH_ERR_TYPE);
    assert_int_equal(ph_graph_add_input(g, "r", PH_FLOAT32, 9, (int64_t[9]){0}, &v, &err),
                     PH_ERR_ARG);
    assert_int_not_equal(ph_graph_add_input(g, "d", PH_FLOAT32, 1, (int64_t[]){-2}, &v, &err),
                         PH_OK);
    assert_int_not_equal(ph_graph_add_output(g, 99, &err), PH_OK);
    assert_int_not_equal(ph_graph_add_output(g, -5, &err), PH_OK);
    assert_int_equal(v, 123); /* outputs are written on success only */

    node(g, "Relu", "a", 1, &x, 0, NULL);
    assert_int_equal(ph_graph_add_node(g, "Relu", "a", 1, &x, 0, NULL, 1, NULL, &v, &err),
                     PH_ERR_GRAPH);
    assert_non_null(strstr(err.message, "'a'"));
    assert_int_not_equal(
        ph_graph_add_node(g, "Relu", "b", 1, (ph_value[]){77}, 0, NULL, 1, NULL, &v, &err), PH_OK);
    const char *taken[1] = {"x"};
    assert_int_equal(ph_graph_add_node(g, "Relu", "c", 1, &x, 0, NULL, 1, taken, &v, &err),
                     PH_ERR_GRAPH);
    assert_int_equal(v, 123);
    const ph_attr twice[2] = {{.name = "alpha", .kind = PH_ATTR_FLOAT},
                              {.name = "alpha", .kind = PH_ATTR_FLOAT}};
    assert_int_not_equal(ph_graph_add_node(g, "LeakyRelu", "d", 1, &x, 2, twice, 1, NULL, &v, &err),
                         PH_OK);
    /* what was refused leaves no trace: the graph goes on working */
    ph_value y = node(g, "Relu", "b", 1, &x, 0, NULL);
    output(g, y);
    assert_int_not_equal(ph_graph_add_output(g, y, &err), PH_OK); /* listed twice */
    if (ph_graph_check(g, &err)) fail_msg("%s", err.message);
    ph_tensor_free(t);
    ph_graph_free(g);
}

static void test_many_names(void **state)
{
    enum { N = 3000 };
    ph_graph *g = new_graph();
    ph_value x = image(g);
    char name[32];
    (void)state;
    for (int i = 0; i < N; i++) {
        snprintf(name, sizeof name, "node %d", i);
        x = node(g, "Relu", name, 1, &x, 0, NULL);
    }
    output(g, x);
    assert_int_equal(ph_graph_n_nodes(g), N);
    assert_int_equal(ph_graph_check(g, NULL), PH_OK);
    for (size_t i = 0; i < N; i += 97)
        assert_int_not_equal(
            ph_graph_add_node(g, "Relu", ph_node_name(g, i), 1, &x, 0, NULL, 1, NULL, &x, NULL),
            PH_OK);
    ph_graph_free(g);
}

/* --- Structure ----------------------------------------------------------------------------- */

static void test_no_outputs(void **state)
{
    ph_graph *g = new_graph();
    ph_value x = image(g);
    (void)state;
    node(g, "Relu", "a", 1, &x, 0, NULL);
    refused(g, PH_ERR_GRAPH, "output");
}

/* Nodes in any order, as files have them. */
static void append(ph_graph *g, const char *name, const char *in, const char *out)
{
    ph_value i, o;
    size_t at;
    assert_int_equal(phi_graph_value(g, in, &i, NULL), PH_OK);
    assert_int_equal(phi_graph_value(g, out, &o, NULL), PH_OK);
    assert_int_equal(phi_graph_append(g, "", "Relu", name, 1, &i, 1, &o, &at, NULL), PH_OK);
}

static void test_sort(void **state)
{
    ph_graph *g = new_graph();
    (void)state;
    image(g);
    append(g, "third", "v2", "v3");
    append(g, "second", "v1", "v2");
    append(g, "first", "x", "v1");
    append(g, "aside", "x", "w");
    output(g, ph_graph_find(g, "v3"));
    assert_int_equal(phi_graph_sort(g, NULL), PH_OK);
    assert_int_equal(ph_graph_check(g, NULL), PH_OK);
    assert_string_equal(ph_node_name(g, 0), "first");
    assert_string_equal(ph_node_name(g, 1), "second");
    assert_string_equal(ph_node_name(g, 2), "third");
    assert_string_equal(ph_node_name(g, 3), "aside");
    /* names still lead to their nodes */
    ph_value v;
    ph_value x = ph_graph_find(g, "x");
    assert_int_not_equal(ph_graph_add_node(g, "Relu", "second", 1, &x, 0, NULL, 1, NULL, &v, NULL),
                         PH_OK);
    ph_graph_free(g);
}

static void test_cycle(void **state)
{
    ph_graph *g = new_graph();
    ph_error err = {0};
    (void)state;
    image(g);
    append(g, "start", "x", "a");
    append(g, "b1", "b3", "b1");
    append(g, "b2", "b1", "b2");
    append(g, "b3", "b2", "b3");
    output(g, ph_graph_find(g, "b3"));
    assert_int_equal(phi_graph_sort(g, &err), PH_ERR_GRAPH);
    assert_non_null(strstr(err.message, "cycle"));
    assert_non_null(strstr(err.message, "'b"));
    assert_int_equal(err.where[0], 'b');
    refused(g, PH_ERR_GRAPH, "'b");
}

static void test_own_input(void **state)
{
    ph_graph *g = new_graph();
    (void)state;
    append(g, "self", "a", "a");
    output(g, ph_graph_find(g, "a"));
    refused(g, PH_ERR_GRAPH, "'self'");
}

static void test_missing_value(void **state)
{
    ph_graph *g = new_graph();
    ph_error err = {0};
    (void)state;
    append(g, "lost", "nowhere", "a");
    output(g, ph_graph_find(g, "a"));
    assert_int_equal(phi_graph_sort(g, &err), PH_ERR_GRAPH);
    assert_non_null(strstr(err.message, "'nowhere'"));
    refused(g, PH_ERR_GRAPH, "'lost'");
}

/* A value that two nodes make. */
static void test_two_producers(void **state)
{
    ph_graph *g = new_graph();
    ph_error err = {0};
    size_t at;
    (void)state;
    image(g);
    append(g, "one", "x", "a");
    const ph_value x = ph_graph_find(g, "x"), a = ph_graph_find(g, "a");
    assert_int_equal(phi_graph_append(g, "", "Relu", "two", 1, &x, 1, &a, &at, &err), PH_ERR_GRAPH);
    assert_non_null(strstr(err.message, "'a'"));
    assert_int_equal(phi_graph_append(g, "", "Relu", "three", 1, &a, 1, &x, &at, &err),
                     PH_ERR_GRAPH);
    ph_graph_free(g);
}

/* --- Operators ----------------------------------------------------------------------------- */

static void test_unsupported_listed_at_once(void **state)
{
    ph_graph *g = new_graph();
    ph_value x = image(g);
    ph_error err = {0};
    (void)state;
    x = node(g, "Frobnicate", "f1", 1, &x, 0, NULL);
    x = node(g, "Relu", "r", 1, &x, 0, NULL);
    x = node(g, "Einsum", "e", 1, &x, 0, NULL);
    x = node(g, "Frobnicate", "f2", 1, &x, 0, NULL);
    output(g, x);
    assert_false(ph_node_supported(g, 0));
    assert_true(ph_node_supported(g, 1));
    assert_int_equal(ph_graph_check(g, &err), PH_ERR_UNSUPPORTED);
    static const char *const words[] = {"Frobnicate", "Einsum", "'f1'", "'f2'", "'e'"};
    for (size_t i = 0; i < PHI_COUNT(words); i++)
        if (!strstr(err.message, words[i])) fail_msg("no %s in: %s", words[i], err.message);
    assert_null(strstr(err.message, "'r'"));
    refused(g, PH_ERR_UNSUPPORTED, "Frobnicate");
}

/* More of them than a message holds: cut, and said so. */
static void test_unsupported_beyond_the_message(void **state)
{
    ph_graph *g = new_graph();
    ph_value x = image(g);
    (void)state;
    for (int i = 0; i < 1000; i++) {
        char name[64];
        snprintf(name, sizeof name, "a node with a rather long name, number %d", i);
        x = node(g, i % 2 ? "Frobnicate" : "Einsum", name, 1, &x, 0, NULL);
    }
    output(g, x);
    refused(g, PH_ERR_UNSUPPORTED, "1000 nodes");
}

static const int64_t zeros[4] = {0, 0, 0, 0}, ones[2] = {1, 1};

/* A convolution of x [1,3,8,8] with 5 filters of r x r. */
static ph_graph *conv_graph(int64_t c, int64_t r, size_t n_attrs, const ph_attr *attrs)
{
    ph_graph *g = new_graph();
    ph_value in[2] = {image(g), weights(g, "w", 4, (int64_t[]){5, c, r, r})};
    output(g, node(g, "Conv", "the conv", 2, in, n_attrs, attrs));
    return g;
}

static ph_attr ints(const char *name, size_t n, const int64_t *values)
{
    return (ph_attr){.name = name, .kind = PH_ATTR_INTS, .n = n, .ints = values};
}

static void test_conv_refuses(void **state)
{
    ph_attr a;
    (void)state;
    a = ints("strides", 2, zeros);
    refused(conv_graph(3, 3, 1, &a), PH_ERR_ARG, "'the conv'");
    a = ints("strides", 2, (int64_t[]){1, -1});
    refused(conv_graph(3, 3, 1, &a), PH_ERR_ARG, "'the conv'");
    a = ints("strides", 3, (int64_t[]){1, 1, 1});
    refused(conv_graph(3, 3, 1, &a), PH_ERR_ARG, "'the conv'");
    a = ints("dilations", 2, zeros);
    refused(conv_graph(3, 3, 1, &a), PH_ERR_ARG, "'the conv'");
    a = ints("pads", 4, (int64_t[]){0, 0, 0, -1});
    refused(conv_graph(3, 3, 1, &a), PH_ERR_ARG, "'the conv'");
    a = ints("pads", 2, ones);
    refused(conv_graph(3, 3, 1, &a), PH_ERR_ARG, "'the conv'");
    a = ints("kernel_shape", 2, (int64_t[]){2, 3});
    refused(conv_graph(3, 3, 1, &a), PH_ERR_SHAPE, "'the conv'");
    a = (ph_attr){.name = "group", .kind = PH_ATTR_INT, .i = 0};
    refused(conv_graph(3, 3, 1, &a), PH_ERR_ARG, "'the conv'");
    a.i = 2;
    refused(conv_graph(3, 3, 1, &a), PH_ERR_SHAPE, "'the conv'");
    a.i = INT64_MAX;
    refused(conv_graph(3, 3, 1, &a), PH_ERR_SHAPE, "'the conv'");
    a = (ph_attr){.name = "auto_pad", .kind = PH_ATTR_STRING, .s = "SAME_SIDEWAYS"};
    refused(conv_graph(3, 3, 1, &a), PH_ERR_ARG, "'the conv'");
    refused(conv_graph(4, 3, 0, NULL), PH_ERR_SHAPE, "'the conv'"); /* 4 channels of weights */
}

static void test_kernel_larger_than_the_padded_input(void **state)
{
    const ph_attr pads = ints("pads", 4, (int64_t[]){1, 1, 0, 0});
    (void)state;
    refused(conv_graph(3, 9, 0, NULL), PH_ERR_SHAPE, "'the conv'");
    refused(conv_graph(3, 10, 1, &pads), PH_ERR_SHAPE, "'the conv'");
    ph_graph *g = conv_graph(3, 9, 1, &pads); /* just fits */
    assert_int_equal(ph_graph_check(g, NULL), PH_OK);
    ph_graph_free(g);

    const ph_attr kernel = ints("kernel_shape", 2, (int64_t[]){9, 9});
    g = new_graph();
    ph_value x = image(g);
    output(g, node(g, "MaxPool", "the pool", 1, &x, 1, &kernel));
    refused(g, PH_ERR_SHAPE, "'the pool'");
}

static void test_huge_numbers(void **state)
{
    static const int64_t largest[4] = {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX};
    static const char *const names[] = {"pads", "dilations"};
    (void)state;
    for (size_t i = 0; i < PHI_COUNT(names); i++) {
        const ph_attr a = ints(names[i], i ? 2 : 4, largest);
        ph_graph *conv = conv_graph(3, 3, 1, &a);
        ph_error err = {0};
        assert_int_not_equal(ph_graph_check(conv, &err), PH_OK);
        assert_non_null(strstr(err.message, "'the conv'"));
        ph_graph_free(conv);
    }

    /* 2^63 elements out of two small inputs */
    ph_graph *g = new_graph();
    const int64_t side = INT64_C(1) << 31;
    ph_value v[2] = {input(g, "column", 2, (int64_t[]){side, 1}),
                     input(g, "row", 2, (int64_t[]){1, side * 2 - 1})};
    output(g, node(g, "Add", "the sum", 2, v, 0, NULL));
    refused(g, PH_ERR_OVERFLOW, "the sum");

    g = new_graph();
    input(g, "big", 3, (int64_t[]){INT64_C(1) << 21, INT64_C(1) << 21, INT64_C(1) << 21});
    output(g, ph_graph_find(g, "big"));
    refused(g, PH_ERR_OVERFLOW, "big");
}

/* An attribute of the wrong kind, an unknown one, a missing one. */
static void test_attributes(void **state)
{
    ph_attr a = {.name = "strides", .kind = PH_ATTR_INT, .i = 1};
    (void)state;
    refused(conv_graph(3, 3, 1, &a), PH_ERR_GRAPH, "'strides'");
    a = (ph_attr){.name = "group", .kind = PH_ATTR_FLOAT, .f = 1};
    refused(conv_graph(3, 3, 1, &a), PH_ERR_GRAPH, "'group'");
    a = (ph_attr){.name = "auto_pad", .kind = PH_ATTR_INTS, .n = 2, .ints = ones};
    refused(conv_graph(3, 3, 1, &a), PH_ERR_GRAPH, "'auto_pad'");
    a = (ph_attr){.name = "frobs", .kind = PH_ATTR_INT, .i = 1};
    refused(conv_graph(3, 3, 1, &a), PH_ERR_UNSUPPORTED, "'frobs'");
    ph_graph *g = new_graph();
    ph_value x = image(g);
    output(g, node(g, "MaxPool", "the pool", 1, &x, 0, NULL));
    refused(g, PH_ERR_GRAPH, "'kernel_shape'");
}

static void test_inputs_of_operators(void **state)
{
    ph_graph *g = new_graph();
    ph_value x = image(g);
    (void)state;
    output(g, node(g, "Conv", "the conv", 1, &x, 0, NULL));
    refused(g, PH_ERR_GRAPH, "'the conv'");

    g = new_graph();
    ph_value many[4] = {image(g), weights(g, "w", 4, (int64_t[]){1, 3, 1, 1}), PH_NONE, PH_NONE};
    output(g, node(g, "Conv", "the conv", 4, many, 0, NULL));
    refused(g, PH_ERR_GRAPH, "'the conv'");

    g = new_graph();
    ph_value left_out[2] = {PH_NONE, image(g)};
    output(g, node(g, "Add", "the sum", 2, left_out, 0, NULL));
    refused(g, PH_ERR_GRAPH, "'the sum'");

    g = new_graph();
    ph_value unlike[2] = {input(g, "a", 2, (int64_t[]){2, 3}), input(g, "b", 2, (int64_t[]){2, 4})};
    output(g, node(g, "Add", "the sum", 2, unlike, 0, NULL));
    refused(g, PH_ERR_SHAPE, "'the sum'");
}

/* Shapes that the operators' own numbers make impossible. */
static void test_moves_refuse(void **state)
{
    static const struct {
        const char *op;
        int n;
        int64_t second[5];
    } cases[] = {
        {"Reshape", 2, {7, -1}},           /* 192 elements */
        {"Reshape", 2, {-1, -1}},          /* two open */
        {"Reshape", 2, {-5, 8}},           /* negative */
        {"Reshape", 2, {INT64_MAX, 2}},    /* overflows */
        {"Reshape", 5, {1, 3, 8, 8, 0}},   /* nothing to copy from */
        {"Squeeze", 1, {1}},               /* 3 channels */
        {"Squeeze", 1, {9}},               /* no such axis */
        {"Unsqueeze", 1, {-9}},            /* no such axis */
        {"Unsqueeze", 2, {0, 0}},          /* twice */
        {"Unsqueeze", 5, {0, 1, 2, 3, 4}}, /* more dimensions than there can be */
        {"Pad", 3, {1, 1, 1}},             /* not twice the rank */
    };
    (void)state;
    for (size_t i = 0; i < PHI_COUNT(cases); i++) {
        ph_graph *g = new_graph();
        ph_tensor *t = NULL;
        ph_error err = {0};
        ph_value in[2] = {image(g), PH_NONE};
        assert_int_equal(ph_tensor_new(NULL, PH_INT64, 1, (int64_t[]){cases[i].n}, &t, NULL), 0);
        memcpy(ph_tensor_data(t), cases[i].second, (size_t)cases[i].n * sizeof(int64_t));
        assert_int_equal(ph_graph_add_constant(g, "second", t, &in[1], NULL), PH_OK);
        output(g, node(g, cases[i].op, "the node", 2, in, 0, NULL));
        enum ph_status st = ph_graph_check(g, &err);
        if (st != PH_ERR_SHAPE && st != PH_ERR_ARG && st != PH_ERR_OVERFLOW &&
            st != PH_ERR_UNSUPPORTED)
            fail_msg("case %zu: %s %s", i, ph_status_name(st), err.message);
        if (!strstr(err.message, "the node")) fail_msg("case %zu: %s", i, err.message);
        ph_tensor_free(t);
        ph_graph_free(g);
    }
}

/* --- Shapes from outside --------------------------------------------------------------------- */

static void test_hints(void **state)
{
    ph_graph *g = NULL;
    ph_plan *p = NULL;
    ph_error err = {0};
    ph_shape_hint hint = {.rank = 4, .dims = {7, 3, 8, 8}};
    const ph_plan_desc desc = {.n_hints = 1, .hints = &hint};
    (void)state;
    assert_int_equal(small_net(NULL, 1, &g, &err), PH_OK);
    assert_int_equal(ph_plan_new(g, NULL, &p, &err), PH_OK);
    assert_int_equal(ph_plan_input(p, 0)->dims[0], 1);
    ph_plan_free(p);
    assert_int_equal(ph_plan_new(g, &desc, &p, &err), PH_OK);
    assert_int_equal(ph_plan_input(p, 0)->dims[0], 7);
    assert_int_equal(ph_plan_output(p, 0)->dims[0], 7);
    assert_int_equal(ph_plan_output(p, 0)->count, 7 * SMALL_NET_OUT);
    ph_plan_free(p);
    p = NULL;
    hint.dims[1] = 4;
    assert_int_equal(ph_plan_new(g, &desc, &p, &err), PH_ERR_SHAPE);
    assert_non_null(strstr(err.message, "'x'"));
    hint.dims[1] = 3;
    hint.dims[0] = -3;
    assert_int_not_equal(ph_plan_new(g, &desc, &p, &err), PH_OK);
    hint.dims[0] = INT64_MAX;
    assert_int_equal(ph_plan_new(g, &desc, &p, &err), PH_ERR_OVERFLOW);
    hint.dims[0] = 1;
    hint.name = "nobody";
    assert_int_equal(ph_plan_new(g, &desc, &p, &err), PH_ERR_NOT_FOUND);
    assert_null(p);
    ph_graph_free(g);
}

/* --- Out of memory --------------------------------------------------------------------------- */

/* Build, check, plan, run; free everything. */
static enum ph_status whole_life(const ph_allocator *mem, void *arg)
{
    const bool keep_all = *(bool *)arg;
    ph_graph *g = NULL;
    ph_plan *p = NULL;
    ph_run *r = NULL;
    float x[SMALL_NET_IN], y[SMALL_NET_OUT];
    const void *in[1] = {x};
    void *out[1] = {y};
    for (size_t i = 0; i < SMALL_NET_IN; i++)
        x[i] = (float)(i % 7) - 3;
    enum ph_status st = small_net(mem, 1, &g, NULL);
    if (!st) st = ph_graph_set_metadata(g, "key", "value", NULL);
    if (!st) st = ph_graph_check(g, NULL);
    if (!st) st = ph_plan_new(g, &(ph_plan_desc){.keep_all = keep_all}, &p, NULL);
    if (!st) st = ph_run_new(p, 2, &r, NULL);
    if (!st) st = ph_run_once(r, in, out, NULL);
    ph_run_free(r);
    ph_plan_free(p);
    ph_graph_free(g);
    return st;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    for (int keep_all = 0; keep_all < 2; keep_all++)
        assert_in_range(sweep(whole_life, &(bool){keep_all}, 5000), 50, 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_build),
        cmocka_unit_test(test_builder_refuses),
        cmocka_unit_test(test_many_names),
        cmocka_unit_test(test_no_outputs),
        cmocka_unit_test(test_sort),
        cmocka_unit_test(test_cycle),
        cmocka_unit_test(test_own_input),
        cmocka_unit_test(test_missing_value),
        cmocka_unit_test(test_two_producers),
        cmocka_unit_test(test_unsupported_listed_at_once),
        cmocka_unit_test(test_unsupported_beyond_the_message),
        cmocka_unit_test(test_conv_refuses),
        cmocka_unit_test(test_kernel_larger_than_the_padded_input),
        cmocka_unit_test(test_huge_numbers),
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_inputs_of_operators),
        cmocka_unit_test(test_moves_refuse),
        cmocka_unit_test(test_hints),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
