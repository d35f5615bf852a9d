/* SPDX-License-Identifier: MIT */
/* Accounts of graphs that cannot be run, and what a plan and a peak add to an account. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "account_make.h"
#include "graph/graph.h"
#include "sweep.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* --- Not understood --------------------------------------------------------------------------- */

/* Declare the type of a value, as value_info in a file does. */
static void declare(ph_graph *g, ph_value v, int rank, const int64_t *dims, const char *batch)
{
    phi_value *value = &g->values[v];
    value->dtype = PH_FLOAT32;
    value->rank = rank;
    memcpy(value->dims, dims, (size_t)rank * sizeof *dims);
    value->has_info = true;
    if (batch) value->dim_names[0] = phi_strdup(&g->mem, batch);
}

/* A node of another domain. */
static ph_value foreign(ph_graph *g, const char *name, size_t n_in, const ph_value *in)
{
    char out[64];
    size_t at;
    ph_value y;
    snprintf(out, sizeof out, "%s_out", name);
    assert_int_equal(phi_graph_value(g, out, &y, NULL), PH_OK);
    assert_int_equal(phi_graph_set_opset(g, "com.acme", 1, NULL), PH_OK);
    assert_int_equal(phi_graph_append(g, "com.acme", "Foo", name, n_in, in, 1, &y, &at, NULL),
                     PH_OK);
    return y;
}

/* x [n,8,6,6] -> 1x1 to 4 -> Foo with weights -> 3x3 to 5 -> Relu; *y is what Foo makes */
static ph_graph *with_foreign(int64_t n, ph_value *y)
{
    ph_value x;
    ph_graph *g = graph_with(4, (const int64_t[]){n, 8, 6, 6}, &x);
    const ph_value r = binary(g, "Conv", "reduce", x, weights(g, "w1", 4, 8, 1));
    const ph_value in[] = {r, weights(g, "wf", 4, 4, 3), constant(g, "s", PH_FLOAT32, 0, NULL),
                           constant(g, "axes", PH_INT64, 1, (const int64_t[]){2})};
    *y = foreign(g, "foo", COUNT(in), in);
    const ph_value z = binary(g, "Conv", "wide", *y, weights(g, "w3", 5, 4, 3));
    assert_int_equal(ph_graph_add_output(g, unary(g, "Relu", "last", z), NULL), PH_OK);
    return g;
}

/* Nothing is said about what Foo makes: MACs and shapes behind it are unknown, parameters are not,
 * and what makes no MACs whatever its shape makes none. */
static void test_unknown(void **state)
{
    (void)state;
    ph_value y;
    ph_account *a = account_and_free(with_foreign(1, &y));
    const ph_layer_cost *foo = layer(a, "foo"), *wide = layer(a, "wide"), *last = layer(a, "last");
    const ph_totals *t = ph_account_totals(a);
    assert_null(layer(a, "reduce")->unknown);
    assert_int_equal(layer(a, "reduce")->macs, 36 * 32);
    assert_string_equal(foo->op, "com.acme.Foo");
    assert_non_null(strstr(foo->unknown, "com.acme.Foo is not supported"));
    assert_int_equal(foo->parameters, 4 * 4 * 9);
    assert_int_equal(foo->macs, PH_UNKNOWN);
    assert_int_equal(foo->activation_bytes, PH_UNKNOWN);
    assert_int_equal(foo->moved_bytes, PH_UNKNOWN);
    assert_false(foo->shape_known);
    assert_non_null(wide->unknown);
    assert_int_equal(wide->parameters, 5 * 4 * 9);
    assert_int_equal(wide->macs, PH_UNKNOWN);
    assert_int_equal(wide->kind, PH_KIND_CONV);
    assert_int_equal(last->macs, 0);
    assert_int_equal(last->activation_bytes, PH_UNKNOWN);
    assert_int_equal(t->parameters, 32 + 144 + 180);
    assert_int_equal(t->macs, 36 * 32);
    assert_int_equal(t->unknown_nodes, 3);
    assert_int_equal(t->unknown_macs, 2);
    assert_int_equal(t->unknown_activations, 3);
    ph_account_free(a);
}

