/* SPDX-License-Identifier: MIT */
/* Surveys list every reason; values of inputs that shapes depend on are found and bound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pinhole/pinhole.h"
#include "sweep.h"

static void ok(enum ph_status st, const ph_error *err)
{
    if (st) fail_msg("%s: %s", ph_status_name(st), err->message);
}

/* --- Graphs ---------------------------------------------------------------------------------- */

static ph_graph *new_graph(void)
{
    ph_graph *g = NULL;
    ph_error err = {0};
    ok(ph_graph_new(NULL, "g", &g, &err), &err);
    return g;
}

static ph_value input(ph_graph *g, const char *name, enum ph_dtype dtype, size_t rank,
                      const int64_t *dims)
{
    ph_value v = PH_NONE;
    ph_error err = {0};
    ok(ph_graph_add_input(g, name, dtype, rank, dims, &v, &err), &err);
    return v;
}

static ph_value node_of(ph_graph *g, const char *op, const char *name, size_t n_in,
                        const ph_value *in, size_t n_attrs, const ph_attr *attrs)
{
    ph_value v = PH_NONE;
    ph_error err = {0};
    ok(ph_graph_add_node(g, op, name, n_in, in, n_attrs, attrs, 1, NULL, &v, &err), &err);
    return v;
}

static ph_value node(ph_graph *g, const char *op, const char *name, ph_value a, ph_value b)
{
    const ph_value in[2] = {a, b};
    return node_of(g, op, name, b == PH_NONE ? 1 : 2, in, 0, NULL);
}

static ph_value conv(ph_graph *g, const char *name, ph_value x, int64_t c)
{
    const ph_conv_desc d = {.k = 4, .r = 3, .name = name};
    ph_value v = PH_NONE;
    ph_error err = {0};
    ok(ph_graph_add_conv(g, x, c, &d, 1, &v, &err), &err);
    return v;
}

static void output(ph_graph *g, ph_value v)
{
    ph_error err = {0};
    ok(ph_graph_add_output(g, v, &err), &err);
}

static ph_tensor *ints(size_t n, const int64_t *at)
{
    const int64_t dims[1] = {(int64_t)n};
    ph_tensor *t = NULL;
    ph_error err = {0};
    ok(ph_tensor_new(NULL, PH_INT64, 1, dims, &t, &err), &err);
    if (n) memcpy(ph_tensor_data(t), at, n * sizeof *at);
    return t;
}

static ph_survey *survey(const ph_graph *g, const ph_plan_desc *desc)
{
    ph_survey *s = NULL;
    ph_error err = {0};
    ok(ph_survey_new(g, desc, &s, &err), &err);
    return s;
}

/* Exactly these findings, in this order: kind, node ("": none), part of the message; NULL ends. */
static void findings(const ph_survey *s, const char *const (*wanted)[3])
{
    size_t n = 0;
    for (; wanted[n][0]; n++) {
        if (n >= ph_survey_n_findings(s)) fail_msg("no finding about %s", wanted[n][2]);
        const ph_finding *f = ph_survey_finding(s, n);
        assert_string_equal(f->kind, wanted[n][0]);
        assert_string_equal(f->node ? f->node : "", wanted[n][1]);
        if (!strstr(f->message, wanted[n][2]))
            fail_msg("'%s' does not say '%s'", f->message, wanted[n][2]);
        assert_int_equal(f->status == PH_OK, strcmp(f->kind, "note") == 0);
    }
    if (n < ph_survey_n_findings(s))
        fail_msg("more than wanted: %s", ph_survey_finding(s, n)->message);
}

/* --- Surveys --------------------------------------------------------------------------------- */

static void test_nothing_wrong(void **state)
{
    (void)state;
    const int64_t dims[4] = {1, 3, 8, 8};
    ph_graph *g = new_graph();
    output(g, node(g, "Relu", "relu", conv(g, "conv", input(g, "x", PH_FLOAT32, 4, dims), 3),
                   PH_NONE));
    ph_survey *s = survey(g, NULL);
    findings(s, (const char *const[][3]){{NULL}});
    assert_int_equal(ph_survey_status(s), PH_OK);
    ph_survey_free(s);
    ph_graph_free(g);
}

