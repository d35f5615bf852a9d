/* SPDX-License-Identifier: MIT */
/* Strides of 1x1 convolutions move up to where pixels are made; results stay what they were. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "plan/plan.h"
#include "sweep.h"

static void ok(enum ph_status st, const ph_error *err)
{
    if (st) fail_msg("%s: %s", ph_status_name(st), err->message);
}

static ph_graph *parse(const ph_allocator *mem, const char *text)
{
    ph_graph *g = NULL;
    ph_error err = {0};
    ok(ph_net_parse(mem, text, strlen(text), "text", 1, &g, &err), &err);
    return g;
}

static ph_plan *plan(const ph_graph *g, bool keep_all)
{
    ph_plan *p = NULL;
    ph_error err = {0};
    ok(ph_plan_new(g, &(ph_plan_desc){.keep_all = keep_all, .exact = true}, &p, &err), &err);
    return p;
}

/* All outputs one behind the other; *n of them. */
static float *run(const ph_plan *p, size_t *n)
{
    ph_run *r = NULL;
    ph_error err = {0};
    const size_t n_x = (size_t)ph_plan_input(p, 0)->count;
    float *x = calloc(n_x, sizeof *x), *y;
    void *out[4];
    *n = 0;
    for (size_t i = 0; i < ph_plan_n_outputs(p); i++)
        *n += (size_t)ph_plan_output(p, i)->count;
    y = calloc(*n, sizeof *y);
    assert_true(x && y && ph_plan_n_outputs(p) <= 4);
    for (size_t i = 0, at = 0; i < ph_plan_n_outputs(p); i++) {
        out[i] = y + at;
        at += (size_t)ph_plan_output(p, i)->count;
    }
    phi_rng_fill_normal(7, 1, 1, x, n_x);
    ok(ph_run_new(p, 2, &r, &err), &err);
    ok(ph_run_once(r, (const void *const[]){x}, out, &err), &err);
    ph_run_free(r);
    free(x);
    return y;
}

static const phi_step *step_called(const ph_plan *p, const char *name)
{
    for (size_t i = 0; i < p->n_steps; i++)
        if (p->steps[i].node && strcmp(p->steps[i].node->name, name) == 0) return &p->steps[i];
    fail_msg("no step '%s'", name);
    return NULL;
}

static size_t steps_of(const ph_plan *p, const char *op)
{
    size_t n = 0;
    for (size_t i = 0; i < p->n_steps; i++)
        n += p->steps[i].node && strcmp(p->steps[i].op->name, op) == 0;
    return n;
}

/* What step `name` makes has such a height, and every output is what the graph as it stands gives. */
static void check(const char *text, const char *name, int64_t height, size_t max_pools)
{
    ph_graph *g = parse(NULL, text);
    ph_plan *p = plan(g, false), *whole = plan(g, true);
    size_t n, n_whole;
    float *got = run(p, &n), *wanted = run(whole, &n_whole);
    const phi_step *step = step_called(p, name);
    assert_int_equal(n, n_whole);
    for (size_t i = 0; i < n; i++)
        if (!(fabsf(got[i] - wanted[i]) <= 1e-5f * (1 + fabsf(wanted[i]))))
            fail_msg("%s, element %zu: %g, wanted %g", name, i, (double)got[i], (double)wanted[i]);
    assert_int_equal(p->slots[step->out[0]].view.type.dims[2], height);
    assert_int_equal(steps_of(p, "MaxPool"), max_pools);
    free(got);
    free(wanted);
    ph_plan_free(p);
    ph_plan_free(whole);
    ph_graph_free(g);
}

/* Through a clamp and a norm to the convolution, whose own stride multiplies. */
static void test_chain(void **state)
{
    (void)state;
    check("network a\ninput x 3x9x9\nfirst: conv 3x3 8 pad 1\n bn\n relu\n"
          "second: conv 1x1 4 / 2\noutput second\n", "first", 5, 0);
    check("network a\ninput x 3x20x20\nfirst: conv 5x5 8 / 2 pad 2\n relu\n"
          "second: conv 1x1 4 / 3\noutput second\n", "first", 4, 0);
    check("network a\ninput x 3x16x16\nfirst: conv 3x3 8 pad 1\n relu\nmid: conv 1x1 8\n relu\n"
          "second: conv 1x1 4 / 2\noutput second\n", "first", 8, 0);
}

/* The end of a ResNet's stage: both readers have the stride; the shortcut is thinned out, as the
 * block's first convolution wants all of it. */
static void test_residual(void **state)
{
    static const char text[] =
        "network r\ninput x 8x11x11\nstem: conv 3x3 16 pad 1\nshort: relu\n"
        "a: conv 1x1 8\n relu\nb: conv 3x3 8 pad 1\n relu\nc: conv 1x1 16\n bn\n add short\n"
        "sum: relu\nleft: conv 1x1 8 / 2\nright: conv 1x1 8 / 2 from sum\n add left\noutput add_2\n";
    (void)state;
    check(text, "b", 6, 1);
    check(text, "a", 11, 1);
}

/* Where somebody wants all of it, it stays: an output, a larger kernel, another stride, a pool. */
static void test_stays(void **state)
{
    (void)state;
    check("network a\ninput x 3x8x8\nfirst: conv 3x3 8 pad 1\nsecond: conv 1x1 4 / 2\n"
          "output first second\n", "first", 8, 0);
    check("network a\ninput x 3x8x8\nfirst: conv 3x3 8 pad 1\nsecond: conv 1x1 4 / 2\n"
          "third: conv 3x3 4 / 2 pad 1 from first\n add second\noutput add_1\n", "first", 8, 0);
    check("network a\ninput x 3x12x12\nfirst: conv 3x3 8 pad 1\nsecond: conv 1x1 4 / 2\n"
          "third: conv 1x1 4 / 3 from first\noutput second third\n", "first", 12, 0);
    check("network a\ninput x 3x8x8\nfirst: conv 3x3 8 pad 1\nsecond: conv 1x1 4 / 2 pad 1\n"
          "output second\n", "first", 8, 0);
}

static enum ph_status plan_with(const ph_allocator *mem, void *arg)
{
    static const char text[] =
        "network r\ninput x 4x6x6\nstem: conv 1x1 4\nshort: relu\na: conv 3x3 4 pad 1\n"
        " add short\nsum: relu\nleft: conv 1x1 4 / 2\noutput left\n";
    ph_graph *g = NULL;
    ph_plan *p = NULL;
    (void)arg;
    enum ph_status st = ph_net_parse(mem, text, sizeof text - 1, "text", 1, &g, NULL);
    if (!st) st = ph_plan_new(g, NULL, &p, NULL);
    ph_plan_free(p);
    ph_graph_free(g);
    return st;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    assert_true(sweep(plan_with, NULL, 4000) > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain),
        cmocka_unit_test(test_residual),
        cmocka_unit_test(test_stays),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