/* The file declares what Foo makes: everything behind it is known again. */
static void test_declared(void **state)
{
    (void)state;
    ph_value y;
    ph_graph *g = with_foreign(1, &y);
    declare(g, y, 4, (const int64_t[]){1, 4, 6, 6}, NULL);
    ph_account *a = account_of(g, 0, NULL);
    assert_int_equal(layer(a, "foo")->macs, PH_UNKNOWN);
    assert_int_equal(layer(a, "foo")->activation_bytes, 4 * 4 * 36);
    assert_null(layer(a, "wide")->unknown);
    assert_int_equal(layer(a, "wide")->macs, 16 * 180);
    assert_int_equal(ph_account_totals(a)->unknown_nodes, 1);
    assert_int_equal(ph_account_totals(a)->unknown_macs, 1);
    ph_account_free(a);
    /* with a batch of two the declared batch of one is wrong: not believed */
    const ph_shape_hint two = {.rank = 4, .dims = {2, 8, 6, 6}};
    a = account_of(g, 1, &two);
    assert_int_equal(layer(a, "wide")->macs, PH_UNKNOWN);
    assert_int_equal(layer(a, "reduce")->macs, 2 * 36 * 32);
    ph_account_free(a);
    ph_graph_free(g);
}

/* An open batch is that of the inputs, by its name or, without one, by its place. */
static void test_declared_batch(void **state)
{
    (void)state;
    const ph_shape_hint three = {.rank = 4, .dims = {3, 8, 6, 6}};
    static const char *const symbols[] = {NULL, "N"};
    for (size_t i = 0; i < COUNT(symbols); i++) {
        ph_value y;
        ph_graph *g = with_foreign(-1, &y);
        declare(g, y, 4, (const int64_t[]){-1, 4, 6, 6}, symbols[i]);
        if (symbols[i]) {
            phi_value *x = &g->values[ph_graph_input(g, 0)];
            x->dim_names[0] = phi_strdup(&g->mem, symbols[i]);
        }
        ph_account *one = account_of(g, 0, NULL), *many = account_of(g, 1, &three);
        assert_int_equal(layer(one, "wide")->macs, 16 * 180);
        assert_int_equal(layer(many, "wide")->macs, 3 * 16 * 180);
        assert_int_equal(layer(many, "foo")->output_dims[0], 3);
        ph_account_free(one);
        ph_account_free(many);
        ph_graph_free(g);
    }
}

/* What the file says may be wrong: five channels do not fit to the weights behind. */
static void test_declared_wrongly(void **state)
{
    (void)state;
    ph_value y;
    ph_graph *g = with_foreign(1, &y);
    declare(g, y, 4, (const int64_t[]){1, 5, 6, 6}, NULL);
    ph_account *a = account_and_free(g);
    assert_non_null(strstr(layer(a, "wide")->unknown, "channels"));
    assert_int_equal(layer(a, "wide")->macs, PH_UNKNOWN);
    assert_int_equal(layer(a, "wide")->parameters, 180);
    ph_account_free(a);
    /* but in what is understood a contradiction is an error, as ever */
    ph_value x;
    ph_error err = {0};
    g = graph_with(4, (const int64_t[]){1, 8, 6, 6}, &x);
    const ph_value z = binary(g, "Conv", "bad", x, weights(g, "w", 4, 7, 1));
    assert_int_equal(ph_graph_add_output(g, foreign(g, "foo", 1, &z), NULL), PH_OK);
    a = NULL;
    assert_int_equal(ph_account_new(g, 0, NULL, &a, &err), PH_ERR_SHAPE);
    assert_null(a);
    ph_graph_free(g);
}

