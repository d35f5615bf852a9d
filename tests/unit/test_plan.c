/* SPDX-License-Identifier: MIT */
/* Plans: folding and fusion change nothing but the speed; memory is reused without harm. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "graph/loop.h"
#include "base/pool.h"
#include "base/rng.h"
#include "plan/plan.h"
#include "small_net.h"

enum { N = 2, X = N * SMALL_NET_IN, Y = N * SMALL_NET_OUT };

static const ph_shape_hint hint = {.rank = 4, .dims = {N, 3, 8, 8}};

static ph_graph *net(void)
{
    ph_graph *g = NULL;
    ph_error err = {0};
    if (small_net(NULL, 42, &g, &err)) fail_msg("%s", err.message);
    return g;
}

static ph_plan *plan(const ph_graph *g, bool keep_all)
{
    ph_plan *p = NULL;
    ph_error err = {0};
    const ph_plan_desc d = {.n_hints = 1, .hints = &hint, .keep_all = keep_all};
    if (ph_plan_new(g, &d, &p, &err)) fail_msg("%s", err.message);
    return p;
}

static void images(uint64_t seed, float *x)
{
    phi_rng_fill_normal(seed, 1, 1, x, X);
}

static void run_into(const ph_plan *p, size_t n_threads, const float *x, float *y)
{
    ph_run *r = NULL;
    ph_error err = {0};
    const void *in[1] = {x};
    void *out[1] = {y};
    if (ph_run_new(p, n_threads, &r, &err) || ph_run_once(r, in, out, &err))
        fail_msg("%s", err.message);
    ph_run_free(r);
}

static void assert_close(const float *a, const float *b, size_t n, double tolerance)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)a[i] - (double)b[i]) <= tolerance))
            fail_msg("element %zu: %.9g and %.9g", i, (double)a[i], (double)b[i]);
}

/* A test of closeness that random numbers would pass proves nothing. */
static void assert_lively(const float *y)
{
    double spread = 0;
    for (size_t i = 0; i < Y; i++) {
        assert_true(isfinite(y[i]) && y[i] > 0 && y[i] < 1); /* softmax */
        spread = fmax(spread, fabs((double)y[i] - 1.0 / SMALL_NET_OUT));
    }
    assert_true(spread > 0.02);
    for (size_t n = 0; n < N; n++) {
        double sum = 0;
        for (size_t i = 0; i < SMALL_NET_OUT; i++)
            sum += (double)y[n * SMALL_NET_OUT + i];
        assert_true(fabs(sum - 1) < 1e-6);
    }
    assert_true(memcmp(y, y + SMALL_NET_OUT, SMALL_NET_OUT * sizeof *y) != 0);
}

static void test_fusion(void **state)
{
    float x[X], fused_y[Y], plain_y[Y];
    ph_graph *g = net();
    ph_plan *fused = plan(g, false), *plain = plan(g, true);
    (void)state;
    images(1, x);
    run_into(fused, 1, x, fused_y);
    run_into(plain, 1, x, plain_y);
    assert_lively(fused_y);
    assert_close(fused_y, plain_y, Y, 1e-5);
    size_t norms[2] = {0, 0}, clamps[2] = {0, 0};
    const ph_plan *plans[2] = {fused, plain};
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < plans[k]->n_steps; i++) {
            norms[k] += !strcmp(plans[k]->steps[i].op->name, "BatchNormalization");
            clamps[k] += !strcmp(plans[k]->steps[i].op->name, "Clip") ||
                         !strcmp(plans[k]->steps[i].op->name, "Relu");
        }
    assert_int_equal(norms[1], 3); /* kept as they stand */
    assert_int_equal(clamps[1], 3);
    assert_int_equal(norms[0], 0);  /* all three stand behind a convolution alone */
    assert_int_equal(clamps[0], 0); /* the one behind Add too: the addition is part of it */
    ph_plan_free(fused);
    ph_plan_free(plain);
    ph_graph_free(g);
}

/* Slots that live at the same time must not share memory: read off the steps, not off the planner.
 */
