/* SPDX-License-Identifier: MIT */
/* Convolutions in one pass: the bits of the graph as it stands, for any number of threads, exact
 * and, of first layers, not. */
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

static ph_graph *parse(const char *text)
{
    ph_graph *g = NULL;
    ph_error err = {0};
    ok(ph_net_parse(NULL, text, strlen(text), "text", 1, &g, &err), &err);
    return g;
}

/* For `batch` images. */
static ph_plan *plan(const ph_graph *g, int64_t batch, bool keep_all, bool exact)
{
    ph_plan *p = NULL;
    ph_error err = {0};
    const phi_value *x = &g->values[ph_graph_input(g, 0)];
    ph_shape_hint hint = {.rank = (size_t)x->rank};
    memcpy(hint.dims, x->dims, (size_t)x->rank * sizeof *x->dims);
    hint.dims[0] = batch;
    const ph_plan_desc desc = {.n_hints = 1, .hints = &hint, .keep_all = keep_all, .exact = exact};
    ok(ph_plan_new(g, &desc, &p, &err), &err);
    return p;
}

/* The first output; *n elements. */
static float *run(const ph_plan *p, size_t threads, size_t *n)
{
    ph_run *r = NULL;
    ph_error err = {0};
    const size_t n_x = (size_t)ph_plan_input(p, 0)->count;
    void *out[2];
    *n = (size_t)ph_plan_output(p, 0)->count;
    float *x = calloc(n_x, sizeof *x);
    for (size_t i = 0; i < 2; i++)
        out[i] = calloc(*n + (i < ph_plan_n_outputs(p) ? (size_t)ph_plan_output(p, i)->count : 0),
                        sizeof *x);
    assert_true(x && out[0] && out[1] && ph_plan_n_outputs(p) <= 2);
    phi_rng_fill_normal(7, 1, 1, x, n_x);
    ok(ph_run_new(p, threads, &r, &err), &err);
    for (int i = 0; i < 2; i++) /* what the first left in scratch does no harm */
        ok(ph_run_once(r, (const void *const[]){x}, out, &err), &err);
    ph_run_free(r);
    free(x);
    free(out[1]);
    return out[0];
}

static size_t longest_chain(const ph_plan *p)
{
    size_t most = 0;
    for (size_t i = 0; i < p->n_steps; i++)
        if (p->steps[i].chain > most) most = p->steps[i].chain;
    return most;
}

/* The plan's longest chain, and the same bits as the nodes one by one. */
static void check_graph(const ph_graph *g, const char *text, int64_t batch, size_t chain,
                        bool exact)
{
    static const size_t threads[] = {1, 2, 4};
    ph_plan *p = plan(g, batch, false, exact), *whole = plan(g, batch, true, exact);
    size_t n, n_wanted;
    float *wanted = run(whole, 1, &n_wanted);
    double size = 0;
    assert_int_equal(longest_chain(whole), 1);
    if (longest_chain(p) != chain) fail_msg("chain of %zu: %s", longest_chain(p), text);
    for (size_t t = 0; t < PHI_COUNT(threads); t++) {
        float *got = run(p, threads[t], &n);
        assert_int_equal(n, n_wanted);
        for (size_t i = 0; i < n; i++) {
            size += fabs((double)got[i]);
            if (memcmp(&got[i], &wanted[i], sizeof *got) != 0)
                fail_msg("%zu threads, element %zu: %g, wanted %g: %s", threads[t], i,
                         (double)got[i], (double)wanted[i], text);
        }
        free(got);
    }
    assert_true(size > 0);
    free(wanted);
    ph_plan_free(p);
    ph_plan_free(whole);
}

static void check(const char *text, int64_t batch, size_t chain)
{
    ph_graph *g = parse(text);
    check_graph(g, text, batch, chain, true);
    ph_graph_free(g);
}

/* Of `channels` [0] -> [1] -> [2], with a depthwise convolution of some kind, and around it 1x1s.
 */
static void check_three(const char *size, const int *channels, const char *depthwise, bool add,
                        int64_t batch)
{
    char text[512];
    snprintf(text, sizeof text,
             "network a\ninput x %dx%s\ne: conv 1x1 %d\n relu6\nd: depthwise %s\n clip -0.5 0.7\n"
             "p: conv 1x1 %d\n %s\nlast: relu\noutput last\n",
             channels[0], size, channels[1], depthwise, channels[2], add ? "add x" : "");
    check(text, batch, 3);
}

