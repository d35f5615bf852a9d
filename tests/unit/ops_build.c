/* SPDX-License-Identifier: MIT */
#include "ops_build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/half.h"
#include "graph/graph.h"

enum ph_dtype ops_dtype(const or_array *a)
{
    return a->dtype ? (enum ph_dtype)a->dtype : a->integer ? PH_INT64 : PH_FLOAT32;
}

#define OPS_TYPES(X)                                                                               \
    X(PH_FLOAT32, float)                                                                           \
    X(PH_FLOAT64, double)                                                                          \
    X(PH_INT8, int8_t)                                                                             \
    X(PH_INT16, int16_t)                                                                           \
    X(PH_INT32, int32_t)                                                                           \
    X(PH_INT64, int64_t)                                                                           \
    X(PH_UINT8, uint8_t)                                                                           \
    X(PH_UINT16, uint16_t)                                                                         \
    X(PH_UINT32, uint32_t)                                                                         \
    X(PH_UINT64, uint64_t)                                                                         \
    X(PH_BOOL, uint8_t)

double ops_get(enum ph_dtype dtype, const void *data, int64_t i)
{
    if (dtype == PH_FLOAT16) return (double)phi_f16_widen(((const uint16_t *)data)[i]);
#define GET(number, type)                                                                          \
    case number:                                                                                   \
        return (double)((const type *)data)[i];
    switch (dtype) {
        OPS_TYPES(GET)
    default:
        abort(); /* a type that the oracle does not use */
    }
#undef GET
}

static void set(enum ph_dtype dtype, void *data, int64_t i, double v)
{
    if (dtype == PH_FLOAT16) {
        ((uint16_t *)data)[i] = phi_f16_narrow(v);
        return;
    }
#define SET(number, type)                                                                          \
    case number:                                                                                   \
        ((type *)data)[i] = (type)v;                                                               \
        return;
    switch (dtype) {
        OPS_TYPES(SET)
    default:
        abort();
    }
#undef SET
}

static ph_tensor *tensor_of(const or_array *a)
{
    ph_tensor *t = NULL;
    if (ph_tensor_new(NULL, ops_dtype(a), (size_t)a->rank, a->dims, &t, NULL)) return NULL;
    for (int64_t i = 0; i < a->count; i++)
        set(ops_dtype(a), ph_tensor_data(t), i, a->v[i]);
    return t;
}

/* A 1x1 maximum is what it reads, but channels-last. */
static enum ph_status through_image(ops_graph *g, int rank, ph_value *v, ph_error *err)
{
    const ph_attr kernel = {.name = "kernel_shape",
                            .kind = PH_ATTR_INTS,
                            .n = (size_t)rank - 2,
                            .ints = (const int64_t[]){1, 1, 1}};
    return ph_graph_add_node(g->graph, "MaxPool", NULL, 1, v, 1, &kernel, 1, NULL, v, err);
}

static enum ph_status add_input(const draw_case *c, ops_graph *g, int i, ph_value *v, ph_error *err)
{
    const or_array *a = c->node.in[i];
    char name[16];
    snprintf(name, sizeof name, "in%d", i);
    ph_tensor *t = tensor_of(a);
    if (!t) return PH_ERR_NOMEM;
    if (c->constant >> i & 1) {
        enum ph_status st = ph_graph_add_constant(g->graph, name, t, v, err);
        ph_tensor_free(t);
        return st;
    }
    g->which[g->n_inputs] = i;
    g->input[g->n_inputs++] = t;
    enum ph_status st =
        ph_graph_add_input(g->graph, name, ph_tensor_dtype(t), (size_t)a->rank, a->dims, v, err);
    if (!st && c->image >> i & 1) st = through_image(g, a->rank, v, err);
    return st;
}

/* The attribute as the library takes it; `value` of ConstantOfShape is a tensor there. */
static ph_attr attribute(const char *op, const or_attr *a, ph_tensor **value)
{
    ph_attr p = {.name = a->name};
    switch (a->kind) {
    case OR_INT:
        p.kind = PH_ATTR_INT;
        p.i = a->i;
        break;
    case OR_FLOAT:
        p.kind = PH_ATTR_FLOAT;
        p.f = (float)a->f;
        break;
    case OR_STRING:
        p.kind = PH_ATTR_STRING;
        p.s = a->s;
        break;
    case OR_INTS:
        p.kind = PH_ATTR_INTS;
        p.n = (size_t)a->n;
        p.ints = a->list;
        break;
    }
    if (!strcmp(op, "ConstantOfShape")) {
        or_array *one = or_new(1, (int64_t[]){1});
        one->v[0] = a->f;
        p.kind = PH_ATTR_TENSOR;
        p.tensor = *value = tensor_of(one);
        or_free(one);
    }
    return p;
}

static enum ph_status add_node(const draw_case *c, ops_graph *g, const ph_value *in, ph_error *err)
{
    const or_node *n = &c->node;
    ph_value out[OR_MAX_OUT];
    ph_attr attrs[OR_MAX_ATTRS];
    ph_tensor *value = NULL;
    for (int i = 0; i < n->n_attrs; i++)
        attrs[i] = attribute(n->op, &n->attrs[i], &value);
    enum ph_status st =
        ph_graph_add_node(g->graph, n->op, "node", (size_t)n->n_in, in, (size_t)n->n_attrs, attrs,
                          (size_t)n->n_out, NULL, out, err);
    for (int i = 0; i < n->n_out && !st; i++)
        st = ph_graph_add_output(g->graph, out[i], err);
    ph_tensor_free(value);
    return st;
}

enum ph_status ops_build(const draw_case *c, ops_graph *g, ph_error *err)
{
    const or_node *n = &c->node;
    ph_value in[OR_MAX_IN];
    *g = (ops_graph){0};
    enum ph_status st = ph_graph_new(NULL, "one", &g->graph, err);
    if (!st && n->opset != PH_OPSET) st = phi_graph_set_opset(g->graph, "", n->opset, err);
    for (int i = 0; i < n->n_in && !st; i++) {
        in[i] = PH_NONE;
        if (n->in[i]) st = add_input(c, g, i, &in[i], err);
    }
    if (!st) st = add_node(c, g, in, err);
    return st ? st : ph_graph_check(g->graph, err);
}

void ops_graph_free(ops_graph *g)
{
    for (size_t i = 0; i < g->n_inputs; i++)
        ph_tensor_free(g->input[i]);
    ph_graph_free(g->graph);
    *g = (ops_graph){0};
}