static void assert_no_overlap(const ph_plan *p)
{
    size_t *from = calloc(p->n_slots, sizeof *from), *to = calloc(p->n_slots, sizeof *to);
    for (size_t s = 0; s < p->n_slots; s++)
        from[s] = SIZE_MAX;
    for (size_t i = 0; i < p->n_steps; i++) {
        const phi_step *step = &p->steps[i];
        for (size_t k = 0; k < step->n_out; k++)
            if (step->out[k] >= 0) {
                from[step->out[k]] = i + 1;
                if (to[step->out[k]] < i + 1) to[step->out[k]] = i + 1;
            }
        for (size_t k = 0; k < step->n_in; k++)
            if (step->in[k] >= 0) to[step->in[k]] = i + 1;
        if (step->add >= 0) to[step->add] = i + 1;
    }
    for (size_t s = 0; s < p->n_slots; s++) { /* a slice keeps the whole alive */
        const int32_t whole = p->slots[s].whole;
        if (whole < 0) continue;
        assert_int_equal(p->slots[whole].whole, -1);
        assert_int_equal(p->slots[s].offset, p->slots[whole].offset + p->slots[s].first);
        if (from[s] < from[whole]) from[whole] = from[s];
        if (to[s] > to[whole]) to[whole] = to[s];
    }
    for (size_t i = 0; i < p->n_inputs; i++)
        from[p->input_slots[i]] = 0;
    for (size_t i = 0; i < p->n_outputs; i++)
        to[p->output_slots[i]] = p->n_steps + 1;
    for (size_t a = 0; a < p->n_slots; a++) {
        const phi_slot *u = &p->slots[a];
        if (u->kind != PHI_SLOT_ARENA || u->whole >= 0) continue;
        assert_int_equal(u->offset % PHI_ALIGN, 0);
        assert_true(u->offset + u->bytes <= p->arena_bytes);
        assert_true(from[a] != SIZE_MAX);
        for (size_t b = 0; b < a; b++) {
            const phi_slot *v = &p->slots[b];
            bool together = from[a] <= to[b] && from[b] <= to[a];
            bool apart = u->offset + u->bytes <= v->offset || v->offset + v->bytes <= u->offset;
            if (v->kind == PHI_SLOT_ARENA && v->whole < 0 && together && !apart)
                fail_msg("slots %zu and %zu are alive together and share memory", a, b);
        }
    }
    free(from);
    free(to);
}

/* --- Branches: concatenations in place, residual additions ------------------------------------- */

static ph_value node(ph_graph *g, const char *op, size_t n_in, const ph_value *in,
                     const ph_attr *attr)
{
    ph_value out;
    assert_int_equal(ph_graph_add_node(g, op, NULL, n_in, in, attr != NULL, attr, 1, NULL, &out,
                                       NULL),
                     PH_OK);
    return out;
}

static ph_value conv(ph_graph *g, ph_value x, int64_t c, int64_t k, int64_t r, uint64_t seed)
{
    ph_value y;
    const int64_t pad = r / 2;
    const ph_conv_desc d = {.k = k, .r = r, .s = r, .pad_top = pad, .pad_left = pad,
                            .pad_bottom = pad, .pad_right = pad};
    assert_int_equal(ph_graph_add_conv(g, x, c, &d, seed, &y, NULL), PH_OK);
    return y;
}

static ph_value concat(ph_graph *g, size_t n, const ph_value *in)
{
    static const ph_attr axis = {.name = "axis", .kind = PH_ATTR_INT, .i = 1};
    return node(g, "Concat", n, in, &axis);
}

/* Inception's branches, DenseNet's growing concatenation, a residual block with a projection that
 * stands behind the main path, and a value that is concatenated twice. */
static ph_graph *branches(void)
{
    static const int64_t dims[4] = {2, 7, 6, 5};
    ph_graph *g;
    ph_value x, y[4], d[3], last;
    assert_int_equal(ph_graph_new(NULL, "branches", &g, NULL), PH_OK);
    assert_int_equal(ph_graph_add_input(g, "x", PH_FLOAT32, 4, dims, &x, NULL), PH_OK);
    y[0] = conv(g, x, 7, 9, 1, 1);
    y[1] = conv(g, node(g, "Relu", 1, (ph_value[]){conv(g, x, 7, 4, 1, 2)}, NULL), 4, 16, 3, 3);
    y[2] = node(g, "Relu", 1, (ph_value[]){conv(g, x, 7, 8, 3, 4)}, NULL);
    y[3] = node(g, "Sigmoid", 1, (ph_value[]){y[0]}, NULL);
    d[0] = concat(g, 4, y); /* 42 channels */
    d[1] = concat(g, 2, (ph_value[]){d[0], conv(g, d[0], 42, 6, 3, 5)});
    d[2] = concat(g, 2, (ph_value[]){d[1], conv(g, node(g, "Relu", 1, &d[1], NULL), 48, 5, 1, 6)});
    last = conv(g, conv(g, d[2], 53, 12, 1, 7), 12, 20, 3, 8);
    last = node(g, "Add", 2, (ph_value[]){last, conv(g, d[2], 53, 20, 1, 9)}, NULL);
    last = node(g, "Relu", 1, &last, NULL);
    last = node(g, "Add", 2, (ph_value[]){last, conv(g, last, 20, 20, 3, 10)}, NULL);
    last = concat(g, 3, (ph_value[]){last, y[0], last}); /* y[0] is elsewhere; last twice */
    assert_int_equal(ph_graph_add_output(g, last, NULL), PH_OK);
    assert_int_equal(ph_graph_add_output(g, d[1], NULL), PH_OK);
    return g;
}