/* The saving of a reduction whose consumer's shape is unknown: parameters, no MACs. */
static void test_saving_unknown(void **state)
{
    (void)state;
    ph_value x;
    ph_graph *g = graph_with(4, (const int64_t[]){1, 8, 6, 6}, &x);
    ph_value y = foreign(g, "foo", 1, &x);
    y = binary(g, "Conv", "reduce", y, weights(g, "w1", 2, 8, 1));
    y = binary(g, "Conv", "wide", y, weights(g, "w3", 5, 2, 3));
    ph_account *a = account_of_output(g, y);
    assert_int_equal(layer(a, "reduce")->role, PH_ROLE_SHRINK);
    const ph_saving *s = saving(a, "reduce");
    assert_int_equal(s->parameters_with, 16 + 90);
    assert_int_equal(s->parameters_without, 360);
    assert_int_equal(s->macs_with, PH_UNKNOWN);
    assert_int_equal(s->macs_without, PH_UNKNOWN);
    ph_account_free(a);
}

/* All of it without memory, written in every form. */
static enum ph_status account_unknown(const ph_allocator *mem, void *arg)
{
    ph_graph *g = NULL;
    ph_account *a = NULL;
    ph_value x, w, y, z;
    ph_tensor *t = NULL;
    (void)arg;
    const ph_conv_desc reduce = {.k = 2, .name = "reduce"}, wide = {.k = 3, .r = 3};
    enum ph_status st = ph_graph_new(mem, "g", &g, NULL);
    if (!st)
        st = ph_graph_add_input(g, "x", PH_FLOAT32, 4, (const int64_t[]){1, 8, 5, 5}, &x, NULL);
    if (!st) st = ph_graph_set_metadata(g, "pinhole.title", "a title", NULL);
    if (!st) st = ph_graph_set_metadata(g, "pinhole.paper", "a paper", NULL);
    if (!st) st = ph_graph_set_metadata(g, "pinhole.published.macs", "1M somewhere", NULL);
    if (!st) st = ph_graph_set_metadata(g, "pinhole.published.parameters", "?", NULL);
    if (!st) st = ph_graph_set_metadata(g, "pinhole.note.1", "a note", NULL);
    if (!st) st = ph_graph_add_conv(g, x, 8, &reduce, 1, &y, NULL);
    if (!st) st = ph_graph_add_conv(g, y, 2, &wide, 1, &y, NULL);
    if (!st) st = ph_tensor_new(mem, PH_FLOAT32, 1, (const int64_t[]){3}, &t, NULL);
    if (!st) st = ph_graph_add_constant(g, "w", t, &w, NULL);
    ph_tensor_free(t);
    if (!st)
        st = ph_graph_add_node(g, "Foo", "foo", 2, (const ph_value[]){y, w}, 0, NULL, 1, NULL, &z,
                               NULL);
    if (!st) st = ph_graph_add_node(g, "Relu", NULL, 1, &z, 0, NULL, 1, NULL, &z, NULL);
    if (!st) st = ph_graph_add_output(g, z, NULL);
    if (!st) st = ph_account_new(g, 0, NULL, &a, NULL);
    if (!st) ph_account_set_peak(a, 1e9, 1e9);
    FILE *f = fopen("/dev/null", "w");
    assert_non_null(f);
    for (int format = PH_FORMAT_TEXT; format <= PH_FORMAT_ROOFLINE && !st; format++)
        st = ph_account_write(a, (enum ph_format)format, f, NULL);
    fclose(f);
    ph_account_free(a);
    ph_graph_free(g);
    return st;
}

/* --- Plan and peak ---------------------------------------------------------------------------- */

/* The account, planned, of a text. */
static ph_account *planned(const char *text)
{
    ph_error err = {0};
    ph_graph *g = parse(text);
    ph_account *a = account_of(g, 0, NULL);
    if (ph_account_plan(a, g, 0, NULL, &err)) fail_msg("%s", err.message);
    ph_graph_free(g);
    return a;
}

/* x 8x8x8 (2048 bytes) -> wide 16 channels (4096) -> Relu, fused -> narrow 2 (512): at `wide` the
 * input and its result are in memory, 6144 bytes; then 4608. */
