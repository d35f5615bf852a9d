/* SPDX-License-Identifier: MIT */
/* Small networks, a small data set and the checks that the tests of training share. */
#ifndef TINY_NETS_H
#define TINY_NETS_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pinhole/pinhole.h"
#include "base/rng.h"
#include "train/loss.h"
#include "train/trainer.h"
#include "tiny_data.h"

static inline void ok(enum ph_status st, const ph_error *err)
{
    if (st) fail_msg("%s: %s", ph_status_name(st), err->message);
}

static inline void near(double got, double want, double tolerance, const char *what)
{
    if (!(fabs(got - want) <= tolerance * (1 + fabs(want))))
        fail_msg("%s: %.9g, wanted %.9g", what, got, want);
}

/* --- Data and networks ----------------------------------------------------------------------- */

enum { COUNT = 70, SIDE = 8 };

typedef struct fixture {
    char dir[TINY_PATH], spec[TINY_PATH + 32], path[TINY_PATH + 32];
    ph_dataset *data;
} fixture;

static inline int setup(void **state)
{
    static uint8_t images[16 + COUNT * SIDE * SIDE], labels[8 + COUNT];
    fixture *f = calloc(1, sizeof *f);
    *state = f;
    if (!f || !tiny_folder(f->dir)) return -1;
    tiny_images(COUNT, SIDE, SIDE, images, labels);
    snprintf(f->spec, sizeof f->spec, "fashion-mnist:%s", f->dir);
    snprintf(f->path, sizeof f->path, "%s/checkpoint.onnx", f->dir);
    if (!tiny_write(f->dir, "train-images-idx3-ubyte", images, sizeof images) ||
        !tiny_write(f->dir, "train-labels-idx1-ubyte", labels, sizeof labels))
        return -1;
    return (int)ph_dataset_open(NULL, f->spec, PH_SPLIT_TRAIN, &f->data, NULL);
}

static inline int teardown(void **state)
{
    fixture *f = *state;
    ph_dataset_free(f->data);
    tiny_remove(f->dir);
    free(f);
    return 0;
}

/* Building a graph; errors are sticky so that allocation failures can be swept through. */
typedef struct net {
    ph_graph *g;
    enum ph_status st;
    ph_error err;
} net;

static inline ph_value node(net *n, const char *op, const char *name, size_t n_in,
                            const ph_value *in, size_t n_attrs, const ph_attr *attrs)
{
    ph_value out = 0;
    if (!n->st)
        n->st = ph_graph_add_node(n->g, op, name, n_in, in, n_attrs, attrs, 1, NULL, &out, &n->err);
    return out;
}

static inline ph_value unary(net *n, const char *op, const char *name, ph_value x)
{
    return node(n, op, name, 1, &x, 0, NULL);
}

static inline ph_value conv(net *n, const char *name, ph_value x, int64_t c, int64_t k, int64_t r)
{
    ph_conv_desc desc = {.k = k, .r = r, .s = r, .name = name};
    desc.pad_top = desc.pad_left = desc.pad_bottom = desc.pad_right = r / 2;
    ph_value out = 0;
    if (!n->st) n->st = ph_graph_add_conv(n->g, x, c, &desc, 42, &out, &n->err);
    return out;
}

static inline ph_value constant(net *n, const char *name, size_t rank, const int64_t *dims,
                                float start, float step)
{
    ph_tensor *t = NULL;
    ph_value v = 0;
    if (!n->st) n->st = ph_tensor_new(&n->g->mem, PH_FLOAT32, rank, dims, &t, &n->err);
    for (int64_t i = 0; !n->st && i < ph_tensor_count(t); i++)
        ((float *)ph_tensor_data(t))[i] = start + step * (float)i;
    if (!n->st) n->st = ph_graph_add_constant(n->g, name, t, &v, &n->err);
    ph_tensor_free(t);
    return v;
}

static inline ph_value batch_norm(net *n, const char *name, ph_value x, int64_t c)
{
    static const char *const suffixes[4] = {"scale", "bias", "mean", "var"};
    static const float starts[4] = {0.9f, -0.1f, 0.0f, 1.0f};
    ph_value in[5] = {x};
    for (int i = 0; i < 4; i++) {
        char text[64];
        snprintf(text, sizeof text, "%s.%s", name, suffixes[i]);
        in[1 + i] = constant(n, text, 1, &c, starts[i], i < 2 ? 0.05f : 0);
    }
    return node(n, "BatchNormalization", name, 5, in, 0, NULL);
}

static inline ph_value image_input(net *n)
{
    ph_value x = 0;
    int64_t dims[4] = {-1, 1, SIDE, SIDE};
    if (!n->st) n->st = ph_graph_add_input(n->g, "x", PH_FLOAT32, 4, dims, &x, &n->err);
    return x;
}

/* The mean over height and width, then ten channels: logits [n,10,1,1]. */
static inline ph_value head(net *n, ph_value x, int64_t c)
{
    x = unary(n, "GlobalAveragePool", "gap", x);
    return conv(n, "head", x, c, 10, 1);
}

