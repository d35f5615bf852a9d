/* SPDX-License-Identifier: MIT */
#include "small_net.h"

#include <stdio.h>

#include "base/rng.h"

/* A network in the making. Calls do nothing once one has failed. */
typedef struct maker {
    ph_graph *g;
    const ph_allocator *mem;
    enum ph_status st;
    ph_error *err;
    uint64_t seed;
    int n_constants;
} maker;

/* A constant of random numbers around `centre`. */
static ph_value constant(maker *m, size_t rank, const int64_t *dims, float centre, float sigma)
{
    ph_tensor *t = NULL;
    ph_value v = PH_NONE;
    char name[32];
    if (m->st) return v;
    snprintf(name, sizeof name, "w%d", m->n_constants++);
    m->st = ph_tensor_new(m->mem, PH_FLOAT32, rank, dims, &t, m->err);
    if (m->st) return v;
    float *x = ph_tensor_data(t);
    phi_rng_fill_normal(m->seed, phi_stream(name), sigma, x, (size_t)ph_tensor_count(t));
    for (int64_t i = 0; i < ph_tensor_count(t); i++)
        x[i] += centre;
    if (rank == 1 && sigma > 0 && centre > 0) /* variances are positive */
        for (int64_t i = 0; i < ph_tensor_count(t); i++)
            x[i] = x[i] < 0.1f ? 0.1f : x[i];
    m->st = ph_graph_add_constant(m->g, name, t, &v, m->err);
    ph_tensor_free(t);
    return v;
}

static ph_value node(maker *m, const char *op, size_t n_in, const ph_value *in, size_t n_attrs,
                     const ph_attr *attrs)
{
    ph_value out = PH_NONE;
    if (!m->st)
        m->st = ph_graph_add_node(m->g, op, NULL, n_in, in, n_attrs, attrs, 1, NULL, &out, m->err);
    return out;
}

static ph_value conv(maker *m, ph_value x, int64_t c, int64_t k, int64_t r, bool bias)
{
    ph_value out = PH_NONE;
    const ph_conv_desc d = {.k = k,
                            .r = r,
                            .pad_top = r / 2,
                            .pad_left = r / 2,
                            .pad_bottom = r / 2,
                            .pad_right = r / 2,
                            .no_bias = !bias};
    if (!m->st) m->st = ph_graph_add_conv(m->g, x, c, &d, m->seed, &out, m->err);
    return out;
}

static ph_value batch_norm(maker *m, ph_value x, int64_t c)
{
    const ph_value in[5] = {x, constant(m, 1, &c, 1, 0.3f), constant(m, 1, &c, 0, 0.3f),
                            constant(m, 1, &c, 0, 0.3f), constant(m, 1, &c, 1, 0.3f)};
    return node(m, "BatchNormalization", 5, in, 0, NULL);
}

static ph_value clamp(maker *m, ph_value x)
{
    const ph_value in[3] = {x, constant(m, 0, NULL, 0, 0), constant(m, 0, NULL, 1.5f, 0)};
    return node(m, "Clip", 3, in, 0, NULL);
}

static ph_value pool(maker *m, ph_value x)
{
    const int64_t two[2] = {2, 2};
    const ph_attr attrs[2] = {
        {.name = "kernel_shape", .kind = PH_ATTR_INTS, .n = 2, .ints = two},
        {.name = "strides", .kind = PH_ATTR_INTS, .n = 2, .ints = two},
    };
    return node(m, "MaxPool", 1, &x, 2, attrs);
}

static ph_value concat(maker *m, ph_value a, ph_value b)
{
    const ph_attr axis = {.name = "axis", .kind = PH_ATTR_INT, .i = 1};
    return node(m, "Concat", 2, (ph_value[]){a, b}, 1, &axis);
}

static ph_value gemm(maker *m, ph_value x, int64_t c, int64_t k)
{
    const ph_attr trans = {.name = "transB", .kind = PH_ATTR_INT, .i = 1};
    const ph_value in[3] = {x, constant(m, 2, (int64_t[]){k, c}, 0, 0.2f),
                            constant(m, 1, &k, 0, 0.1f)};
    return node(m, "Gemm", 3, in, 1, &trans);
}

enum ph_status small_net(const ph_allocator *mem, uint64_t seed, ph_graph **g, ph_error *err)
{
    maker m = {.mem = mem, .err = err, .seed = seed};
    *g = NULL;
    m.st = ph_graph_new(mem, "small", g, err);
    m.g = *g;
    ph_value x = PH_NONE;
    if (!m.st)
        m.st = ph_graph_add_input(m.g, "x", PH_FLOAT32, 4, (int64_t[]){-1, 3, 8, 8}, &x, err);
    ph_value a = clamp(&m, batch_norm(&m, conv(&m, x, 3, 6, 3, false), 6));
    ph_value b = batch_norm(&m, conv(&m, x, 3, 5, 1, true), 5);
    b = node(&m, "Relu", 1, &b, 0, NULL);
    ph_value both = pool(&m, concat(&m, a, b));
    ph_value c = conv(&m, both, 11, 11, 3, true); /* a residual block */
    c = batch_norm(&m, c, 11);
    c = node(&m, "Add", 2, (ph_value[]){c, both}, 0, NULL);
    c = node(&m, "Relu", 1, &c, 0, NULL);
    c = node(&m, "Flatten", 1, &c, 0, NULL);
    c = gemm(&m, c, 11 * 16, 7);
    c = node(&m, "Tanh", 1, &c, 0, NULL);
    c = gemm(&m, c, 7, SMALL_NET_OUT);
    c = node(&m, "Softmax", 1, &c, 0, NULL);
    return m.st ? m.st : ph_graph_add_output(m.g, c, err);
}