/* Odd widths of channels and images; more than a block of K; several steps and bands. */
static void test_three(void **state)
{
    static const int few[] = {3, 5, 3}, some[] = {7, 35, 7}, many[] = {24, 200, 24},
                     most[] = {40, 300, 33}, one[] = {1, 2, 1}, wide[] = {3, 70, 3};
    (void)state;
    for (int64_t batch = 1; batch <= 3; batch += 2) {
        check_three("19x23", few, "3x3 pad 1", true, batch);
        check_three("40x31", some, "3x3 pad 1", true, batch);
        check_three("33x40", many, "3x3 pad 1", true, batch);
        check_three("41x37", many, "3x3 / 2 pad 1", false, batch);
        check_three("21x20", most, "5x5 pad 2", false, batch);
        check_three("14x14", most, "3x3 pad 1", false, batch);
        check_three("64x9", one, "3x3 pad 1", true, batch);
    }
    check_three("7x7", most, "3x3 pad 1", false, 3);
    check_three("8x1700", wide, "3x3 pad 1", true,
                1); /* a line is more than the windows should be */
}

/* Depthwise convolutions that see nothing but padding, leave lines out, or have several filters. */
static void test_depthwise(void **state)
{
    static const int some[] = {5, 130, 20}, wide[] = {16, 96, 70};
    static const char *const ways[] = {
        "3x3",       "3x3 / 2 pad 0 0 1 1", "5x3 / 3 pad 2",        "2x2 / 5",
        "3x3 pad 4", "3x3 pad 0 5 2 0",     "3x5 pad 3 dilation 3", "3x3 / 2 pad 1 multiplier 2"};
    (void)state;
    for (size_t i = 0; i < PHI_COUNT(ways); i++) {
        check_three("60x50", some, ways[i], false, 1);
        check_three("45x47", wide, ways[i], false, 3);
    }
}

static void test_parts(void **state)
{
    (void)state;
    check(
        "network a\ninput x 130x40x33\nd: depthwise 3x3 / 2 pad 1\n relu\np: conv 1x1 70\n relu6\n"
        "output relu6_1\n",
        2, 1);
    check("network a\ninput x 13x40x33\ne: conv 1x1 130\n relu\nd: depthwise 3x3 / 2 pad 1\n relu\n"
          "output relu_2\n",
          2, 2);
    check("network a\ninput x 3x45x57\nc: conv 3x3 33 / 2 pad 1\n relu\nd: depthwise 3x3 pad 1\n "
          "relu\n"
          "p: conv 1x1 17\noutput p\n",
          1, 3);
    check(
        "network a\ninput x 20x33x30\nc: conv 3x3 70 pad 2 1 0 1 dilation 2\nd: depthwise 3x3 / 3\n"
        "output d\n",
        3, 2);
    check("network a\ninput x 20x33x30\nc: conv 1x1 70 pad 1\nd: depthwise 3x3\np: conv 1x1 5\n"
          "output p\n",
          3, 3);
    check("network a\ninput x 9x1x200\ne: conv 1x5 20 pad 0 2 0 2\n relu\n"
          "d: depthwise 1x3 pad 0 1 0 1\n relu\np: conv 1x1 17\noutput p\n",
          5, 3);
}

/* Pooling that overlaps, leaves pixels out, is padded, or sees nothing but padding at an end. */
static void test_pooling(void **state)
{
    static const char *const ways[] = {
        "3x3 / 2",       "3x3 / 2 ceil",       "3x3 / 2 pad 1",      "2x2 / 2", "2x3 / 3 pad 1",
        "3x3 / 1 pad 1", "3x3 / 2 pad 2 ceil", "3x3 / 2 dilation 2", "1x1 / 3"};
    char text[256];
    (void)state;
    for (size_t i = 0; i < PHI_COUNT(ways); i++)
        for (int64_t batch = 1; batch <= 3; batch += 2) {
            snprintf(text, sizeof text,
                     "network a\ninput x 3x61x47\nc: conv 3x3 35 / 2 pad 1\n relu\np: maxpool %s\n"
                     "output p\n",
                     ways[i]);
            check(text, batch,
                  strcmp(ways[i], "3x3 / 1 pad 1") == 0 ? 1
                                                        : 2); /* narrow: the output is as large */
            snprintf(text, sizeof text,
                     "network a\ninput x 5x40x33\nc: conv 1x1 70\np: maxpool %s\n"
                     "q: conv 1x1 9\n relu\noutput relu_1\n",
                     ways[i]);
            check(text, batch, 3);
        }
    check("network a\ninput x 3x40x40\nc: conv 3x3 20 pad 1\np: maxpool 2x2 / 2\n"
          "q: conv 3x3 9 pad 1\noutput q\n",
          1, 2);
    check("network a\ninput x 3x40x40\nc: conv 3x3 20 pad 1\np: maxpool 2x2 / 2\noutput p c\n", 1,
          1);
    check("network a\ninput x 3x40x40\nc: conv 3x3 20 pad 1\np: avgpool 2x2 / 2\noutput p\n", 1, 1);
    check("network a\ninput x 30x40x40\nc: maxpool 2x2 / 2\nq: conv 1x1 3\noutput q\n", 1, 1);
}

