/* SPDX-License-Identifier: MIT */
/* Plans leave out what need not be done, and say the same as the graph. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/rng.h"
#include "plan/plan.h"
#include "sweep.h"

/* --- Graphs ---------------------------------------------------------------------------------- */

static void ok(enum ph_status st, const ph_error *err)
{
    if (st) fail_msg("%s: %s", ph_status_name(st), err->message);
}

static ph_value constant(ph_graph *g, enum ph_dtype dtype, size_t rank, const int64_t *dims,
                         const void *at)
{
    ph_tensor *t = NULL;
    ph_value v = PH_NONE;
    ph_error err = {0};
    char name[32];
    snprintf(name, sizeof name, "c%zu", ph_graph_n_values(g));
    ok(ph_tensor_new(NULL, dtype, rank, dims, &t, &err), &err);
    if (ph_tensor_bytes(t)) memcpy(ph_tensor_data(t), at, ph_tensor_bytes(t));
    ok(ph_graph_add_constant(g, name, t, &v, &err), &err);
    ph_tensor_free(t);
    return v;
}

static ph_value list(ph_graph *g, int64_t n, const int64_t *at)
{
    return constant(g, PH_INT64, 1, &n, at);
}

static ph_value node(ph_graph *g, const char *op, size_t n_in, const ph_value *in, size_t n_attrs,
                     const ph_attr *attrs)
{
    ph_value v = PH_NONE;
    ph_error err = {0};
    ok(ph_graph_add_node(g, op, NULL, n_in, in, n_attrs, attrs, 1, NULL, &v, &err), &err);
    return v;
}

static ph_value unary(ph_graph *g, const char *op, ph_value x)
{
    return node(g, op, 1, &x, 0, NULL);
}

static ph_value binary(ph_graph *g, const char *op, ph_value a, ph_value b)
{
    return node(g, op, 2, (ph_value[]){a, b}, 0, NULL);
}

static ph_attr int_attr(const char *name, int64_t i)
{
    return (ph_attr){.name = name, .kind = PH_ATTR_INT, .i = i};
}

static ph_attr list_attr(const char *name, size_t n, const int64_t *at)
{
    return (ph_attr){.name = name, .kind = PH_ATTR_INTS, .n = n, .ints = at};
}

static ph_value transpose(ph_graph *g, ph_value x, size_t rank, const int64_t *perm)
{
    const ph_attr attr = list_attr("perm", rank, perm);
    return node(g, "Transpose", 1, &x, 1, &attr);
}

static ph_graph *with_input(size_t rank, const int64_t *dims, ph_value *x)
{
    ph_graph *g = NULL;
    ph_error err = {0};
    ok(ph_graph_new(NULL, "g", &g, &err), &err);
    ok(ph_graph_add_input(g, "x", PH_FLOAT32, rank, dims, x, &err), &err);
    return g;
}

static void output(ph_graph *g, ph_value v)
{
    ph_error err = {0};
    ok(ph_graph_add_output(g, v, &err), &err);
}

static ph_plan *plan(const ph_graph *g, bool keep_all)
{
    ph_plan *p = NULL;
    ph_error err = {0};
    ok(ph_plan_new(g, &(ph_plan_desc){.keep_all = keep_all}, &p, &err), &err);
    return p;
}

static size_t steps_of(const ph_plan *p, const char *op)
{
    size_t n = 0;
    for (size_t i = 0; i < p->n_steps; i++)
        n += p->steps[i].node && (!op || strcmp(p->steps[i].op->name, op) == 0);
    return n;
}

/* Run the graph as it stands and as a plan makes it of random numbers: close, and so many steps
 * (SIZE_MAX: any number) and Transposes at most. */
static void compare(const ph_graph *g, size_t steps, size_t transposes)
{
    enum { OUTS = 4 };
    void *out[2][OUTS] = {{NULL}};
    size_t n[OUTS] = {0};
    ph_error err = {0};
    for (int keep = 0; keep < 2; keep++) {
        ph_plan *p = plan(g, keep);
        ph_run *r = NULL;
        float *x = calloc((size_t)ph_plan_input(p, 0)->count + 1, sizeof *x);
        assert_non_null(x);
        phi_rng_fill_normal(7, 1, 1, x, (size_t)ph_plan_input(p, 0)->count);
        for (size_t i = 0; i < ph_plan_n_outputs(p); i++) {
            n[i] = (size_t)ph_plan_output(p, i)->count;
            out[keep][i] = calloc(n[i] + 1, sizeof(float));
        }
        if (!keep && steps != SIZE_MAX) assert_int_equal(steps_of(p, NULL), steps);
        if (!keep && transposes != SIZE_MAX) assert_int_equal(steps_of(p, "Transpose"), transposes);
        ok(ph_run_new(p, 1, &r, &err), &err);
        ok(ph_run_once(r, (const void *const[]){x}, out[keep], &err), &err);
        ph_run_free(r);
        ph_plan_free(p);
        free(x);
    }
    for (size_t i = 0; i < OUTS; i++) {
        const float *a = out[0][i], *b = out[1][i];
        for (size_t k = 0; k < n[i]; k++)
            if (!(fabsf(a[k] - b[k]) <= 1e-5f * (1 + fabsf(b[k]))))
                fail_msg("output %zu, element %zu: %g, wanted %g", i, k, (double)a[k],
                         (double)b[k]);
        free(out[0][i]);
        free(out[1][i]);
    }
}