static inline void output(net *n, ph_value v)
{
    if (!n->st) n->st = ph_graph_add_output(n->g, v, &n->err);
}

static inline net new_net(const ph_allocator *mem)
{
    net n = {0};
    n.st = ph_graph_new(mem, "tiny", &n.g, &n.err);
    return n;
}

static inline void finish(net *n)
{
    if (!n->st) n->st = ph_graph_check(n->g, &n->err);
}

/* Branches: a value read by three nodes, a value twice in one node, weights used twice. */
static inline net branching_net(const ph_allocator *mem)
{
    net n = new_net(mem);
    ph_value a = unary(&n, "Tanh", "a", conv(&n, "conv_a", image_input(&n), 1, 6, 3));
    ph_value b = conv(&n, "conv_b", a, 6, 4, 1), c = conv(&n, "conv_c", a, 6, 4, 3);
    ph_attr axis = {.name = "axis", .kind = PH_ATTR_INT, .i = 1};
    ph_value parts[3] = {b, c, b};
    ph_value cat = node(&n, "Concat", "cat", 3, parts, 1, &axis);
    ph_value d = conv(&n, "conv_d", cat, 12, 6, 1);
    ph_value sum = node(&n, "Add", "residual", 2, (ph_value[]){d, a}, 0, NULL);
    ph_value t = unary(&n, "Sigmoid", "t", sum);
    ph_value square = node(&n, "Mul", "square", 2, (ph_value[]){t, t}, 0, NULL);
    ph_value w = constant(&n, "shared", 4, (int64_t[]){6, 6, 1, 1}, -0.3f, 0.02f);
    ph_value e = node(&n, "Conv", "conv_e", 2, (ph_value[]){square, w}, 0, NULL);
    ph_value f = node(&n, "Conv", "conv_f", 2, (ph_value[]){e, w}, 0, NULL);
    ph_value shift = constant(&n, "shift", 3, (int64_t[]){6, 1, 1}, 0.1f, 0.1f);
    ph_value g = node(&n, "Add", "shifted", 2, (ph_value[]){f, shift}, 0, NULL);
    output(&n, head(&n, g, 6));
    finish(&n);
    return n;
}

/*
 * What a trainer has to keep track of: batch norm's statistics, dropout, a softmax at the end. Its
 * last convolution spans the whole image, so that classes may differ in where they are bright.
 */
static inline net full_net_of(const ph_allocator *mem, const char *activation)
{
    net n = new_net(mem);
    ph_value x = conv(&n, "conv1", image_input(&n), 1, 8, 3);
    x = unary(&n, activation, "act1", batch_norm(&n, "bn1", x, 8));
    x = conv(&n, "cccp1", x, 8, 8, 1);
    x = unary(&n, activation, "act2", x);
    ph_value ratio = constant(&n, "ratio", 0, NULL, 0.25f, 0);
    x = node(&n, "Dropout", "drop", 2, (ph_value[]){x, ratio}, 0, NULL);
    ph_conv_desc all = {.k = 10, .r = SIDE, .s = SIDE, .name = "head"};
    if (!n.st) n.st = ph_graph_add_conv(n.g, x, 8, &all, 42, &x, &n.err);
    x = unary(&n, "Flatten", "flat", x);
    ph_attr axis = {.name = "axis", .kind = PH_ATTR_INT, .i = 1};
    output(&n, node(&n, "Softmax", "prob", 1, &x, 1, &axis));
    finish(&n);
    return n;
}

static inline net full_net(const ph_allocator *mem)
{
    return full_net_of(mem, "Relu");
}

/* Without kinks, for differences. */
static inline net smooth_net(const ph_allocator *mem)
{
    return full_net_of(mem, "Tanh");
}

static inline ph_graph *build(net (*make)(const ph_allocator *mem))
{
    net n = make(NULL);
    ok(n.st, &n.err);
    return n.g;
}

/* --- Comparing graphs ------------------------------------------------------------------------ */

/* Are all constants the same to the bit? */
static inline bool same_constants(const ph_graph *a, const ph_graph *b)
{
    for (ph_value v = 0; v < (ph_value)ph_graph_n_values(a); v++) {
        const ph_tensor *x = ph_value_constant(a, v);
        if (!x) continue;
        const ph_tensor *y = ph_value_constant(b, ph_graph_find(b, ph_value_name(a, v)));
        if (memcmp(ph_tensor_const_data(x), ph_tensor_const_data(y), ph_tensor_bytes(x)) != 0)
            return false;
    }
    return true;
}

static inline bool all_finite(const ph_graph *g)
{
    for (ph_value v = 0; v < (ph_value)ph_graph_n_values(g); v++) {
        const ph_tensor *t = ph_value_constant(g, v);
        for (int64_t i = 0; t && i < ph_tensor_count(t); i++)
            if (!isfinite(((const float *)ph_tensor_const_data(t))[i])) return false;
    }
    return true;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif /* TINY_NETS_H */