/* First layers whose lines are made several at a time, wherever bands and steps begin. */
static void test_lines_together(void **state)
{
    static const char *const ways[] = {"3x3 / 2 pad 1", "3x3 / 2 ceil",       "2x2 / 2",
                                       "5x5 / 3 pad 2", "3x3 / 2 pad 2 ceil", "1x1 / 5"};
    static const char *const first[] = {"7x7 96 / 2 pad 3", "11x11 96 / 4", "5x5 64 / 2 pad 2"};
    char text[256];
    (void)state;
    for (size_t i = 0; i < PHI_COUNT(ways) * PHI_COUNT(first); i++)
        for (int64_t batch = 1; batch <= 3; batch += 2) {
            ph_error err = {0};
            ph_step s;
            snprintf(text, sizeof text,
                     "network a\ninput x 3x203x91\nc: conv %s\n relu\np: maxpool %s\n%soutput %s\n",
                     first[i % PHI_COUNT(first)], ways[i / PHI_COUNT(first)],
                     i % 2 ? "q: conv 1x1 20\n" : "", i % 2 ? "q" : "p");
            ph_graph *g = parse(text);
            ph_plan *whole = plan(g, batch, true, false);
            ok(ph_plan_step(whole, 1, &s, &err), &err);
            assert_string_equal(s.method, "line Winograd");
            check_graph(g, text, batch, 2 + i % 2, false);
            ph_plan_free(whole);
            ph_graph_free(g);
        }
}

/* Slices of a concatenation at either end, and one block behind the other. */
static void test_neighbours(void **state)
{
    (void)state;
    check(
        "network a\ninput x 3x40x40\ns: conv 1x1 20\na: depthwise 3x3 pad 1\np: conv 1x1 12\n"
        "q: conv 1x1 9 from s\nc: concat p q\nr: conv 1x1 40\nb: depthwise 3x3 / 2 pad 1\n"
        "t: conv 1x1 6\n relu\nu: conv 1x1 36\nv: depthwise 3x3 pad 1\nw: conv 1x1 6\n add relu_1\n"
        "output add_1\n",
        2, 3);
    /* pixels of a slice may be a whole way of a cache apart, where those of its own would not */
    check("network a\ninput x 8x8x8\na: conv 1x1 512\nb: conv 1x1 512 from x\nc: concat a b\n"
          "d: conv 1x1 64 from a\nrelu from c\noutput d relu_1\n",
          1, 1);
}

static ph_value conv_of_lines(ph_graph *g, ph_value x, int64_t c, int64_t k, int64_t s,
                              int64_t groups)
{
    ph_tensor *t = NULL;
    ph_value in[2] = {x}, out;
    ph_error err = {0};
    char name[32];
    const int64_t dims[] = {k, c / groups, s}, pads[] = {s / 2, s / 2};
    const ph_attr attrs[] = {{.name = "group", .kind = PH_ATTR_INT, .i = groups},
                             {.name = "pads", .kind = PH_ATTR_INTS, .n = 2, .ints = pads}};
    snprintf(name, sizeof name, "w%d", (int)x);
    ok(ph_tensor_new(NULL, PH_FLOAT32, 3, dims, &t, &err), &err);
    phi_rng_fill_normal(3, phi_stream(name), 1, ph_tensor_data(t), (size_t)ph_tensor_count(t));
    ok(ph_graph_add_constant(g, name, t, &in[1], &err), &err);
    ph_tensor_free(t);
    ok(ph_graph_add_node(g, "Conv", NULL, 2, in, 2, attrs, 1, NULL, &out, &err), &err);
    return out;
}

/* An image of one dimension is one line: nothing to cut into bands, however many images there are.
 */
static void test_one_dimension(void **state)
{
    const int64_t dims[] = {-1, 4, 32};
    ph_graph *g = NULL;
    ph_value x;
    ph_error err = {0};
    (void)state;
    ok(ph_graph_new(NULL, "lines", &g, &err), &err);
    ok(ph_graph_add_input(g, "x", PH_FLOAT32, 3, dims, &x, &err), &err);
    x = conv_of_lines(g, x, 4, 64, 1, 1);
    x = conv_of_lines(g, x, 64, 64, 3, 64);
    x = conv_of_lines(g, x, 64, 4, 1, 1);
    ok(ph_graph_add_output(g, x, &err), &err);
    for (int64_t batch = 1; batch <= 16; batch += 5)
        check_graph(g, "one dimension", batch, 1, true);
    ph_graph_free(g);
}

