/* SPDX-License-Identifier: MIT */
/* Plans that take a batch some images at a time give every image the bits it has in the batch as a
 * whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/rng.h"
#include "plan/plan.h"

enum { N = 6, SIDE = 96, K = 32, MOST = N * K * SIDE * SIDE };

static ph_value node(ph_graph *g, const char *op, size_t n_in, const ph_value *in, size_t n_attrs,
                     const ph_attr *attrs)
{
    ph_value out;
    ph_error err;
    if (ph_graph_add_node(g, op, NULL, n_in, in, n_attrs, attrs, 1, NULL, &out, &err))
        fail_msg("%s", err.message);
    return out;
}

static ph_value relu(ph_graph *g, ph_value x)
{
    return node(g, "Relu", 1, &x, 0, NULL);
}

static ph_value conv(ph_graph *g, ph_value x, int64_t c, int64_t k, int64_t r, uint64_t seed)
{
    ph_value y;
    const int64_t pad = r / 2;
    const ph_conv_desc d = {.k = k,
                            .r = r,
                            .s = r,
                            .pad_top = pad,
                            .pad_left = pad,
                            .pad_bottom = pad,
                            .pad_right = pad};
    assert_int_equal(ph_graph_add_conv(g, x, c, &d, seed, &y, NULL), PH_OK);
    return y;
}

static ph_value factors(ph_graph *g, const char *name, int rank, const int64_t *dims)
{
    ph_tensor *t;
    ph_value v;
    assert_int_equal(ph_tensor_new(NULL, PH_FLOAT32, (size_t)rank, dims, &t, NULL), PH_OK);
    phi_rng_fill_normal(3, (uint64_t)rank, 1, ph_tensor_data(t), (size_t)phi_type_count(&t->type));
    assert_int_equal(ph_graph_add_constant(g, name, t, &v, NULL), PH_OK);
    ph_tensor_free(t);
    return v;
}

/* A residual block whose result is an output, too; branches; if `mixed`, an operator that looks at
 * all images, and factors of each image and of each channel. */
static ph_graph *net(bool mixed)
{
    static const ph_attr batch_axis = {.name = "axis", .kind = PH_ATTR_INT, .i = 0};
    static const ph_attr channels = {.name = "axis", .kind = PH_ATTR_INT, .i = 1};
    static const int64_t two[2] = {2, 2};
    const ph_attr pool[2] = {{.name = "kernel_shape", .kind = PH_ATTR_INTS, .n = 2, .ints = two},
                             {.name = "strides", .kind = PH_ATTR_INTS, .n = 2, .ints = two}};
    ph_graph *g;
    ph_value x, a, b, c[2];
    assert_int_equal(ph_graph_new(NULL, "net", &g, NULL), PH_OK);
    assert_int_equal(
        ph_graph_add_input(g, "x", PH_FLOAT32, 4, (int64_t[]){-1, 3, SIDE, SIDE}, &x, NULL), PH_OK);
    a = relu(g, conv(g, x, 3, K, 3, 1));
    b = relu(g, node(g, "Add", 2, (ph_value[]){conv(g, a, K, K, 3, 2), a}, 0, NULL));
    assert_int_equal(ph_graph_add_output(g, b, NULL), PH_OK);
    b = node(g, "MaxPool", 1, &b, 2, pool);
    c[0] = conv(g, b, K, 8, 1, 3);
    c[1] = relu(g, conv(g, b, K, K - 8, 3, 4));
    b = node(g, "Concat", 2, c, 1, &channels);
    if (mixed) {
        a = node(g, "Softmax", 1, &b, 1, &batch_axis);
        b = node(g, "Add", 2, (ph_value[]){conv(g, a, K, K, 1, 5), b}, 0, NULL);
        a = factors(g, "of images", 4, (int64_t[]){N, 1, 1, 1});
        b = node(g, "Mul", 2, (ph_value[]){b, a}, 0, NULL);
        a = factors(g, "of channels", 3, (int64_t[]){K, 1, 1});
        b = node(g, "Mul", 2, (ph_value[]){b, a}, 0, NULL);
    }
    b = node(g, "GlobalAveragePool", 1, &b, 0, NULL);
    assert_int_equal(ph_graph_add_output(g, b, NULL), PH_OK);
    return g;
}

static float x[N * 3 * SIDE * SIDE];

static ph_plan *plan(const ph_graph *g, int64_t n, bool keep_all, bool exact)
{
    ph_plan *p = NULL;
    ph_error err = {0};
    const ph_shape_hint hint = {.rank = 4, .dims = {n, 3, SIDE, SIDE}};
    const ph_plan_desc d = {.n_hints = 1, .hints = &hint, .keep_all = keep_all, .exact = exact};
    if (ph_plan_new(g, &d, &p, &err)) fail_msg("%s", err.message);
    return p;
}

