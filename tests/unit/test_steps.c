/* SPDX-License-Identifier: MIT */
/* The steps of a plan as users see them, and the time of each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/rng.h"
#include "pinhole/pinhole.h"
#include "small_net.h"

/* One of each way to convolve, and what the plan does by itself. */
static const char text[] = "network ways\n"
                           "input x 3x32x32\n"
                           "wide: conv 3x3 64 / 2 pad 1\n"
                           "      bn\n"
                           "      relu\n"
                           "wino: conv 3x3 64 pad 1\n"
                           "      relu\n"
                           "one:  conv 1x1 64\n"
                           "      add relu_2\n"
                           "slow: conv 3x3 64 / 2 pad 1\n"
                           "gr:   conv 3x3 64 pad 1 groups 16\n"
                           "dw:   depthwise 3x3 pad 1\n"
                           "pool: maxpool 2x2 / 2\n"
                           "fc:   fc 5\n"
                           "output fc\n";

static ph_graph *ways(void)
{
    ph_graph *g = NULL;
    ph_error err = {0};
    if (ph_net_parse(NULL, text, sizeof text - 1, "ways", 1, &g, &err)) fail_msg("%s", err.message);
    return g;
}

static ph_plan *plan(const ph_graph *g, const ph_plan_desc *desc)
{
    ph_plan *p = NULL;
    ph_error err = {0};
    if (ph_plan_new(g, desc, &p, &err)) fail_msg("%s", err.message);
    return p;
}

static ph_step step_at(const ph_plan *p, size_t i)
{
    ph_step s;
    ph_error err = {0};
    if (ph_plan_step(p, i, &s, &err)) fail_msg("%s", err.message);
    return s;
}

/* The step of the node `name`. */
static ph_step step_of(const ph_plan *p, const char *name)
{
    for (size_t i = 0; i < ph_plan_n_steps(p); i++) {
        const ph_step s = step_at(p, i);
        if (s.op && strcmp(s.name, name) == 0) return s;
    }
    fail_msg("no step '%s'", name);
    return (ph_step){0};
}

static void assert_step(const ph_plan *p, const char *name, const char *method, int64_t macs)
{
    const ph_step s = step_of(p, name);
    assert_string_equal(s.method, method);
    assert_int_equal(s.macs, macs);
    assert_int_equal(s.dtype, PH_FLOAT32);
}

static void test_methods(void **state)
{
    (void)state;
    ph_graph *g = ways();
    ph_plan *p = plan(g, NULL), *exact = plan(g, &(ph_plan_desc){.exact = true});
    assert_step(p, "wide", "window gemm", 16 * 16 * 64 * 9 * 3);
    assert_step(p, "wino", "Winograd F(4x4,3x3)", 16 * 16 * 64 * 9 * 64);
    assert_step(exact, "wino", "window gemm", 16 * 16 * 64 * 9 * 64);
    assert_step(p, "one", "1x1 gemm", 16 * 16 * 64 * 64);
    assert_step(p, "slow", "Winograd F(2x2,3x3/2)", 8 * 8 * 64 * 9 * 64); /* strided */
    assert_step(exact, "slow", "window gemm", 8 * 8 * 64 * 9 * 64);
    assert_step(p, "dw", "depthwise", 8 * 8 * 64 * 9);
    assert_step(p, "gr", "grouped gemm", 8 * 8 * 64 * 9 * 4);
    assert_step(p, "pool", "MaxPool", 0);
    assert_step(p, "fc", "Gemm", 5 * 64 * 16);
    const ph_step dw = step_of(p, "dw");
    assert_string_equal(dw.op, "Conv");
    assert_int_equal(dw.rank, 4);
    assert_memory_equal(dw.dims, ((const int64_t[]){1, 64, 8, 8}), 4 * sizeof *dw.dims);
    ph_plan_free(p);
    ph_plan_free(exact);
    ph_graph_free(g);
}

static void test_fused(void **state)
{
    (void)state;
    ph_graph *g = ways();
    ph_plan *p = plan(g, NULL), *apart = plan(g, &(ph_plan_desc){.keep_all = true});
    const ph_step wide = step_of(p, "wide"), wino = step_of(p, "wino"), one = step_of(p, "one");
    assert_true(wide.scaled && !wide.added && wide.clamped);
    assert_true(!wino.scaled && !wino.added && wino.clamped);
    assert_true(!one.scaled && one.added && !one.clamped);
    const ph_step alone = step_of(apart, "wide");
    assert_true(!alone.scaled && !alone.added && !alone.clamped);
    assert_string_equal(step_of(apart, "add_1").method, "Add");
    ph_plan_free(p);
    ph_plan_free(apart);
    ph_graph_free(g);
}

/* Copies in come first, copies out last, and the MACs are those of the account. */
static void test_order_and_sums(void **state)
{
    (void)state;
    ph_graph *g = ways();
    ph_plan *p = plan(g, NULL);
    ph_account *a = NULL;
    ph_error err = {0};
    const size_t n = ph_plan_n_steps(p);
    int64_t macs = 0;
    size_t copies = 0;
    assert_int_equal(ph_account_new(g, 0, NULL, &a, &err), PH_OK);
    for (size_t i = 0; i < n; i++) {
        const ph_step s = step_at(p, i);
        macs += s.macs;
        copies += !s.op;
        assert_true(s.name && s.method && s.rank > 0);
        if (!s.op && i > 0 && i < n - 1) assert_string_equal(s.method, "layout copy");
    }
    assert_int_equal(macs, ph_account_totals(a)->macs);
    assert_true(copies >= 2);
    assert_string_equal(step_at(p, 0).method, "copy in");
    assert_string_equal(step_at(p, 0).name, "x");
    assert_string_equal(step_at(p, n - 1).method, "copy out");
    assert_string_equal(step_at(p, n - 1).name, "fc");
    ph_account_free(a);
    ph_plan_free(p);
    ph_graph_free(g);
}