static void test_branches(void **state)
{
    enum { INPUT = 2 * 7 * 30, LAST = 2 * 49 * 30, INNER = 2 * 48 * 30 };
    static float x[INPUT], y[2][LAST], inner[2][INNER];
    ph_graph *g = branches();
    phi_rng r = phi_rng_start(5, 5);
    (void)state;
    for (size_t i = 0; i < INPUT; i++)
        x[i] = phi_rng_normal(&r);
    for (int keep_all = 0; keep_all < 2; keep_all++) {
        size_t concats = 0, adds = 0;
        ph_plan *p;
        ph_run *run;
        ph_error err;
        if (ph_plan_new(g, &(ph_plan_desc){.keep_all = keep_all, .exact = true}, &p, &err))
            fail_msg("%s", err.message);
        assert_no_overlap(p);
        for (size_t i = 0; i < p->n_steps; i++) {
            concats += !strcmp(p->steps[i].op->name, "Concat");
            adds += !strcmp(p->steps[i].op->name, "Add");
        }
        assert_int_equal(concats, keep_all ? 4 : 2); /* y[0] lies in the last, for d[0] it is copied */
        assert_int_equal(adds, keep_all ? 2 : 0);
        assert_int_equal(ph_run_new(p, 2, &run, NULL), PH_OK);
        assert_int_equal(ph_run_once(run, (const void *[]){x},
                                     (void *[]){y[keep_all], inner[keep_all]}, NULL),
                         PH_OK);
        ph_run_free(run);
        ph_plan_free(p);
    }
    assert_memory_equal(y[0], y[1], sizeof y[0]);
    assert_memory_equal(inner[0], inner[1], sizeof inner[0]);
    ph_graph_free(g);
}

/* Large enough that other threads pack, too; with weights of all kinds to scale. */
static void test_packing_on_threads(void **state)
{
    ph_graph *g = NULL;
    float first[1000], y[1000];
    ph_error err = {0};
    (void)state;
    if (ph_model_load(NULL, "mobilenetv2", 3, &g, &err)) fail_msg("%s", err.message);
    for (size_t threads = 0; threads < 4; threads++) {
        ph_plan *p = NULL;
        if (ph_plan_new(g, &(ph_plan_desc){.n_threads = threads}, &p, &err))
            fail_msg("%s", err.message);
        float *x = calloc((size_t)ph_plan_input(p, 0)->count, sizeof *x);
        assert_non_null(x);
        phi_rng_fill_normal(5, 1, 1, x, (size_t)ph_plan_input(p, 0)->count);
        assert_int_equal(ph_plan_output(p, 0)->count, PHI_COUNT(y));
        run_into(p, 1, x, threads ? y : first);
        if (threads) assert_memory_equal(first, y, sizeof y);
        free(x);
        ph_plan_free(p);
    }
    ph_graph_free(g);
}

/* A convolution whose result is also looked at otherwise keeps it. */
static void test_fusion_spares_what_is_seen(void **state)
{
    ph_graph *g = NULL;
    ph_plan *p = NULL;
    ph_error err = {0};
    ph_value x, c, y;
    float in[3] = {1, -2, 3}, raw[2], relu[2];
    (void)state;
    assert_int_equal(ph_graph_new(NULL, "g", &g, &err), PH_OK);
    assert_int_equal(ph_graph_add_input(g, "x", PH_FLOAT32, 4, (int64_t[]){1, 3, 1, 1}, &x, &err),
                     PH_OK);
    assert_int_equal(ph_graph_add_conv(g, x, 3, &(ph_conv_desc){.k = 2}, 3, &c, &err), PH_OK);
    assert_int_equal(ph_graph_add_node(g, "Relu", NULL, 1, &c, 0, NULL, 1, NULL, &y, &err), PH_OK);
    assert_int_equal(ph_graph_add_output(g, c, &err), PH_OK);
    assert_int_equal(ph_graph_add_output(g, y, &err), PH_OK);
    assert_int_equal(ph_plan_new(g, NULL, &p, &err), PH_OK);
    ph_run *r = NULL;
    const void *ins[1] = {in};
    void *outs[2] = {raw, relu};
    assert_int_equal(ph_run_new(p, 1, &r, &err), PH_OK);
    bool seen_negative = false;
    for (int sign = -1; sign <= 1; sign += 2) {
        for (int i = 0; i < 3; i++)
            in[i] *= (float)sign;
        assert_int_equal(ph_run_once(r, ins, outs, &err), PH_OK);
        for (int i = 0; i < 2; i++) {
            seen_negative |= raw[i] < 0;
            assert_true(relu[i] == (raw[i] > 0 ? raw[i] : 0));
        }
    }
    assert_true(seen_negative);
    ph_run_free(r);
    ph_plan_free(p);
    ph_graph_free(g);
}

static ph_value operation(ph_graph *g, const char *op, ph_value a, ph_value b)
{
    const ph_value in[2] = {a, b};
    ph_value y = PH_NONE;
    assert_int_equal(ph_graph_add_node(g, op, NULL, 2, in, 0, NULL, 1, NULL, &y, NULL), PH_OK);
    return y;
}

static ph_value numbers(ph_graph *g, size_t rank, const int64_t *dims, const float *at)
{
    ph_tensor *t = NULL;
    ph_value v = PH_NONE;
    char name[32];
    snprintf(name, sizeof name, "n%zu", ph_graph_n_values(g));
    assert_int_equal(ph_tensor_new(NULL, PH_FLOAT32, rank, dims, &t, NULL), PH_OK);
    memcpy(ph_tensor_data(t), at, ph_tensor_bytes(t));
    assert_int_equal(ph_graph_add_constant(g, name, t, &v, NULL), PH_OK);
    ph_tensor_free(t);
    return v;
}