/* --- Nothing to do --------------------------------------------------------------------------- */

static void test_useless_nodes_go(void **state)
{
    const int64_t dims[4] = {1, 2, 3, 4}, same[4] = {0, 2, -1, 4}, none[8] = {0};
    const int64_t starts[1] = {0}, ends[1] = {INT64_MAX}, axes[1] = {2}, swap[4] = {0, 1, 2, 3};
    (void)state;
    ph_value x;
    ph_graph *g = with_input(4, dims, &x);
    const ph_attr to = int_attr("to", PH_FLOAT32);
    x = unary(g, "Relu", x);
    x = unary(g, "Identity", x);
    x = unary(g, "Dropout", x);
    x = node(g, "Cast", 1, &x, 1, &to);
    x = binary(g, "Reshape", x, list(g, 4, same));
    x = binary(g, "Pad", x, list(g, 8, none));
    x = binary(g, "Expand", x, list(g, 4, (int64_t[]){1, 1, 3, 4}));
    x = node(g, "Slice", 4, (ph_value[]){x, list(g, 1, starts), list(g, 1, ends), list(g, 1, axes)},
             0, NULL);
    x = transpose(g, x, 4, swap);
    x = unary(g, "Sum", x);
    x = unary(g, "Tanh", x);
    output(g, x);
    compare(g, 2, 0);
    ph_graph_free(g);
}

/* Like those above, but each with something to do. */
static void test_useful_nodes_stay(void **state)
{
    const int64_t dims[4] = {1, 2, 4, 4}, pads[8] = {0, 0, 1, 0, 0, 0, -1, 0}, three[1] = {3};
    const int64_t start[1] = {-1}, end[1] = {-5}, step[1] = {-1}, swap[4] = {0, 1, 3, 2};
    (void)state;
    ph_value x;
    ph_graph *g = with_input(4, dims, &x);
    x = binary(g, "Pad", x, list(g, 8, pads)); /* the same shape, shifted */
    x = node(g, "Slice", 5,
             (ph_value[]){x, list(g, 1, start), list(g, 1, end), list(g, 1, three),
                          list(g, 1, step)}, /* backwards */
             0, NULL);
    x = transpose(g, x, 4, swap); /* the same shape */
    output(g, x);
    compare(g, 3, 1);
    ph_graph_free(g);
}

static void test_outputs_keep_their_names(void **state)
{
    const int64_t dims[3] = {2, 3, 4}, perm[3] = {2, 0, 1}, back[3] = {1, 2, 0};
    (void)state;
    ph_value x;
    ph_graph *g = with_input(3, dims, &x);
    ph_value t = transpose(g, x, 3, perm);
    output(g, unary(g, "Identity", x));  /* an input, handed on */
    output(g, transpose(g, t, 3, back)); /* the same in other words */
    output(g, t);                        /* a promise that must be kept */
    output(g, unary(g, "Identity", t));
    compare(g, 4, SIZE_MAX);
    ph_plan *p = plan(g, false);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(ph_plan_output(p, i)->name, ph_value_name(g, ph_graph_output(g, i)));
    ph_plan_free(p);
    ph_graph_free(g);
}

/* --- Transposes ------------------------------------------------------------------------------ */

static const int64_t to_nhwc[4] = {0, 2, 3, 1}, to_nchw[4] = {0, 3, 1, 2};