/* What others want in full is not handed on. */
static void test_stays(void **state)
{
    (void)state;
    check("network a\ninput x 3x40x40\ne: conv 1x1 20\nd: depthwise 3x3 pad 1\np: conv 1x1 20\n"
          " add e\noutput add_1\n",
          1, 1);
    check("network a\ninput x 3x40x40\ne: conv 1x1 20\nd: depthwise 3x3 pad 1\noutput d e\n", 1, 1);
    check("network a\ninput x 3x40x40\ne: conv 1x1 20\nd: depthwise 3x3 pad 1\nc: concat e d\n"
          "output c\n",
          1, 1);
    check("network a\ninput x 3x7x7\ne: conv 1x1 20\nd: depthwise 3x3 pad 1\np: conv 1x1 9\n"
          "output p\n",
          1, 1);
    check("network a\ninput x 3x40x40\ne: conv 1x1 20\np: conv 1x1 9\noutput p\n", 1, 1);
    check("network a\ninput x 3x40x40\ne: conv 3x3 8 pad 1\nd: depthwise 3x3 pad 1\n"
          "p: conv 1x1 20\noutput p\n",
          1, 1);
}

static const char block[] =
    "network block\ninput x 8x56x56\nstem: conv 1x1 8\ne: conv 1x1 96\n relu\n"
    "d: depthwise 3x3 pad 1\n relu\np: conv 1x1 8\n add stem\noutput add_1\n";

/* One step, with the MACs of all; the wide maps are not in memory. */
static void test_seen(void **state)
{
    (void)state;
    ph_graph *g = parse(block);
    ph_plan *p = plan(g, 1, false, true), *whole = plan(g, 1, true, true);
    ph_account *a = NULL;
    ph_error err = {0};
    ph_step s;
    int64_t macs = 0;
    assert_int_equal(ph_plan_n_steps(p), 4);
    for (size_t i = 0; i < 4; i++) {
        ok(ph_plan_step(p, i, &s, &err), &err);
        macs += s.macs;
        if (i != 2) continue;
        assert_string_equal(s.name, "p");
        assert_string_equal(s.op, "Conv");
        assert_string_equal(s.method, "1x1+depthwise+1x1");
        assert_true(s.added && s.clamped && !s.scaled);
        assert_int_equal(s.dims[1], 8);
        assert_int_equal(s.macs, 56 * 56 * 96 * (8 + 9 + 8));
    }
    ok(ph_account_new(g, 0, NULL, &a, &err), &err);
    ok(ph_account_plan(a, g, 0, NULL, &err), &err);
    assert_int_equal(macs, ph_account_totals(a)->macs);
    assert_int_equal(ph_account_totals(a)->arena_bytes, ph_plan_arena_bytes(p));
    assert_true(ph_plan_arena_bytes(p) == 2 * 8 * 56 * 56 * sizeof(float));
    assert_true(ph_plan_arena_bytes(whole) > 96 * 56 * 56 * sizeof(float));
    ph_account_free(a);
    ph_plan_free(p);
    ph_plan_free(whole);
    ph_graph_free(g);
}

static enum ph_status run_with(const ph_allocator *mem, void *arg)
{
    ph_graph *g = NULL;
    ph_plan *p = NULL;
    ph_run *r = NULL;
    (void)arg;
    enum ph_status st = ph_net_parse(mem, block, sizeof block - 1, "text", 1, &g, NULL);
    if (!st) st = ph_plan_new(g, NULL, &p, NULL);
    if (!st) assert_int_equal(longest_chain(p), 3);
    if (!st) st = ph_run_new(p, 1, &r, NULL);
    ph_run_free(r);
    ph_plan_free(p);
    ph_graph_free(g);
    return st;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    assert_true(sweep(run_with, NULL, 4000) > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_three),         cmocka_unit_test(test_depthwise),
        cmocka_unit_test(test_parts),         cmocka_unit_test(test_pooling),
        cmocka_unit_test(test_neighbours),    cmocka_unit_test(test_one_dimension),
        cmocka_unit_test(test_stays),         cmocka_unit_test(test_seen),
        cmocka_unit_test(test_out_of_memory), cmocka_unit_test(test_lines_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