static void test_every_reason(void **state)
{
    (void)state;
    const int64_t dims[4] = {1, 3, 8, 8};
    const ph_attr odd[2] = {{.name = "speed", .kind = PH_ATTR_INT, .i = 1},
                            {.name = "depth", .kind = PH_ATTR_INT, .i = 1}};
    ph_graph *g = new_graph();
    ph_value x = input(g, "x", PH_FLOAT32, 4, dims);
    ph_value frob = node(g, "Frob", "frob", x, PH_NONE);
    ph_value behind = node(g, "Relu", "behind", frob, PH_NONE);
    ph_value relu = node_of(g, "Relu", "odd", 1, &x, 2, odd);
    ph_value five = conv(g, "five", relu, 5); /* wants 5 channels of 3 */
    output(g, behind);
    output(g, node(g, "Blub", "blub", five, PH_NONE));
    ph_survey *s = survey(g, NULL);
    findings(s, (const char *const[][3]){
                    {"operator", "frob", "Frob 'frob': operator Frob is not supported"},
                    {"attribute", "odd", "attribute 'speed' of Relu in opset 17"},
                    {"attribute", "odd", "attribute 'depth' of Relu in opset 17"},
                    {"shape", "five", "Conv 'five': "},
                    {"operator", "blub", "operator Blub"},
                    {"note", "", "1 of 5 nodes could not be looked at"},
                    {NULL},
                });
    assert_int_equal(ph_survey_status(s), PH_ERR_SHAPE); /* malformed, whatever else there is */
    ph_survey_free(s);
    ph_graph_free(g);
}

static void test_unsupported_status(void **state)
{
    (void)state;
    const int64_t dims[4] = {1, 3, 8, 8};
    ph_graph *g = new_graph();
    output(g, node(g, "Frob", "frob", input(g, "x", PH_FLOAT32, 4, dims), PH_NONE));
    ph_survey *s = survey(g, NULL);
    findings(s, (const char *const[][3]){{"operator", "frob", "operator Frob"}, {NULL}});
    assert_int_equal(ph_survey_status(s), PH_ERR_UNSUPPORTED);
    ph_survey_free(s);
    ph_graph_free(g);
}

static void test_open_sizes(void **state)
{
    (void)state;
    const int64_t open[4] = {-1, 3, -1, -1};
    ph_graph *g = new_graph();
    ph_value y = conv(g, "conv", input(g, "x", PH_FLOAT32, 4, open), 3);
    output(g, y);
    ph_survey *s = survey(g, NULL);
    findings(s, (const char *const[][3]){{"note", "", "looked at as [1,3,224,224]"}, {NULL}});
    assert_int_equal(ph_survey_status(s), PH_OK);
    ph_survey_free(s);

    /* a Reshape that holds for 8x8 only: 1 by 4 channels by 6x6 */
    const int64_t flat[2] = {1, 144};
    ph_tensor *t = ints(2, flat);
    ph_value shape = PH_NONE;
    ph_error err = {0};
    ok(ph_graph_add_constant(g, "shape", t, &shape, &err), &err);
    output(g, node(g, "Reshape", "flat", y, shape));
    s = survey(g, NULL);
    findings(s, (const char *const[][3]){
                    {"note", "", "looked at as"}, {"shape", "flat", "144"}, {NULL}});
    assert_int_equal(ph_survey_status(s), PH_ERR_SHAPE);
    ph_survey_free(s);
    const ph_shape_hint hint = {.rank = 4, .dims = {1, 3, 8, 8}};
    s = survey(g, &(ph_plan_desc){.n_hints = 1, .hints = &hint});
    findings(s, (const char *const[][3]){{NULL}});
    ph_survey_free(s);
    const ph_shape_hint wrong = {.name = "nobody", .rank = 4, .dims = {1, 3, 8, 8}};
    s = survey(g, &(ph_plan_desc){.n_hints = 1, .hints = &wrong});
    findings(
        s, (const char *const[][3]){{"note", "", "looked at as"}, {"input", "", "nobody"}, {NULL}});
    ph_survey_free(s);
    ph_tensor_free(t);
    ph_graph_free(g);
}