/* What tf2onnx makes of a network: NHWC outside, each convolution between Transposes. */
static void test_pairs_round_convolutions(void **state)
{
    const int64_t dims[4] = {1, 6, 5, 3};
    static const float bias[4] = {1, -1, 0.5f, 2};
    const int64_t four[1] = {4}, axes[2] = {1, 2};
    ph_error err = {0};
    (void)state;
    ph_value x, a, b;
    ph_graph *g = with_input(4, dims, &x);
    x = transpose(g, x, 4, to_nchw);
    ok(ph_graph_add_conv(g, x, 3, &(ph_conv_desc){.k = 4, .r = 3}, 1, &x, &err), &err);
    x = transpose(g, x, 4, to_nhwc);
    x = binary(g, "Add", x, constant(g, PH_FLOAT32, 1, four, bias)); /* a bias, at the end */
    x = unary(g, "Relu", x);
    a = transpose(g, x, 4, to_nchw);
    ok(ph_graph_add_conv(g, a, 4, &(ph_conv_desc){.k = 4}, 2, &a, &err), &err);
    a = transpose(g, a, 4, to_nhwc);
    b = transpose(g, x, 4, to_nchw);
    ok(ph_graph_add_conv(g, b, 4, &(ph_conv_desc){.k = 4}, 3, &b, &err), &err);
    b = transpose(g, b, 4, to_nhwc);
    x = binary(g, "Add", a, b);
    const ph_attr last = int_attr("axis", -1);
    x = node(g, "Concat", 2, (ph_value[]){x, a}, 1, &last);
    const ph_attr mean[2] = {list_attr("axes", 2, axes), int_attr("keepdims", 0)};
    output(g, node(g, "ReduceMean", 1, &x, 2, mean));
    /* the input's Transpose alone is left; bias, clamp and sum are part of convolutions, and what is
     * concatenated is written into place */
    compare(g, 1 + 3 + 1, 1);
    ph_graph_free(g);
}

/* One Transpose for several readers must not become one for each. */
static void test_transposes_do_not_multiply(void **state)
{
    const int64_t dims[4] = {1, 2, 3, 4}, flat[2] = {1, -1};
    (void)state;
    ph_value x;
    ph_graph *g = with_input(4, dims, &x);
    x = transpose(g, x, 4, to_nhwc);
    static const char *const ops[4] = {"Relu", "Tanh", "Sigmoid", "Softplus"};
    for (int i = 0; i < 4; i++)
        output(g, binary(g, "Reshape", unary(g, ops[i], x), list(g, 2, flat)));
    compare(g, 9, 1);
    ph_graph_free(g);
}

/* --- Anything --------------------------------------------------------------------------------- */

typedef struct thing {
    ph_value v;
    size_t rank;
    int64_t dims[4];
} thing;

static ph_value random_constant(ph_graph *g, phi_rng *r, const thing *like)
{
    float at[1296]; /* no dimension grows beyond 6 */
    int64_t dims[4];
    const size_t skip = phi_rng_below(r, (uint32_t)like->rank + 1), rank = like->rank - skip;
    size_t n = 1;
    for (size_t i = 0; i < rank; i++) {
        dims[i] = phi_rng_below(r, 2) ? 1 : like->dims[skip + i];
        n *= (size_t)dims[i];
    }
    for (size_t i = 0; i < n; i++)
        at[i] = phi_rng_normal(r);
    return constant(g, PH_FLOAT32, rank, dims, at);
}

static void random_transpose(ph_graph *g, phi_rng *r, thing *t)
{
    int64_t perm[4] = {0, 1, 2, 3};
    thing from = *t;
    for (size_t i = t->rank; i > 1; i--) {
        const size_t k = phi_rng_below(r, (uint32_t)i);
        const int64_t swap = perm[i - 1];
        perm[i - 1] = perm[k];
        perm[k] = swap;
    }
    t->v = transpose(g, t->v, t->rank, perm);
    for (size_t i = 0; i < t->rank; i++)
        t->dims[i] = from.dims[perm[i]];
}

static void random_reduction(ph_graph *g, phi_rng *r, thing *t)
{
    const int64_t axis = phi_rng_below(r, (uint32_t)t->rank), keep = phi_rng_below(r, 2);
    const int64_t said = phi_rng_below(r, 2) ? axis : axis - (int64_t)t->rank;
    const ph_attr attrs[2] = {list_attr("axes", 1, &said), int_attr("keepdims", keep)};
    t->v = node(g, "ReduceMean", 1, &t->v, 2, attrs);
    t->dims[axis] = 1;
    if (keep) return;
    t->rank--;
    for (size_t i = (size_t)axis; i < t->rank; i++)
        t->dims[i] = t->dims[i + 1];
}

static void random_pad(ph_graph *g, phi_rng *r, thing *t)
{
    int64_t pads[8] = {0};
    const size_t axis = phi_rng_below(r, (uint32_t)t->rank);
    if (t->dims[axis] > 5) return;
    pads[axis] = 1;
    t->v = binary(g, "Pad", t->v, list(g, 2 * (int64_t)t->rank, pads));
    t->dims[axis]++;
}

static bool same_shape(const thing *a, const thing *b)
{
    return a->rank == b->rank && memcmp(a->dims, b->dims, a->rank * sizeof *a->dims) == 0;
}