static void test_no_such_step(void **state)
{
    (void)state;
    ph_graph *g = ways();
    ph_plan *p = plan(g, NULL);
    ph_error err = {0};
    ph_step s = {.macs = 42};
    assert_int_equal(ph_plan_step(p, ph_plan_n_steps(p), &s, &err), PH_ERR_ARG);
    assert_non_null(strstr(err.message, "ways"));
    assert_int_equal(ph_plan_step(p, SIZE_MAX, &s, NULL), PH_ERR_ARG);
    assert_int_equal(s.macs, 42);
    ph_plan_free(p);
    ph_graph_free(g);
}

/* Each step's time counts once: they fill the call, and never more than it. */
static void test_timed(void **state)
{
    enum { X = SMALL_NET_N * SMALL_NET_IN, Y = SMALL_NET_N * SMALL_NET_OUT };
    (void)state;
    ph_graph *g = NULL;
    ph_error err = {0};
    ph_run *r = NULL;
    float x[X], once[Y], timed[Y], untimed[Y];
    const void *in[1] = {x};
    const ph_shape_hint hint = {.rank = 4, .dims = {SMALL_NET_N, 3, 8, 8}};
    assert_int_equal(small_net(NULL, 42, &g, &err), PH_OK);
    ph_plan *p = plan(g, &(ph_plan_desc){.n_hints = 1, .hints = &hint});
    const size_t n = ph_plan_n_steps(p);
    double *seconds = calloc(n + 1, sizeof *seconds);
    phi_rng_fill_normal(1, 1, 1, x, X);
    for (size_t threads = 1; threads <= 2; threads++) {
        assert_int_equal(ph_run_new(p, threads, &r, &err), PH_OK);
        assert_int_equal(ph_run_once(r, in, (void *[]){once}, &err), PH_OK);
        for (size_t i = 0; i <= n; i++)
            seconds[i] = -1;
        const double start = phi_clock();
        assert_int_equal(ph_run_timed(r, in, (void *[]){timed}, seconds, &err), PH_OK);
        const double whole = phi_clock() - start;
        double sum = 0;
        for (size_t i = 0; i < n; i++) {
            assert_true(seconds[i] >= 0);
            sum += seconds[i];
        }
        assert_true(seconds[n] == -1); /* behind the end */
        assert_true(sum > 0 && sum <= whole + 1e-9);
        assert_int_equal(ph_run_timed(r, in, (void *[]){untimed}, NULL, &err), PH_OK);
        assert_memory_equal(once, timed, sizeof once);
        assert_memory_equal(once, untimed, sizeof once);
        ph_run_free(r);
    }
    free(seconds);
    ph_plan_free(p);
    ph_graph_free(g);
}

/* An input that is handed on: nothing but the two copies. */
static void test_nothing_to_compute(void **state)
{
    (void)state;
    ph_graph *g = NULL;
    ph_error err = {0};
    ph_run *r = NULL;
    ph_value x;
    float from[2] = {1, 2}, to[2] = {0, 0};
    double seconds[2] = {-1, -1};
    assert_int_equal(ph_graph_new(NULL, "through", &g, &err), PH_OK);
    assert_int_equal(ph_graph_add_input(g, "x", PH_FLOAT32, 1, (int64_t[]){2}, &x, &err), PH_OK);
    assert_int_equal(ph_graph_add_output(g, x, &err), PH_OK);
    ph_plan *p = plan(g, NULL);
    assert_int_equal(ph_plan_n_steps(p), 2);
    assert_int_equal(ph_run_new(p, 1, &r, &err), PH_OK);
    const void *in[1] = {from};
    assert_int_equal(ph_run_timed(r, in, (void *[]){to}, seconds, &err), PH_OK);
    assert_true(seconds[0] >= 0 && seconds[1] >= 0 && to[1] == 2);
    ph_run_free(r);
    ph_plan_free(p);
    ph_graph_free(g);
}

/* A bound on packed weights takes Winograd from those that have most to give; below what is needed
 * without any, it is an error that says how much that is. */
static void test_max_weights(void **state)
{
    ph_graph *g = ways();
    ph_plan *p = plan(g, NULL), *exact = plan(g, &(ph_plan_desc){.exact = true}), *none = NULL;
    const size_t all = ph_plan_weight_bytes(p), least = ph_plan_weight_bytes(exact);
    ph_error err = {0};
    (void)state;
    assert_true(least > 0 && least < all);
    for (size_t most = all; most >= least; most -= (all - least) / 3) {
        ph_plan *bound = plan(g, &(ph_plan_desc){.max_weights = most});
        assert_true(ph_plan_weight_bytes(bound) <= most);
        if (most == all) assert_int_equal(ph_plan_weight_bytes(bound), all);
        ph_plan_free(bound);
    }
    assert_int_equal(ph_plan_new(g, &(ph_plan_desc){.max_weights = least - 1}, &none, &err),
                     PH_ERR_NOMEM);
    assert_non_null(strstr(err.message, "packed weights of 'ways' need at least"));
    assert_null(none);
    ph_plan_free(p);
    ph_plan_free(exact);
    ph_graph_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_methods),
        cmocka_unit_test(test_fused),
        cmocka_unit_test(test_order_and_sums),
        cmocka_unit_test(test_no_such_step),
        cmocka_unit_test(test_timed),
        cmocka_unit_test(test_nothing_to_compute),
        cmocka_unit_test(test_max_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
