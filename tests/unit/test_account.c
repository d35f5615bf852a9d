/* SPDX-License-Identifier: MIT */
/*
 * The account against numbers worked out by hand from the papers' tables.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "pinhole/pinhole.h"

static ph_account *account_of(const char *model)
{
    ph_error err = { 0 };
    ph_graph *g;
    ph_account *a;
    if (ph_model_load(NULL, model, 1, &g, &err)) fail_msg("%s", err.message);
    if (ph_account_new(g, 0, NULL, &a, &err)) fail_msg("%s", err.message);
    ph_graph_free(g); /* the account outlives it */
    return a;
}

/* NIN for CIFAR-10: 5x5x3x192 + 192, 192x160 + 160, ... as in the authors' model. */
static void test_nin_cifar10(void **state)
{
    (void)state;
    const int64_t p = (75 * 192 + 192) + (192 * 160 + 160) + (160 * 96 + 96) + (25 * 96 * 192 + 192) +
                      3 * (192 * 192 + 192) + (9 * 192 * 192 + 192) + (192 * 10 + 10);
    const int64_t m = 1024 * (75 * 192 + 192 * 160 + 160 * 96) +
                      256 * (25 * 96 * 192 + 2 * 192 * 192) +
                      64 * (9 * 192 * 192 + 192 * 192 + 192 * 10);
    ph_account *a = account_of("nin-cifar10");
    assert_int_equal(p, 966986);
    assert_int_equal(ph_account_totals(a)->parameters, p);
    assert_int_equal(ph_account_totals(a)->macs, m);
    assert_int_equal(ph_account_totals(a)->parameter_bytes, 4 * p);
    ph_account_free(a);
}

/* Batch norm counts scale and shift, not its running statistics. */
static void test_batch_norm(void **state)
{
    (void)state;
    const int64_t widths[] = { 64, 64, 48, 96, 96, 96, 160, 128 };
    int64_t p = 25 * 64 + 64 * 64 + 64 * 48 + 9 * 48 * 96 + 2 * 96 * 96 + 9 * 96 * 160 + 160 * 128 +
                128 * 10 + 10;
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) p += 2 * widths[i];
    ph_account *a = account_of("nin-fashion");
    assert_int_equal(ph_account_totals(a)->parameters, p);
    ph_account_free(a);
}

/* Inception 3a (Szegedy 2014, table 1): both reductions, biases on both sides. */
static void test_inception_savings(void **state)
{
    (void)state;
    ph_account *a = account_of("inception-3a");
    assert_int_equal(ph_account_n_savings(a), 2);
    const ph_saving *three = ph_account_saving(a, 0), *five = ph_account_saving(a, 1);
    assert_string_equal(three->reduction, "inception_3a/3x3_reduce");
    assert_string_equal(three->consumer, "inception_3a/3x3");
    assert_int_equal(three->c_in, 192);
    assert_int_equal(three->c_reduced, 96);
    assert_int_equal(three->parameters_with, 192 * 96 + 96 + 9 * 96 * 128 + 128);
    assert_int_equal(three->parameters_without, 9 * 192 * 128 + 128);
    assert_int_equal(three->macs_with, 784 * (192 * 96 + 9 * 96 * 128));
    assert_int_equal(three->macs_without, 784 * 9 * 192 * 128);
    assert_int_equal(five->parameters_with, 192 * 16 + 16 + 25 * 16 * 32 + 32);
    assert_int_equal(five->parameters_without, 25 * 192 * 32 + 32);
    /* the module's weights: 157,184 with, 387,072 without (plus 64 biases of the plain 1x1) */
    assert_int_equal(192 * 64 + three->parameters_with + five->parameters_with - 96 - 128 - 16 - 32,
                     157184);
    assert_int_equal(192 * 64 + three->parameters_without + five->parameters_without - 128 - 32,
                     387072);
    ph_account_free(a);
}

static void test_bottleneck(void **state)
{
    (void)state;
    ph_account *a = account_of("bottleneck-block"), *b = account_of("basic-block");
    assert_int_equal(ph_account_totals(a)->parameters, 69632);
    assert_int_equal(ph_account_totals(b)->parameters, 1179648);
    const enum ph_role wanted[] = { PH_ROLE_SHRINK, PH_ROLE_NONE, PH_ROLE_GROW };
    size_t n = 0;
    for (size_t i = 0; i < ph_account_n_layers(a); i++) {
        const ph_layer_cost *l = ph_account_layer(a, i);
        if (strcmp(l->op, "Conv") == 0) assert_int_equal(l->role, wanted[n++]);
    }
    assert_int_equal(n, 3);
    ph_account_free(a);
    ph_account_free(b);
}

static char *written(const ph_account *a, enum ph_format format)
{
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    assert_non_null(f);
    assert_int_equal(ph_account_write(a, format, f, NULL), PH_OK);
    fclose(f);
    return text;
}

static void test_json(void **state)
{
    (void)state;
    ph_account *a = account_of("inception-3a");
    char *text = written(a, PH_FORMAT_JSON);
    json_t *doc = json_loads(text, 0, NULL);
    assert_non_null(doc);
    assert_int_equal(json_integer_value(json_object_get(doc, "schema")), 1);
    const json_t *totals = json_object_get(doc, "totals"), *layers = json_object_get(doc, "layers");
    assert_int_equal(json_integer_value(json_object_get(totals, "parameters")),
                     ph_account_totals(a)->parameters);
    int64_t macs = 0;
    for (size_t i = 0; i < json_array_size(layers); i++)
        macs += json_integer_value(json_object_get(json_array_get(layers, i), "macs"));
    assert_int_equal(macs, json_integer_value(json_object_get(totals, "macs")));
    assert_string_equal(json_string_value(json_object_get(json_array_get(layers, 0), "role")),
                        "shrink");
    assert_int_equal(json_array_size(json_object_get(doc, "savings")), 2);
    json_decref(doc);
    free(text);
    ph_account_free(a);
}

/* A name with a comma, a quote and a control character. */
static void test_hostile_name(void **state)
{
    (void)state;
    ph_graph *g;
    ph_account *a;
    ph_value x, y;
    const int64_t dims[2] = { -1, 3 };
    assert_int_equal(ph_graph_new(NULL, "g\x1b[2J\xff", &g, NULL), PH_OK);
    assert_int_equal(ph_graph_add_input(g, "x", PH_FLOAT32, 2, dims, &x, NULL), PH_OK);
    assert_int_equal(ph_graph_add_node(g, "Relu", "a,\"b\xff", 1, &x, 0, NULL, 1, NULL, &y, NULL), PH_OK);
    assert_int_equal(ph_graph_add_output(g, y, NULL), PH_OK);
    assert_int_equal(ph_account_new(g, 0, NULL, &a, NULL), PH_OK);
    char *csv = written(a, PH_FORMAT_CSV), *json = written(a, PH_FORMAT_JSON);
    char *text = written(a, PH_FORMAT_TEXT);
    assert_non_null(strstr(csv, "\"a,\"\"b"));
    json_t *doc = json_loads(json, 0, NULL);
    assert_non_null(doc);
    assert_null(strchr(text, '\x1b'));
    json_decref(doc);
    free(csv);
    free(json);
    free(text);
    ph_account_free(a);
    ph_graph_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nin_cifar10),  cmocka_unit_test(test_batch_norm),
        cmocka_unit_test(test_inception_savings), cmocka_unit_test(test_bottleneck),
        cmocka_unit_test(test_json),         cmocka_unit_test(test_hostile_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