/* A gate [n,c,1,1] times an image, in either order, a sum over rows and columns, a slice of the
 * channels and blocks of pixels: all of it channels-last, but for the network's own input and output no
 * step changes a layout. */
static void test_gates_keep_the_layout(void **state)
{
    static const int64_t dims[4] = {1, 3, 8, 6}, axes[2] = {2, 3};
    const ph_attr over = {.name = "axes", .kind = PH_ATTR_INTS, .n = 2, .ints = axes};
    const ph_attr two = {.name = "blocksize", .kind = PH_ATTR_INT, .i = 2};
    const ph_attr halves[2] = {{.name = "axis", .kind = PH_ATTR_INT, .i = 1}};
    ph_graph *g;
    ph_plan *p;
    ph_value x, gate, half[2];
    size_t changes = 0;
    (void)state;
    assert_int_equal(ph_graph_new(NULL, "gates", &g, NULL), PH_OK);
    assert_int_equal(ph_graph_add_input(g, "x", PH_FLOAT32, 4, dims, &x, NULL), PH_OK);
    x = conv(g, x, 3, 8, 3, 1);
    gate = conv(g, node(g, "ReduceMean", 1, &x, &over), 8, 8, 1, 2);
    gate = node(g, "Sigmoid", 1, &gate, NULL);
    x = conv(g, operation(g, "Mul", gate, x), 8, 8, 1, 3);
    x = conv(g, operation(g, "Mul", x, gate), 8, 8, 1, 4);
    assert_int_equal(ph_graph_add_node(g, "Split", NULL, 1, &x, 1, halves, 2, NULL, half, NULL),
                     PH_OK);
    x = conv(g, operation(g, "Max", half[0], half[1]), 4, 8, 3, 5);
    x = conv(g, node(g, "DepthToSpace", 1, &x, &two), 2, 4, 3, 6);
    assert_int_equal(ph_graph_add_output(g, x, NULL), PH_OK);
    assert_int_equal(ph_plan_new(g, NULL, &p, NULL), PH_OK);
    for (size_t i = 0; i < p->n_steps; i++) changes += p->steps[i].node == NULL;
    assert_int_equal(changes, 0);
    ph_plan_free(p);
    ph_graph_free(g);
}

/* Caffe's Scale and its like: arithmetic with a number a channel on either side. */
static void test_scale_is_folded(void **state)
{
    static const float at[3] = {0.5f, -2, 3}, zero[3] = {1, 0, 2};
    const int64_t chw[3] = {3, 1, 1}, nchw[4] = {1, 3, 1, 1}, row[1] = {3};
    float in[2 * 9], y[2][3 * 9];
    (void)state;
    for (size_t i = 0; i < PHI_COUNT(in); i++) in[i] = (float)(i * i % 7) - 3;
    for (int last = 0; last < 3; last++) {
        ph_graph *g = NULL;
        ph_plan *p;
        ph_value v;
        assert_int_equal(ph_graph_new(NULL, "g", &g, NULL), PH_OK);
        assert_int_equal(
            ph_graph_add_input(g, "x", PH_FLOAT32, 4, (int64_t[]){1, 2, 3, 3}, &v, NULL), PH_OK);
        assert_int_equal(ph_graph_add_conv(g, v, 2, &(ph_conv_desc){.k = 3}, 3, &v, NULL), PH_OK);
        v = operation(g, "Mul", v, numbers(g, 3, chw, at));
        v = operation(g, "Add", numbers(g, 4, nchw, at), v);
        v = operation(g, "Sub", numbers(g, 0, NULL, at), v);
        v = operation(g, "Sub", v, numbers(g, 3, chw, at));
        v = operation(g, "Div", v, numbers(g, 3, chw, at));
        if (last == 1) v = operation(g, "Mul", v, numbers(g, 1, row, at)); /* a row, no channel */
        if (last == 2) v = operation(g, "Div", v, numbers(g, 3, chw, zero)); /* infinite */
        assert_int_equal(ph_graph_add_output(g, v, NULL), PH_OK);
        for (int keep = 0; keep < 2; keep++) {
            assert_int_equal(ph_plan_new(g, &(ph_plan_desc){.keep_all = keep}, &p, NULL), PH_OK);
            size_t steps = 0;
            for (size_t i = 0; i < p->n_steps; i++) steps += p->steps[i].node != NULL;
            assert_int_equal(steps, keep ? 6 + (last > 0) : 1 + (last > 0));
            run_into(p, 1, in, y[keep]);
            ph_plan_free(p);
        }
        for (size_t i = 0; i < PHI_COUNT(y[0]); i++)
            if (isfinite(y[1][i])) assert_close(&y[0][i], &y[1][i], 1, 1e-4);
            else assert_true(y[0][i] == y[1][i]);
        ph_graph_free(g);
    }
}

