/* SPDX-License-Identifier: MIT */
#include "account_make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* --- Graphs ------------------------------------------------------------------------------- */

ph_graph *parse(const char *text)
{
    ph_graph *g = NULL;
    ph_error err = {0};
    if (ph_net_parse(NULL, text, strlen(text), "t.net", 1, &g, &err)) fail_msg("%s", err.message);
    return g;
}

/* A graph with one input, by hand. */
ph_graph *graph_with(size_t rank, const int64_t *dims, ph_value *x)
{
    ph_graph *g = NULL;
    assert_int_equal(ph_graph_new(NULL, "g", &g, NULL), PH_OK);
    assert_int_equal(ph_graph_add_input(g, "x", PH_FLOAT32, rank, dims, x, NULL), PH_OK);
    return g;
}

ph_value constant(ph_graph *g, const char *name, enum ph_dtype type, size_t rank,
                  const int64_t *dims)
{
    ph_tensor *t = NULL;
    ph_value v = PH_NONE;
    assert_int_equal(ph_tensor_new(NULL, type, rank, dims, &t, NULL), PH_OK);
    assert_int_equal(ph_graph_add_constant(g, name, t, &v, NULL), PH_OK);
    ph_tensor_free(t);
    return v;
}

ph_value weights(ph_graph *g, const char *name, int64_t k, int64_t c, int64_t r)
{
    return constant(g, name, PH_FLOAT32, 4, (const int64_t[]){k, c, r, r});
}

ph_value node(ph_graph *g, const char *op, const char *name, size_t n_in, const ph_value *in)
{
    ph_value out = PH_NONE;
    ph_error err = {0};
    if (ph_graph_add_node(g, op, name, n_in, in, 0, NULL, 1, NULL, &out, &err))
        fail_msg("%s", err.message);
    return out;
}

ph_value unary(ph_graph *g, const char *op, const char *name, ph_value x)
{
    return node(g, op, name, 1, &x);
}

ph_value binary(ph_graph *g, const char *op, const char *name, ph_value x, ph_value y)
{
    return node(g, op, name, 2, (const ph_value[]){x, y});
}

/* --- Accounts ----------------------------------------------------------------------------- */

ph_account *account_of(const ph_graph *g, size_t n_hints, const ph_shape_hint *hints)
{
    ph_account *a = NULL;
    ph_error err = {0};
    if (ph_account_new(g, n_hints, hints, &a, &err)) fail_msg("%s", err.message);
    return a;
}

/* The account outlives the graph. */
ph_account *account_and_free(ph_graph *g)
{
    ph_account *a = account_of(g, 0, NULL);
    ph_graph_free(g);
    return a;
}

/* The account of the graph whose output is `y`. */
ph_account *account_of_output(ph_graph *g, ph_value y)
{
    assert_int_equal(ph_graph_add_output(g, y, NULL), PH_OK);
    return account_and_free(g);
}

ph_account *account_of_text(const char *text)
{
    return account_and_free(parse(text));
}

ph_account *account_of_zoo(const char *name)
{
    ph_graph *g = NULL;
    ph_error err = {0};
    if (ph_model_load(NULL, name, 1, &g, &err)) fail_msg("%s", err.message);
    return account_and_free(g);
}

const ph_layer_cost *layer(const ph_account *a, const char *name)
{
    for (size_t i = 0; i < ph_account_n_layers(a); i++)
        if (strcmp(ph_account_layer(a, i)->name, name) == 0) return ph_account_layer(a, i);
    fail_msg("there is no layer '%s'", name);
    return NULL;
}

const ph_saving *saving(const ph_account *a, const char *reduction)
{
    for (size_t i = 0; i < ph_account_n_savings(a); i++)
        if (strcmp(ph_account_saving(a, i)->reduction, reduction) == 0)
            return ph_account_saving(a, i);
    fail_msg("there is no saving by '%s'", reduction);
    return NULL;
}