static void test_plan(void **state)
{
    (void)state;
    ph_account *a =
        planned("input x 8x8x8\nwide: conv 3x3 16 pad 1\nr: relu\nnarrow: conv 1x1 2\n");
    const ph_totals *t = ph_account_totals(a);
    assert_false(layer(a, "wide")->fused);
    assert_true(layer(a, "r")->fused);
    assert_int_equal(layer(a, "wide")->live_bytes, 2048 + 4096);
    assert_int_equal(layer(a, "r")->live_bytes, 0);
    assert_int_equal(layer(a, "narrow")->live_bytes, 4096 + 512);
    assert_int_equal(t->peak_live_bytes, 6144);
    assert_true(t->arena_bytes >= t->peak_live_bytes);
    assert_string_equal(t->peak_layer, "wide");
    /* what is fused moves nothing */
    assert_int_equal(layer(a, "wide")->moved_bytes, 2048 + 4 * (16 * 8 * 9 + 16) + 4096);
    assert_int_equal(t->moved_bytes,
                     layer(a, "wide")->moved_bytes + layer(a, "narrow")->moved_bytes);
    ph_account_free(a);
}

/* A sum that a convolution does on the way out still reads its other operand; the sum itself, and a
 * concatenation into whose slices others write, move nothing. */
static void test_plan_moves(void **state)
{
    (void)state;
    ph_account *a = planned("input x 8x8x8\nb: conv 1x1 8 nobias\na: conv 1x1 8 nobias from x\n"
                            "s: add b\nr: relu\nc: conv 1x1 8 nobias\n");
    const int64_t image = 4 * 8 * 64, w = 4 * 64;
    const ph_layer_cost *s = layer(a, "s");
    const int64_t both = layer(a, "a")->moved_bytes + layer(a, "b")->moved_bytes + s->moved_bytes +
                         layer(a, "r")->moved_bytes;
    /* with a step of its own the sum reads two images and writes one */
    assert_int_equal(both, 2 * (2 * image + w) + (s->fused ? image : 3 * image) +
                               (layer(a, "r")->fused ? 0 : 2 * image));
    assert_int_equal(layer(a, "c")->moved_bytes, 2 * image + w);
    assert_int_equal(s->fused ? s->moved_bytes : 0, 0);
    ph_account_free(a);
}

/* The plan's own number is the account's. */
static void test_plan_arena(void **state)
{
    (void)state;
    static const char *const names[] = {"nin-cifar10", "resnet8", "inception-3a", "lenet5"};
    for (size_t i = 0; i < COUNT(names); i++) {
        ph_graph *g = NULL;
        ph_plan *p = NULL;
        assert_int_equal(ph_model_load(NULL, names[i], 1, &g, NULL), PH_OK);
        ph_account *a = account_of(g, 0, NULL);
        assert_int_equal(ph_account_totals(a)->arena_bytes, 0);
        assert_int_equal(ph_account_plan(a, g, 0, NULL, NULL), PH_OK);
        assert_int_equal(ph_plan_new(g, NULL, &p, NULL), PH_OK);
        const ph_totals *t = ph_account_totals(a);
        assert_int_equal(t->arena_bytes, ph_plan_arena_bytes(p));
        assert_true(t->peak_live_bytes > 0 && t->peak_live_bytes <= t->arena_bytes);
        int64_t most = 0;
        for (size_t k = 0; k < ph_account_n_layers(a); k++)
            if (ph_account_layer(a, k)->live_bytes > most)
                most = ph_account_layer(a, k)->live_bytes;
        assert_int_equal(most, t->peak_live_bytes);
        assert_int_equal(layer(a, t->peak_layer)->live_bytes, most);
        ph_plan_free(p);
        ph_account_free(a);
        ph_graph_free(g);
    }
}

/* A graph that cannot be run has no plan; the account stays. */
static void test_no_plan(void **state)
{
    (void)state;
    ph_value y;
    ph_graph *g = with_foreign(1, &y);
    ph_account *a = account_of(g, 0, NULL);
    assert_int_equal(ph_account_plan(a, g, 0, NULL, NULL), PH_ERR_UNSUPPORTED);
    assert_int_equal(ph_account_totals(a)->arena_bytes, 0);
    assert_false(layer(a, "wide")->fused);
    ph_account_free(a);
    ph_graph_free(g);
}