/* --- Random chains behind a convolution ------------------------------------------------------- */

enum { CHANNELS = 5, SIDE = 4, PIXELS = SIDE * SIDE };

/* [k] or [1,k,1,1] numbers, positive if asked for, as a constant. */
static ph_value per_channel(ph_graph *g, phi_rng *r, bool image, bool positive)
{
    ph_tensor *t = NULL;
    ph_value v = PH_NONE;
    char name[32];
    const int64_t dims[4] = {1, CHANNELS, 1, 1}, k = CHANNELS;
    snprintf(name, sizeof name, "c%zu", ph_graph_n_values(g));
    assert_int_equal(ph_tensor_new(NULL, PH_FLOAT32, image ? 4 : 1, image ? dims : &k, &t, NULL),
                     PH_OK);
    for (int i = 0; i < CHANNELS; i++)
        ((float *)ph_tensor_data(t))[i] = positive ? 0.3f + phi_rng_uniform(r) : phi_rng_normal(r);
    assert_int_equal(ph_graph_add_constant(g, name, t, &v, NULL), PH_OK);
    ph_tensor_free(t);
    return v;
}

static ph_value scalar(ph_graph *g, float value)
{
    ph_tensor *t = NULL;
    ph_value v = PH_NONE;
    char name[32];
    snprintf(name, sizeof name, "c%zu", ph_graph_n_values(g));
    assert_int_equal(ph_tensor_new(NULL, PH_FLOAT32, 0, NULL, &t, NULL), PH_OK);
    *(float *)ph_tensor_data(t) = value;
    assert_int_equal(ph_graph_add_constant(g, name, t, &v, NULL), PH_OK);
    ph_tensor_free(t);
    return v;
}

/* One more node on the chain: what plans fold and fuse, and what they must not. */
static ph_value link_of(ph_graph *g, phi_rng *r, ph_value x)
{
    static const char *const arithmetic[4] = {"Add", "Sub", "Mul", "Div"};
    ph_value in[5] = {x}, out[3];
    size_t n_in = 1, n_attrs = 0, n_out = 1;
    const char *op = "Relu";
    const ph_attr training = {.name = "training_mode", .kind = PH_ATTR_INT, .i = 1};
    uint32_t what = phi_rng_below(r, 8);
    if (what < 3) { /* sometimes with the statistics of the batch */
        op = "BatchNormalization";
        for (n_in = 1; n_in < 5; n_in++)
            in[n_in] = per_channel(g, r, false, n_in == 4);
        n_attrs = what == 0;
        n_out = what == 0 ? 3 : 1;
    } else if (what == 3) { /* sometimes with the bounds the wrong way round */
        op = "Clip";
        n_in = 3;
        in[1] = phi_rng_below(r, 3) ? scalar(g, phi_rng_normal(r)) : PH_NONE;
        in[2] = scalar(g, phi_rng_normal(r) + 0.7f);
    } else if (what == 4) {
        op = phi_rng_below(r, 2) ? "LeakyRelu" : "HardSwish";
    } else if (what == 5) { /* sometimes with the chain on the right */
        op = arithmetic[phi_rng_below(r, 4)];
        n_in = 2;
        in[1] = per_channel(g, r, true, true);
        if (phi_rng_below(r, 2) && strcmp(op, "Div") != 0) in[0] = in[1], in[1] = x;
    } else if (what == 6) { /* with itself */
        op = "Add";
        n_in = 2;
        in[1] = x;
    }
    ph_error err = {0};
    if (ph_graph_add_node(g, op, NULL, n_in, in, n_attrs, &training, n_out, NULL, out, &err))
        fail_msg("%s", err.message);
    return out[0];
}

static ph_graph *chain(uint64_t seed)
{
    ph_graph *g = NULL;
    ph_value x;
    phi_rng r = phi_rng_start(seed, 1);
    const ph_conv_desc d = {.k = CHANNELS,
                            .r = 3,
                            .pad_top = 1,
                            .pad_left = 1,
                            .pad_bottom = 1,
                            .pad_right = 1,
                            .no_bias = seed % 2};
    assert_int_equal(ph_graph_new(NULL, "chain", &g, NULL), PH_OK);
    assert_int_equal(
        ph_graph_add_input(g, "x", PH_FLOAT32, 4, (int64_t[]){2, 3, SIDE, SIDE}, &x, NULL), PH_OK);
    assert_int_equal(ph_graph_add_conv(g, x, 3, &d, seed, &x, NULL), PH_OK);
    uint32_t n = 1 + phi_rng_below(&r, 5);
    for (uint32_t i = 0; i < n; i++) {
        x = link_of(g, &r, x);
        if (phi_rng_below(&r, 6) == 0) assert_int_equal(ph_graph_add_output(g, x, NULL), PH_OK);
    }
    ph_graph_add_output(g, x, NULL); /* refused where it is one already */
    return g;
}