/* --- Values that shapes depend on ------------------------------------------------------------ */

/* y = Reshape(Relu(x), shape + more), z = x */
static ph_graph *reshaper(void)
{
    const int64_t dims[2] = {2, 6}, two[1] = {2};
    ph_graph *g = new_graph();
    ph_value x = input(g, "x", PH_FLOAT32, 2, dims);
    ph_value shape = input(g, "shape", PH_INT64, 1, two), more = input(g, "more", PH_INT64, 1, two);
    input(g, "idle", PH_INT64, 1, two);
    ph_value sum = node(g, "Identity", "same", shape, PH_NONE);
    const ph_value both[2] = {sum, more};
    const ph_attr axis = {.name = "axis", .kind = PH_ATTR_INT, .i = 0};
    ph_value joined = node_of(g, "Concat", "join", 2, both, 1, &axis);
    output(g, node(g, "Reshape", "y", node(g, "Relu", "relu", x, PH_NONE), joined));
    return g;
}

static void test_survey_of_values(void **state)
{
    (void)state;
    ph_graph *g = reshaper();
    ph_survey *s = survey(g, NULL);
    findings(s, (const char *const[][3]){{"note", "", "the value of input 'shape'"},
                                         {"note", "", "the value of input 'more'"},
                                         {NULL}});
    assert_int_equal(ph_survey_status(s), PH_OK);
    ph_survey_free(s);
    ph_error err = {0};
    ok(ph_graph_check(g, &err), &err);
    ph_plan *p = NULL;
    assert_int_equal(ph_plan_new(g, NULL, &p, &err), PH_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "must be known before running"));
    ph_graph_free(g);
}

/* A shape that depends on an image goes beyond what can be known. */
static void test_survey_of_data(void **state)
{
    (void)state;
    const int64_t dims[4] = {1, 3, 8, 8};
    ph_graph *g = new_graph();
    ph_value x = input(g, "x", PH_FLOAT32, 4, dims);
    output(g, node(g, "Reshape", "y", x, node(g, "Relu", "r", conv(g, "conv", x, 3), PH_NONE)));
    ph_survey *s = survey(g, NULL);
    findings(s, (const char *const[][3]){{"value", "y", "must be known before running"}, {NULL}});
    assert_int_equal(ph_survey_status(s), PH_ERR_UNSUPPORTED);
    ph_survey_free(s);
    ph_graph_free(g);
}