static void random_step(ph_graph *g, phi_rng *r, thing *t, const thing *other)
{
    const ph_attr axis = int_attr("axis", phi_rng_below(r, (uint32_t)t->rank));
    switch (phi_rng_below(r, 9)) {
    case 0:
    case 1:
    case 2:
        random_transpose(g, r, t);
        break;
    case 3:
        t->v = unary(g, "Relu", t->v);
        break;
    case 4:
        t->v = binary(g, "Mul", random_constant(g, r, t), t->v);
        break;
    case 5:
        t->v = node(g, "Softmax", 1, &t->v, 1, &axis);
        break;
    case 6:
        random_pad(g, r, t);
        break;
    case 7:
        if (t->rank > 2) random_reduction(g, r, t);
        break;
    default:
        if (!same_shape(t, other)) break;
        if (phi_rng_below(r, 2)) {
            t->v = binary(g, "Add", t->v, other->v);
        } else if (t->dims[axis.i] < 4) {
            t->v = node(g, "Concat", 2, (ph_value[]){t->v, other->v}, 1, &axis);
            t->dims[axis.i] *= 2;
        }
    }
}

static void test_random_graphs(void **state)
{
    size_t transposes[2] = {0, 0};
    (void)state;
    for (uint64_t seed = 0; seed < 300; seed++) {
        phi_rng r = phi_rng_start(seed, 1);
        thing at[3] = {{.rank = 4, .dims = {1, 2, 3, 2}}};
        ph_graph *g = with_input(4, at[0].dims, &at[0].v);
        at[1] = at[2] = at[0];
        for (int i = 0; i < 24; i++) {
            const size_t k = phi_rng_below(&r, 3);
            random_step(g, &r, &at[k], &at[(k + 1) % 3]);
            if (phi_rng_below(&r, 6) == 0) at[(k + 1) % 3] = at[k];
        }
        for (int i = 0; i < 3; i++)
            output(g, unary(g, "Tanh", at[i].v));
        compare(g, SIZE_MAX, SIZE_MAX);
        for (int keep = 0; keep < 2; keep++) {
            ph_plan *p = plan(g, keep);
            transposes[keep] += steps_of(p, "Transpose");
            ph_plan_free(p);
        }
        ph_graph_free(g);
    }
    assert_true(transposes[0] * 2 < transposes[1]); /* these graphs do try the passages */
}

/* --- Memory ---------------------------------------------------------------------------------- */

static enum ph_status plan_with(const ph_allocator *mem, void *arg)
{
    const int64_t dims[4] = {1, 2, 3, 4}, row[1] = {2};
    static const float at[2] = {1, 2};
    const ph_attr there = list_attr("perm", 4, to_nhwc), back = list_attr("perm", 4, to_nchw);
    ph_graph *g = NULL;
    ph_plan *p = NULL;
    ph_tensor *t = arg;
    ph_value x, c;
    enum ph_status st = ph_graph_new(mem, "g", &g, NULL);
    memcpy(ph_tensor_data(t), at, sizeof at);
    (void)row;
    if (!st) st = ph_graph_add_input(g, "x", PH_FLOAT32, 4, dims, &x, NULL);
    if (!st) st = ph_graph_add_constant(g, "c", t, &c, NULL);
    if (!st) st = ph_graph_add_node(g, "Transpose", NULL, 1, &x, 1, &there, 1, NULL, &x, NULL);
    const ph_value in[2] = {st ? PH_NONE : x, st ? PH_NONE : c};
    if (!st) st = ph_graph_add_node(g, "Add", NULL, 2, in, 0, NULL, 1, NULL, &x, NULL);
    if (!st) st = ph_graph_add_node(g, "Transpose", NULL, 1, &x, 1, &back, 1, NULL, &x, NULL);
    if (!st) st = ph_graph_add_output(g, x, NULL);
    if (!st) st = ph_plan_new(g, NULL, &p, NULL);
    ph_plan_free(p);
    ph_graph_free(g);
    return st;
}

static void test_out_of_memory(void **state)
{
    const int64_t row[1] = {2};
    ph_tensor *t = NULL;
    (void)state;
    assert_int_equal(ph_tensor_new(NULL, PH_FLOAT32, 1, row, &t, NULL), PH_OK);
    assert_true(sweep(plan_with, t, 2000) > 50);
    ph_tensor_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_useless_nodes_go),
        cmocka_unit_test(test_useful_nodes_stay),
        cmocka_unit_test(test_outputs_keep_their_names),
        cmocka_unit_test(test_pairs_round_convolutions),
        cmocka_unit_test(test_transposes_do_not_multiply),
        cmocka_unit_test(test_random_graphs),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