static void test_random_chains(void **state)
{
    enum { MAX_OUT = 6, MOST = 2 * CHANNELS * PIXELS };
    static float y[2][MAX_OUT][MOST], x[2 * 3 * PIXELS];
    size_t steps[2] = {0, 0};
    (void)state;
    phi_rng_fill_normal(5, 5, 1, x, PHI_COUNT(x));
    for (uint64_t seed = 1; seed <= 150; seed++) {
        ph_graph *g = chain(seed);
        size_t n_out = ph_graph_n_outputs(g);
        for (int keep_all = 0; keep_all < 2; keep_all++) {
            ph_plan *p = NULL;
            ph_run *r = NULL;
            ph_error err = {0};
            void *out[MAX_OUT];
            const void *in[1] = {x};
            for (size_t i = 0; i < n_out; i++)
                out[i] = y[keep_all][i];
            if (ph_plan_new(g, &(ph_plan_desc){.keep_all = keep_all}, &p, &err) ||
                ph_run_new(p, 1, &r, &err) || ph_run_once(r, in, out, &err))
                fail_msg("seed %d: %s", (int)seed, err.message);
            steps[keep_all] += p->n_steps;
            ph_run_free(r);
            ph_plan_free(p);
        }
        for (size_t i = 0; i < n_out; i++)
            for (size_t k = 0; k < MOST; k++) {
                double a = (double)y[0][i][k], b = (double)y[1][i][k];
                if (!(fabs(a - b) <= 2e-4 * (1 + fabs(b))))
                    fail_msg("seed %d, output %zu, element %zu: %.9g fused, %.9g as it stands",
                             (int)seed, i, k, a, b);
            }
        ph_graph_free(g);
    }
    assert_true(steps[0] < steps[1] - 60); /* something was fused */
}

static void test_twice_the_same_bits(void **state)
{
    float x[X], first[Y], again[Y], other[X], scratch[Y];
    ph_graph *g = net();
    ph_plan *p = plan(g, false);
    ph_run *r = NULL;
    const void *in[1] = {x};
    void *out[1] = {first};
    (void)state;
    images(1, x);
    images(2, other);
    assert_int_equal(ph_run_new(p, 2, &r, NULL), PH_OK);
    assert_int_equal(ph_run_once(r, in, out, NULL), PH_OK);
    in[0] = other; /* leave other numbers behind */
    out[0] = scratch;
    assert_int_equal(ph_run_once(r, in, out, NULL), PH_OK);
    assert_true(memcmp(first, scratch, sizeof first) != 0);
    in[0] = x;
    out[0] = again;
    assert_int_equal(ph_run_once(r, in, out, NULL), PH_OK);
    assert_memory_equal(first, again, sizeof first);
    ph_run_free(r);
    for (size_t threads = 1; threads <= 4; threads++) {
        memset(again, 0xff, sizeof again);
        run_into(p, threads, x, again);
        assert_memory_equal(first, again, sizeof first);
    }
    ph_plan_free(p);
    ph_graph_free(g);
}

/* --- One plan, two threads, a run each -------------------------------------------------------- */

typedef struct runner {
    const ph_plan *p;
    float x[X], want[Y];
    int n_wrong;
} runner;

static void *run_often(void *arg)
{
    runner *w = arg;
    float y[Y];
    ph_run *r = NULL;
    const void *in[1] = {w->x};
    void *out[1] = {y};
    w->n_wrong = ph_run_new(w->p, 2, &r, NULL) != PH_OK;
    for (int i = 0; i < 200 && !w->n_wrong; i++) {
        memset(y, 0xff, sizeof y);
        w->n_wrong += ph_run_once(r, in, out, NULL) != PH_OK;
        w->n_wrong += memcmp(y, w->want, sizeof y) != 0;
    }
    ph_run_free(r);
    return NULL;
}

static void test_shared_plan(void **state)
{
    static runner w[2];
    pthread_t thread[2];
    ph_graph *g = net();
    ph_plan *p = plan(g, false);
    (void)state;
    for (int k = 0; k < 2; k++) {
        w[k].p = p;
        images((uint64_t)k + 10, w[k].x);
        run_into(p, 1, w[k].x, w[k].want);
    }
    for (int k = 0; k < 2; k++)
        assert_int_equal(pthread_create(&thread[k], NULL, run_often, &w[k]), 0);
    for (int k = 0; k < 2; k++)
        pthread_join(thread[k], NULL);
    assert_int_equal(w[0].n_wrong, 0);
    assert_int_equal(w[1].n_wrong, 0);
    ph_plan_free(p);
    ph_graph_free(g);
}

/* --- Memory -------------------------------------------------------------------------------- */