/* Twice, so that a run that leaves something behind is seen. */
static void run(const ph_plan *p, size_t n_threads, const float *in, float *y, float *scores)
{
    ph_run *r = NULL;
    ph_error err = {0};
    const void *inputs[1] = {in};
    void *outputs[2] = {y, scores};
    double *seconds = calloc(ph_plan_n_steps(p), sizeof *seconds);
    if (ph_run_new(p, n_threads, &r, &err) || ph_run_once(r, inputs, outputs, &err))
        fail_msg("%s", err.message);
    for (size_t i = 0; i < 2; i++)
        memset(outputs[i], 0xff, ph_plan_output(p, i)->bytes);
    for (size_t i = 0; i < ph_plan_n_steps(p); i++)
        seconds[i] = -1;
    if (ph_run_timed(r, inputs, outputs, seconds, &err)) fail_msg("%s", err.message);
    for (size_t i = 0; i < ph_plan_n_steps(p); i++)
        assert_true(seconds[i] >= 0);
    free(seconds);
    ph_run_free(r);
}

static size_t n_divided(const ph_plan *p)
{
    size_t n = 0;
    for (size_t i = 0; i < p->n_sections; i++)
        n += p->sections[i].times > 1;
    return n;
}

static void test_bits_of_the_whole(void **state)
{
    static float y[2][MOST], scores[2][N * K];
    (void)state;
    for (int mixed = 0; mixed < 2; mixed++)
        for (int exact = 0; exact < 2; exact++)
            for (size_t threads = 1; threads < 4; threads++) {
                ph_graph *g = net(mixed);
                ph_plan *whole = plan(g, N, true, exact), *parts = plan(g, N, false, exact);
                assert_int_equal(n_divided(whole), 0);
                assert_true(n_divided(parts) > 0);
                assert_true(2 * parts->arena_bytes < 3 * sizeof y[0] || mixed);
                run(whole, 1, x, y[0], scores[0]);
                run(parts, threads, x, y[1], scores[1]);
                assert_memory_equal(y[0], y[1], sizeof y[0]);
                assert_memory_equal(scores[0], scores[1], sizeof scores[0]);
                ph_plan_free(whole);
                ph_plan_free(parts);
                ph_graph_free(g);
            }
}

/* Without Winograd there is one way to compute: an image alone has the same bits. */
static void test_image_alone(void **state)
{
    enum { ONE = MOST / N };
    static float y[MOST], alone[ONE], scores[N * K], alone_scores[K];
    (void)state;
    ph_graph *g = net(false);
    ph_plan *batch = plan(g, N, false, true), *one = plan(g, 1, false, true);
    assert_int_equal(n_divided(one), 0);
    run(batch, 2, x, y, scores);
    for (size_t i = 0; i < N; i++) {
        run(one, 1, x + i * 3 * SIDE * SIDE, alone, alone_scores);
        assert_memory_equal(y + i * ONE, alone, sizeof alone);
        assert_memory_equal(scores + i * K, alone_scores, sizeof alone_scores);
    }
    ph_plan_free(batch);
    ph_plan_free(one);
    ph_graph_free(g);
}

/* Steps are those of the whole batch for who looks at them. */
static void test_steps_as_described(void **state)
{
    (void)state;
    ph_graph *g = net(true);
    ph_plan *p = plan(g, N, false, false);
    for (size_t i = 0; i < ph_plan_n_steps(p); i++) {
        ph_step s;
        assert_int_equal(ph_plan_step(p, i, &s, NULL), PH_OK);
        assert_int_equal(s.dims[0], N);
    }
    ph_plan_free(p);
    ph_graph_free(g);
}

/* Seven images have no portions but one and all. */
static void test_prime_batch(void **state)
{
    (void)state;
    ph_graph *g = net(false);
    for (int64_t n = 1; n < 14; n += 6) {
        ph_plan *p = plan(g, n, false, false);
        for (size_t i = 0; i < p->n_steps; i++)
            assert_true(p->steps[i].images == 0 || p->steps[i].images == 1);
        ph_plan_free(p);
    }
    ph_graph_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bits_of_the_whole),
        cmocka_unit_test(test_image_alone),
        cmocka_unit_test(test_steps_as_described),
        cmocka_unit_test(test_prime_batch),
    };
    phi_rng_fill_normal(7, 7, 1, x, PHI_COUNT(x));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