static enum ph_status plan_with(const ph_allocator *mem, void *arg)
{
    const char *text = arg;
    ph_graph *g = NULL;
    ph_account *a = NULL;
    enum ph_status st = ph_net_parse(mem, text, strlen(text), "t.net", 1, &g, NULL);
    if (!st) st = ph_account_new(g, 0, NULL, &a, NULL);
    if (!st) st = ph_account_plan(a, g, 0, NULL, NULL);
    ph_account_free(a);
    ph_graph_free(g);
    return st;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    char text[] = "input x 4x3x3\na: conv 1x1 2\nbn\nrelu\nb: conv 3x3 2\n";
    assert_in_range(sweep(account_unknown, NULL, 20000), 50, 20000);
    assert_in_range(sweep(plan_with, text, 20000), 50, 20000);
}

/* 2 MACs / peak, bytes / bandwidth, the larger; their sum without what is fused. */
static void test_bounds(void **state)
{
    (void)state;
    ph_account *a =
        planned("input x 8x8x8\nwide: conv 3x3 16 pad 1\nr: relu\nnarrow: conv 1x1 2\n");
    const ph_layer_cost *wide = layer(a, "wide"), *narrow = layer(a, "narrow"), *r = layer(a, "r");
    ph_account_set_peak(a, 1e9, 2e9);
    assert_true(wide->arithmetic_seconds == 2.0 * 64 * 16 * 72 / 1e9);
    assert_true(wide->memory_seconds == (double)wide->moved_bytes / 2e9);
    assert_true(wide->bound_seconds == wide->arithmetic_seconds);
    assert_true(narrow->bound_seconds == narrow->arithmetic_seconds);
    assert_true(r->bound_seconds == 0);
    assert_true(ph_account_totals(a)->bound_seconds == wide->bound_seconds + narrow->bound_seconds);
    ph_account_set_peak(a, 1e12, 2e9);
    assert_true(wide->bound_seconds == wide->memory_seconds);
    ph_account_set_peak(a, 0, 2e9);
    assert_true(wide->arithmetic_seconds == 0 && wide->bound_seconds == wide->memory_seconds);
    ph_account_set_peak(a, 1e9, 0);
    assert_true(wide->memory_seconds == 0 && wide->bound_seconds == wide->arithmetic_seconds);
    ph_account_set_peak(a, 0, 0);
    assert_true(wide->bound_seconds == 0 && ph_account_totals(a)->bound_seconds == 0);
    ph_account_free(a);
}

static enum ph_status measure_with(const ph_allocator *mem, void *arg)
{
    return ph_cpu_measure_peak(mem, 2, arg, NULL);
}

/* No machine that this runs on does fewer than a million FLOP/s or more than 10^15. */
static void test_measure(void **state)
{
    (void)state;
    ph_cpu_peak peak;
    assert_int_equal(ph_cpu_measure_peak(NULL, 1, &peak, NULL), PH_OK);
    assert_int_equal(peak.n_threads, 1);
    assert_string_equal(peak.isa, ph_cpu_isa());
    assert_true(peak.flop_per_second > 1e6 && peak.flop_per_second < 1e15);
    assert_true(peak.bytes_per_second > 1e6 && peak.bytes_per_second < 1e15);
    assert_true(peak.seconds > 0);
    assert_in_range(sweep(measure_with, &peak, 100), 2, 100);
    assert_int_equal(peak.n_threads, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unknown),        cmocka_unit_test(test_declared),
        cmocka_unit_test(test_declared_batch), cmocka_unit_test(test_declared_wrongly),
        cmocka_unit_test(test_saving_unknown), cmocka_unit_test(test_plan),
        cmocka_unit_test(test_plan_moves),     cmocka_unit_test(test_plan_arena),
        cmocka_unit_test(test_no_plan),        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_bounds),         cmocka_unit_test(test_measure),
    };
    return cmocka_run_group_tests_name("account_known", tests, NULL, NULL);
}