/* Run a training plan's steps forward as inference (no batch statistics). */
static void run_training_plan(const ph_plan *p, const float *x, float *y)
{
    char *arena = phi_alloc(NULL, p->arena_bytes);
    memset(arena, 0xff, p->arena_bytes);
    for (int pass = 0; pass < 2; pass++) { /* inputs first, then, after the steps, outputs */
        const phi_slot *slot = &p->slots[pass ? p->output_slots[0] : p->input_slots[0]];
        phi_view inside = slot->view, outside = phi_view_plain(&slot->view.type, pass ? y : NULL);
        inside.data = arena + slot->offset;
        if (!pass) memcpy(&outside.data, &x, sizeof x);
        if (pass)
            phi_copy(NULL, &outside, &inside);
        else
            phi_copy(NULL, &inside, &outside);
        for (size_t i = 0; !pass && i < p->n_steps; i++) {
            phi_view in[PHI_MAX_IN], out[PHI_MAX_OUT];
            phi_step_views(p, &p->steps[i], arena, in, out);
            phi_exec e = phi_step_exec(p, &p->steps[i], in, out, NULL);
            e.training = false;
            const phi_op *op = p->steps[i].op;
            e.work = phi_alloc(NULL, op->work_bytes ? op->work_bytes(&e, false) : 0);
            assert_int_equal(op->forward(&e, NULL), PH_OK);
            phi_free(NULL, e.work);
        }
    }
    phi_free(NULL, arena);
}

static void test_arena(void **state)
{
    float x[X], tight_y[Y], loose_y[Y];
    ph_graph *g = net();
    ph_plan *tight = plan(g, true), *fused = plan(g, false), *loose = NULL;
    const ph_plan_desc d = {.n_hints = 1, .hints = &hint};
    (void)state;
    assert_int_equal(phi_plan_build(g, &d, true, &loose, NULL), PH_OK);
    assert_no_overlap(tight);
    assert_no_overlap(fused);
    assert_no_overlap(loose);
    assert_true(ph_plan_arena_bytes(tight) < ph_plan_arena_bytes(loose));
    images(3, x);
    run_into(tight, 1, x, tight_y);
    run_training_plan(loose, x, loose_y);
    assert_lively(tight_y);
    assert_close(tight_y, loose_y, Y, 1e-6);
    ph_plan_free(tight);
    ph_plan_free(fused);
    ph_plan_free(loose);
    ph_graph_free(g);
}

/* A graph's input and a constant may be outputs as they are; a node nobody needs is left out. */
static void test_outputs_that_no_step_makes(void **state)
{
    ph_graph *g = NULL;
    ph_plan *p = NULL;
    ph_run *r = NULL;
    ph_tensor *t = NULL;
    ph_error err = {0};
    ph_value x, c, y;
    const float in[4] = {1, -2, 3, -4};
    float out_x[4], out_c[1];
    const void *ins[1] = {in};
    void *outs[2] = {out_x, out_c};
    (void)state;
    assert_int_equal(ph_graph_new(NULL, "g", &g, &err), PH_OK);
    assert_int_equal(ph_tensor_new(NULL, PH_FLOAT32, 0, NULL, &t, &err), PH_OK);
    *(float *)ph_tensor_data(t) = 7;
    assert_int_equal(ph_graph_add_input(g, "x", PH_FLOAT32, 2, (int64_t[]){2, 2}, &x, &err), PH_OK);
    assert_int_equal(ph_graph_add_constant(g, "c", t, &c, &err), PH_OK);
    assert_int_equal(ph_graph_add_node(g, "Relu", NULL, 1, &x, 0, NULL, 1, NULL, &y, &err), PH_OK);
    assert_int_equal(ph_graph_add_output(g, x, &err), PH_OK);
    assert_int_equal(ph_graph_add_output(g, c, &err), PH_OK);
    if (ph_plan_new(g, NULL, &p, &err)) fail_msg("%s", err.message);
    assert_int_equal(p->n_steps, 0);
    assert_int_equal(ph_run_new(p, 1, &r, &err), PH_OK);
    assert_int_equal(ph_run_once(r, ins, outs, &err), PH_OK);
    assert_memory_equal(in, out_x, sizeof in);
    assert_true(out_c[0] == 7);
    ph_run_free(r);
    ph_plan_free(p);
    ph_graph_free(g);
    ph_tensor_free(t);
}

/* A batch of nothing gives nothing. */
static void test_empty_batch(void **state)
{
    const ph_shape_hint none = {.rank = 4, .dims = {0, 3, 8, 8}};
    ph_graph *g = net();
    ph_plan *p = NULL;
    ph_run *r = NULL;
    ph_error err = {0};
    float x[1] = {1}, y[1] = {7};
    const void *in[1] = {x};
    void *out[1] = {y};
    (void)state;
    for (int keep_all = 0; keep_all < 2; keep_all++) {
        const ph_plan_desc d = {.n_hints = 1, .hints = &none, .keep_all = keep_all};
        if (ph_plan_new(g, &d, &p, &err) || ph_run_new(p, 2, &r, &err) ||
            ph_run_once(r, in, out, &err))
            fail_msg("%s", err.message);
        assert_int_equal(ph_plan_output(p, 0)->count, 0);
        assert_true(y[0] == 7);
        ph_run_free(r);
        ph_plan_free(p);
    }
    ph_graph_free(g);
}

/* --- Running allocates nothing ---------------------------------------------------------------- */

static size_t n_calls;