static void test_known_values(void **state)
{
    (void)state;
    const int64_t first[2] = {3, 2}, second[2] = {2, 1}, x_dims[2] = {2, 6};
    ph_graph *g = reshaper();
    ph_tensor *shape = ints(2, first), *more = ints(2, second), *x = NULL;
    ph_error err = {0};
    ok(ph_tensor_new(NULL, PH_FLOAT32, 2, x_dims, &x, &err), &err);
    ph_known_value values[4] = {{"x", x}, {"shape", shape}, {"more", more}, {"idle", more}};
    bool wanted[4] = {true, false, false, true};
    ok(ph_graph_wanted_values(g, &(ph_plan_desc){.n_values = 4, .values = values}, wanted, &err),
       &err);
    assert_false(wanted[0]);
    assert_true(wanted[1]);
    assert_true(wanted[2]);
    assert_false(wanted[3]);
    /* what nobody offers is not asked for */
    ok(ph_graph_wanted_values(g, &(ph_plan_desc){.n_values = 2, .values = values}, wanted, &err),
       &err);
    assert_true(wanted[1] && !wanted[2]);

    ph_plan *p = NULL;
    ok(ph_plan_new(g, &(ph_plan_desc){.n_values = 2, .values = values + 1}, &p, &err), &err);
    assert_int_equal(ph_plan_n_inputs(p), 2);
    assert_string_equal(ph_plan_input(p, 0)->name, "x");
    assert_string_equal(ph_plan_input(p, 1)->name, "idle");
    const ph_port *y = ph_plan_output(p, 0);
    assert_int_equal(y->rank, 4);
    assert_true(y->dims[0] == 3 && y->dims[1] == 2 && y->dims[2] == 2 && y->dims[3] == 1);
    ((int64_t *)ph_tensor_data(shape))[0] = 77; /* values were copied */
    ph_run *r = NULL;
    const float in[12] = {1, -2, 3, -4, 5, -6, 7, -8, 9, -10, 11, -12};
    float out[12];
    ok(ph_run_new(p, 1, &r, &err), &err);
    ok(ph_run_once(r, (const void *const[]){in, second}, (void *const[]){out}, &err), &err);
    for (int i = 0; i < 12; i++)
        assert_true(out[i] == (in[i] > 0 ? in[i] : 0));
    ph_run_free(r);
    ph_plan_free(p);

    /* values that do not fit */
    const ph_known_value wrong[3] = {{"shape", x}, {"nobody", more}, {NULL, more}};
    assert_int_equal(ph_plan_new(g, &(ph_plan_desc){.n_values = 1, .values = &wrong[0]}, &p, &err),
                     PH_ERR_TYPE);
    assert_int_equal(ph_plan_new(g, &(ph_plan_desc){.n_values = 1, .values = &wrong[1]}, &p, &err),
                     PH_ERR_NOT_FOUND);
    assert_int_equal(ph_plan_new(g, &(ph_plan_desc){.n_values = 1, .values = &wrong[2]}, &p, &err),
                     PH_ERR_ARG);
    ph_tensor_free(x);
    ph_tensor_free(shape);
    ph_tensor_free(more);
    ph_graph_free(g);
}

/* --- Memory ---------------------------------------------------------------------------------- */

static enum ph_status all_of_it(const ph_allocator *mem, void *arg)
{
    const int64_t dims[4] = {-1, 3, -1, -1}, two[1] = {2};
    const ph_known_value value = {"shape", arg};
    const ph_plan_desc desc = {.n_values = 1, .values = &value};
    ph_graph *g = NULL;
    ph_survey *s = NULL;
    ph_value x, shape, y;
    bool wanted[2];
    ph_error err = {0};
    enum ph_status st = ph_graph_new(mem, "g", &g, &err);
    if (!st) st = ph_graph_add_input(g, "x", PH_FLOAT32, 4, dims, &x, &err);
    if (!st) st = ph_graph_add_input(g, "shape", PH_INT64, 1, two, &shape, &err);
    const ph_value in[2] = {st ? PH_NONE : x, st ? PH_NONE : shape};
    if (!st) st = ph_graph_add_node(g, "Reshape", "r", 2, in, 0, NULL, 1, NULL, &y, &err);
    if (!st) st = ph_graph_add_output(g, y, &err);
    if (!st) st = ph_graph_add_node(g, "Frob", "f", 1, in, 0, NULL, 1, NULL, &y, &err);
    if (!st) st = ph_survey_new(g, NULL, &s, &err);
    ph_survey_free(s);
    if (!st) st = ph_graph_wanted_values(g, &desc, wanted, &err);
    ph_graph_free(g);
    return st;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    const int64_t flat[2] = {1, -1};
    ph_tensor *t = ints(2, flat);
    sweep(all_of_it, t, 1000);
    ph_tensor_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_wrong),      cmocka_unit_test(test_every_reason),
        cmocka_unit_test(test_unsupported_status), cmocka_unit_test(test_open_sizes),
        cmocka_unit_test(test_survey_of_values),   cmocka_unit_test(test_survey_of_data),
        cmocka_unit_test(test_known_values),       cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