static void *counting_alloc(void *user, size_t bytes, size_t align)
{
    (void)user;
    n_calls++;
    return aligned_alloc(align, (bytes + align - 1) & ~(align - 1));
}

static void counting_free(void *user, void *ptr)
{
    (void)user;
    n_calls++;
    free(ptr);
}

static void test_running_allocates_nothing(void **state)
{
    const ph_allocator mem = {counting_alloc, counting_free, NULL};
    ph_graph *g = NULL;
    ph_plan *p = NULL;
    ph_run *r = NULL;
    float x[X], y[Y];
    const void *in[1] = {x};
    void *out[1] = {y};
    (void)state;
    images(4, x);
    assert_int_equal(small_net(&mem, 42, &g, NULL), PH_OK);
    const ph_plan_desc d = {.n_hints = 1, .hints = &hint};
    assert_int_equal(ph_plan_new(g, &d, &p, NULL), PH_OK);
    assert_int_equal(ph_run_new(p, 2, &r, NULL), PH_OK);
    assert_true(n_calls > 50);
    n_calls = 0;
    for (int i = 0; i < 3; i++)
        assert_int_equal(ph_run_once(r, in, out, NULL), PH_OK);
    assert_int_equal(n_calls, 0);
    ph_run_free(r);
    ph_plan_free(p);
    ph_graph_free(g);
}

/* --- Very many nodes ---------------------------------------------------------------------------- */

enum { MANY = 12000, KEPT = 40 };

static ph_value op(ph_graph *g, const char *type, ph_value a, ph_value b, const ph_attr *attr)
{
    const ph_value in[2] = {a, b};
    ph_value y = PH_NONE;
    ph_error err = {0};
    if (ph_graph_add_node(g, type, NULL, b == PH_NONE ? 1 : 2, in, attr != NULL, attr, 1, NULL, &y,
                          &err))
        fail_msg("%s", err.message);
    return y;
}

/* Plans of so many slots are placed in another way. y = x + MANY * w, where every 300th value lives
 * on, is doubled into a wider one, and is added to at the end: blocks of different sizes and lives. */
static void test_many_nodes(void **state)
{
    ph_graph *g = NULL;
    ph_tensor *w = NULL;
    ph_value x, v, y, kept[KEPT];
    size_t n_kept = 0;
    const int64_t dims[2] = {1, 40};
    const ph_attr axis = {.name = "axis", .kind = PH_ATTR_INT, .i = 0};
    float in[40], out[2 * 40], sum = 0.0f;
    (void)state;
    assert_int_equal(ph_graph_new(NULL, "many", &g, NULL), PH_OK);
    assert_int_equal(ph_graph_add_input(g, "x", PH_FLOAT32, 2, dims, &x, NULL), PH_OK);
    assert_int_equal(ph_tensor_new(NULL, PH_FLOAT32, 2, dims, &w, NULL), PH_OK);
    for (int k = 0; k < 40; k++) {
        in[k] = (float)k;
        ((float *)ph_tensor_data(w))[k] = (float)(k % 3);
    }
    ph_value weight;
    assert_int_equal(ph_graph_add_constant(g, "w", w, &weight, NULL), PH_OK);
    v = x;
    for (size_t i = 1; i <= MANY; i++) {
        v = op(g, "Add", v, weight, NULL);
        if (i % 300 != 0) continue;
        kept[n_kept++] = op(g, "Concat", v, v, &axis);
        sum += (float)i;
    }
    assert_int_equal(n_kept, KEPT);
    y = kept[0];
    for (size_t k = 1; k < KEPT; k++)
        y = op(g, "Add", y, kept[k], NULL);
    assert_int_equal(ph_graph_add_output(g, y, NULL), PH_OK);
    ph_plan *p = NULL;
    ph_error err = {0};
    const ph_plan_desc d = {.keep_all = true};
    if (ph_plan_new(g, &d, &p, &err)) fail_msg("%s", err.message);
    assert_true(p->n_slots > MANY);
    assert_true(ph_plan_arena_bytes(p) < 100 * 1024); /* 13 KiB live at once, not 2 MiB in all */
    run_into(p, 1, in, out);
    for (int k = 0; k < 80; k++) /* whole numbers below 2^24: exact */
        assert_true(out[k] == (float)KEPT * in[k % 40] + sum * (float)(k % 40 % 3));
    ph_plan_free(p);
    ph_tensor_free(w);
    ph_graph_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_nodes),
        cmocka_unit_test(test_fusion),
        cmocka_unit_test(test_packing_on_threads),
        cmocka_unit_test(test_fusion_spares_what_is_seen),
        cmocka_unit_test(test_scale_is_folded),
        cmocka_unit_test(test_gates_keep_the_layout),
        cmocka_unit_test(test_random_chains),
        cmocka_unit_test(test_twice_the_same_bits),
        cmocka_unit_test(test_shared_plan),
        cmocka_unit_test(test_arena),
        cmocka_unit_test(test_branches),
        cmocka_unit_test(test_outputs_that_no_step_makes),
        cmocka_unit_test(test_empty_batch),
        cmocka_unit_test(test_running_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
