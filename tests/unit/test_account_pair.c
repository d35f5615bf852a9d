/* SPDX-License-Identifier: MIT */
/* Two accounts side by side: which layer is which, sums by kind and size, all forms of writing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "account_make.h"
#include "report/pair.h"
#include "sweep.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* What ph_account_write_pair gives; free it. */
static char *written(const ph_account *a, const ph_account *b, enum ph_format format)
{
    char *text = NULL;
    size_t n = 0;
    ph_error err = {0};
    FILE *f = open_memstream(&text, &n);
    assert_non_null(f);
    if (ph_account_write_pair(a, b, format, f, &err)) fail_msg("%s", err.message);
    assert_int_equal(fclose(f), 0);
    return text;
}

static void has(const char *text, const char *what)
{
    if (!strstr(text, what)) fail_msg("'%s' is not in\n%s", what, text);
}

static void lacks(const char *text, const char *what)
{
    if (strstr(text, what)) fail_msg("'%s' is in\n%s", what, text);
}

/* "a=b a- -b": the alignment in short, names only. */
static void aligned(const ph_account *a, const ph_account *b, const char *wanted)
{
    phi_pair p;
    char text[2000] = "";
    assert_true(phi_pair_make(a, b, &p));
    for (size_t i = 0; i < p.n_matches; i++) {
        const phi_match *m = &p.matches[i];
        const size_t n = strlen(text);
        snprintf(text + n, sizeof text - n, "%s%s%s%s", i ? " " : "", m->a ? m->a->name : "",
                 m->a && m->b ? "=" : "-", m->b ? m->b->name : "");
    }
    phi_pair_free(&p);
    assert_string_equal(text, wanted);
}

static void both_free(ph_account *a, ph_account *b)
{
    ph_account_free(a);
    ph_account_free(b);
}

/* --- Which is which ------------------------------------------------------------------------- */

/* By name, whatever the sizes; what is only in one of them stands in its place. */
static void test_by_name(void **state)
{
    (void)state;
    ph_account *a = account_of_text("input x 3x8x8\nc1: conv 3x3 4\nr: conv 1x1 2\nc2: conv 3x3 6\n"
                                    "relu\nfc 5\n"),
               *b = account_of_text(
                   "input x 3x8x8\nc1: conv 3x3 9\nc2: conv 3x3 6\nrelu\nd: dropout\n"
                   "fc 5\n");
    aligned(a, b, "c1=c1 r- c2=c2 relu_1=relu_1 -d fc_1/flatten=fc_1/flatten fc_1=fc_1");
    aligned(b, a, "c1=c1 -r c2=c2 relu_1=relu_1 d- fc_1/flatten=fc_1/flatten fc_1=fc_1");
    aligned(a, a, "c1=c1 r=r c2=c2 relu_1=relu_1 fc_1/flatten=fc_1/flatten fc_1=fc_1");
    both_free(a, b);
}

/* Other names: by operator and shape, or weights; another kind of convolution is another layer,
 * even if shape and operator are the same, and a name of another operator is no match. */
static void test_by_structure(void **state)
{
    (void)state;
    ph_account *a =
                   account_of_text("input x 4x8x8\na1: conv 3x3 6 pad 1\na2: relu\na3: conv 1x1 4\n"
                                   "a4: conv 3x3 4 pad 1 groups 4\nsame: relu\n"),
               *b =
                   account_of_text("input x 4x8x8\nb1: conv 3x3 6 pad 1\nb2: relu\nb3: conv 1x1 4\n"
                                   "b4: conv 3x3 4 pad 1\nsame: sigmoid\n");
    aligned(a, b, "a1=b1 a2=b2 a3=b3 -b4 -same a4- same-");
    both_free(a, b);
    /* the same network on larger images: by weights */
    a = account_of_text("input x 4x8x8\na1: conv 3x3 6\n");
    b = account_of_text("input x 4x9x9\nb1: conv 3x3 6\nb2: conv 3x3 7\n");
    aligned(a, b, "a1=b1 -b2");
    both_free(a, b);
    /* nothing in common, and nothing at all */
    a = account_of_text("input x 4\nrelu\n");
    b = account_of_text("input x 4\nsigmoid\nfc 3\n");
    aligned(a, b, "-sigmoid_1 -fc_1 relu_1-");
    both_free(a, b);
}

/* Long equal ends take no table; a long middle is aligned as long as the table is small enough. */
static void test_long(void **state)
{
    (void)state;
    enum { N = 5000 };
    char *text = calloc(1, 64 + 16 * N);
    strcpy(text, "input x 1x4x4\nfirst: sigmoid\n");
    for (size_t i = 0; i < N; i++)
        strcat(text, "relu\n");
    ph_account *a = account_of_text(text);
    strcat(text, "last: sigmoid\n");
    ph_account *b = account_of_text(text);
    memcpy(strstr(text, "first"), "other", 5);
    ph_account *c = account_of_text(text);
    phi_pair p;
    assert_true(phi_pair_make(a, b, &p));
    assert_true(p.aligned);
    assert_int_equal(p.n_matches, N + 2);
    assert_null(p.matches[N + 1].a);
    phi_pair_free(&p);
    assert_true(phi_pair_make(a, c, &p)); /* neither end is the same: 5001 by 5002 layers */
    assert_false(p.aligned);
    assert_int_equal(p.n_matches, 2 * N + 3);
    phi_pair_free(&p);
    char *out = written(a, c, PH_FORMAT_TEXT);
    has(out, "cost the same"); /* nothing in them costs */
    free(out);
    ph_account_free(c);
    both_free(a, b);
    free(text);
}

/* --- Sums ------------------------------------------------------------------------------------- */

static void test_parts(void **state)
{
    (void)state;
    ph_account *a = account_of_text("input x 4x8x8\nconv 1x1 6\nconv 3x3 6 / 2 pad 1\nbn\nfc 5\n"),
               *b = account_of_text("input x 4x8x8\nconv 1x1 4 groups 2\ndepthwise 3x3 pad 1\n"
                                    "avgpool 8x8 / 8\nconv 1x1 5\n");
    phi_pair p;
    assert_true(phi_pair_make(a, b, &p));
    assert_int_equal(p.kinds[PH_KIND_1X1][0].parameters, 30);
    assert_int_equal(p.kinds[PH_KIND_1X1][0].macs, 64 * 24);
    assert_int_equal(p.kinds[PH_KIND_1X1][1].macs, 20);
    assert_int_equal(p.kinds[PH_KIND_CONV][0].macs, 16 * 9 * 36);
    assert_int_equal(p.kinds[PH_KIND_GROUPED][1].parameters, 8 + 4);
    assert_int_equal(p.kinds[PH_KIND_DEPTHWISE][1].macs, 64 * 36);
    assert_int_equal(p.kinds[PH_KIND_DENSE][0].parameters, 96 * 5 + 5);
    assert_int_equal(p.kinds[PH_KIND_OTHER][0].parameters, 12); /* the norm */
    assert_int_equal(p.n_sizes, 3);
    char buf[PHI_TYPE_TEXT];
    assert_string_equal(phi_size_text(&p, 0, buf), "8x8");
    assert_string_equal(phi_size_text(&p, 1, buf), "4x4");
    assert_string_equal(phi_size_text(&p, 2, buf), "vector");
    assert_int_equal(p.sizes[0].part[0].macs, 64 * 24);
    assert_int_equal(p.sizes[0].part[1].macs, 64 * 8 + 64 * 36);
    assert_int_equal(p.sizes[1].part[0].parameters, 324 + 6 + 12);
    assert_int_equal(p.sizes[1].part[1].layers, 0);
    assert_int_equal(p.sizes[2].part[0].macs, 480);
    assert_int_equal(p.sizes[2].part[1].macs, 20); /* an image of one pixel is a vector */
    phi_pair_free(&p);
    both_free(a, b);
}

/* More sizes than lines: the smallest are not lost. */
static void test_many_sizes(void **state)
{
    (void)state;
    char text[2000] = "input x 1x70x70\n";
    for (int i = 0; i < 30; i++)
        strcat(text, "conv 3x3 1\n");
    ph_account *a = account_of_text(text);
    phi_pair p;
    char buf[PHI_TYPE_TEXT];
    assert_true(phi_pair_make(a, a, &p));
    assert_int_equal(p.n_sizes, PHI_MAX_SIZES + 1);
    assert_string_equal(phi_size_text(&p, 0, buf), "68x68");
    assert_string_equal(phi_size_text(&p, PHI_MAX_SIZES, buf), "the rest");
    assert_int_equal(p.sizes[PHI_MAX_SIZES].part[0].layers, 6);
    phi_pair_free(&p);
    ph_account_free(a);
}

/* --- Written ---------------------------------------------------------------------------------- */

static size_t columns(const char *s, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += (s[i] & 0xc0) != 0x80;
    return count;
}

/* No line is longer than 100 characters or ends in a blank. */
static void check_lines(const char *text)
{
    for (const char *line = text; *line;) {
        const size_t n = strcspn(line, "\n");
        if (columns(line, n) > 100 || (n && line[n - 1] == ' '))
            fail_msg("%zu columns: '%.*s'", columns(line, n), (int)n, line);
        line += n + (line[n] != 0);
    }
}

/* The comparison in small: with and without reductions. */
static void test_text(void **state)
{
    (void)state;
    static const char *const wanted[] = {
        "A: inception-3a: x float32[1,192,28,28]\n",
        "parameters                                   163,696         387,296    2.37\n",
        "MACs                                     128,049,152     303,464,448    2.37\n",
        "parameters: A has 2.37 times fewer than B\n",
        "larger convolutions                123,552     374,944    3.03     96,739,328    "
        "293,830,656    3.04\n",
        "28x28                              163,696     387,296    2.37    128,049,152    "
        "303,464,448    2.37\n",
        "  (1 that costs the same)\n",
        "A inception_3a/3x3_reduce           18,528           -             14,450,688\n",
        "  inception_3a/5x5                  12,832     153,632    12.0     10,035,200    "
        "120,422,400    12.0\n"};
    ph_account *a = account_of_zoo("inception-3a"), *b = account_of_zoo("inception-3a-naive");
    char *text = written(a, b, PH_FORMAT_TEXT);
    for (size_t i = 0; i < COUNT(wanted); i++)
        has(text, wanted[i]);
    lacks(text, "classifier"); /* an image comes out */
    check_lines(text);
    free(text);
    text = written(a, a, PH_FORMAT_TEXT);
    has(text, "Layer by layer they cost the same.\n");
    has(text, "parameters: A has as many as B\n");
    check_lines(text);
    free(text);
    both_free(a, b);
}

/* Fewer with and without the last layers, worked out by hand: 1000 = 10 * 100 weights of the last
 * one each; A: 10 * 9 before, B: 100 * 9. */
static void test_classifiers(void **state)
{
    (void)state;
    ph_account *a =
                   account_of_text("input x 1x3x3\nc: conv 3x3 10 nobias\nrelu\nfc 100\nsoftmax\n"),
               *b = account_of_text("input x 1x3x3\nc: conv 3x3 100 nobias\nrelu\n"
                                    "last: conv 1x1 10 nobias\nflatten\n");
    assert_true(layer(a, "fc_1")->classifier);
    assert_false(layer(a, "c")->classifier);
    assert_true(layer(b, "last")->classifier);
    assert_int_equal(ph_account_totals(a)->classifier_parameters, 1100);
    assert_int_equal(ph_account_totals(a)->classifier_macs, 1000);
    assert_int_equal(ph_account_totals(b)->classifier_parameters, 1000);
    char *text = written(a, b, PH_FORMAT_TEXT);
    has(text, "parameters: A has 1.60 times fewer than B\n"); /* 1900 / 1190 */
    has(text, "21.11 times fewer without A's classifier, fc_1\n");
    has(text, "1.32 times as many without B's classifier, last\n");
    has(text, "10.00 times fewer without both\n");
    check_lines(text);
    free(text);
    both_free(a, b);
}

static const json_t *at(const json_t *doc, const char *path)
{
    char copy[200];
    snprintf(copy, sizeof copy, "%s", path);
    for (char *key = strtok(copy, "."); key; key = strtok(NULL, ".")) {
        doc =
            json_is_array(doc) ? json_array_get(doc, (size_t)atoi(key)) : json_object_get(doc, key);
        if (!doc) fail_msg("no '%s' of '%s'", key, path);
    }
    return doc;
}

static void test_json(void **state)
{
    (void)state;
    ph_account *a = account_of_zoo("inception-3a"), *b = account_of_zoo("inception-3a-naive");
    char *text = written(a, b, PH_FORMAT_JSON);
    json_t *doc = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(doc);
    assert_int_equal(json_integer_value(at(doc, "schema")), 1);
    assert_string_equal(json_string_value(at(doc, "a.model")), "inception-3a");
    assert_string_equal(json_string_value(at(doc, "b.model")), "inception-3a-naive");
    assert_int_equal(json_integer_value(at(doc, "a.totals.parameters")), 163696);
    assert_int_equal(json_integer_value(at(doc, "b.totals.macs")), 303464448);
    assert_true(json_real_value(at(doc, "ratios_b_to_a.parameters")) == 387296.0 / 163696.0);
    assert_true(json_real_value(at(doc, "ratios_b_to_a.macs")) == 303464448.0 / 128049152.0);
    assert_true(json_is_null(at(doc, "ratios_b_to_a.bound_seconds")));
    assert_string_equal(json_string_value(at(doc, "kinds.2.kind")), "conv");
    assert_int_equal(json_integer_value(at(doc, "kinds.2.b.parameters")), 374944);
    assert_string_equal(json_string_value(at(doc, "sizes.0.output")), "28x28");
    assert_int_equal(json_integer_value(at(doc, "sizes.0.a.macs")), 128049152);
    /* every layer of both, once */
    size_t n[2] = {0};
    const json_t *layers = at(doc, "layers");
    for (size_t i = 0; i < json_array_size(layers); i++) {
        const json_t *m = json_array_get(layers, i);
        n[0] += json_is_object(json_object_get(m, "a"));
        n[1] += json_is_object(json_object_get(m, "b"));
    }
    assert_int_equal(n[0], ph_account_n_layers(a));
    assert_int_equal(n[1], ph_account_n_layers(b));
    json_decref(doc);
    free(text);
    both_free(a, b);
}

static void test_csv(void **state)
{
    (void)state;
    ph_account *a = account_of_text("input x 8x6x6\nr: conv 1x1 2\nc: conv 3x3 3\n"),
               *b = account_of_text("input x 8x6x6\nc: conv 3x3 3\nrelu\n");
    char *text = written(a, b, PH_FORMAT_CSV);
    assert_string_equal(
        text, "in,name_a,op_a,output_shape_a,parameters_a,macs_a,activation_bytes_a,role_a,"
              "name_b,op_b,output_shape_b,parameters_b,macs_b,activation_bytes_b,role_b\r\n"
              "a,r,Conv,1x2x6x6,18,576,288,shrink,,,,,,,\r\n"
              "both,c,Conv,1x3x4x4,57,864,192,,c,Conv,1x3x4x4,219,3456,192,\r\n"
              "b,,,,,,,,relu_1,Relu,1x3x4x4,0,0,192,\r\n");
    free(text);
    both_free(a, b);
}

/* --- Failures --------------------------------------------------------------------------------- */

static enum ph_status account_with(const ph_allocator *mem, int64_t k, ph_account **a)
{
    ph_graph *g = NULL;
    ph_value x, y;
    const ph_conv_desc c = {.k = k, .name = "a,\xff"}, d = {.k = 3, .r = 3};
    enum ph_status st = ph_graph_new(mem, "g\xfe", &g, NULL);
    if (!st)
        st = ph_graph_add_input(g, "x", PH_FLOAT32, 4, (const int64_t[]){1, 8, 5, 5}, &x, NULL);
    if (!st) st = ph_graph_set_metadata(g, "pinhole.published.parameters", "1K \xff", NULL);
    if (!st) st = ph_graph_set_metadata(g, "pinhole.note.1", "a note \xff", NULL);
    if (!st) st = ph_graph_add_conv(g, x, 8, &c, 1, &y, NULL);
    if (!st && k == 2)
        st = ph_graph_add_node(g, "Relu", "r\xfe", 1, &y, 0, NULL, 1, NULL, &y, NULL);
    if (!st) st = ph_graph_add_conv(g, y, k, &d, 1, &y, NULL);
    if (!st) st = ph_graph_add_output(g, y, NULL);
    if (!st) st = ph_account_new(g, 0, NULL, a, NULL);
    ph_graph_free(g);
    return st;
}

static enum ph_status pair_with(const ph_allocator *mem, void *arg)
{
    ph_account *a = NULL, *b = NULL;
    enum ph_status st = account_with(mem, 2, &a);
    if (!st) st = account_with(mem, 4, &b);
    FILE *f = fopen("/dev/null", "w");
    assert_non_null(f);
    for (int format = PH_FORMAT_TEXT; format <= PH_FORMAT_CSV && !st; format++)
        st = ph_account_write_pair(a, b, (enum ph_format)format, f, arg);
    fclose(f);
    both_free(a, b);
    return st;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    assert_in_range(sweep(pair_with, NULL, 20000), 50, 20000);
}

static struct {
    size_t calls, fail_at, alive;
} json_memory;

static void *json_alloc(size_t n)
{
    void *ptr = ++json_memory.calls == json_memory.fail_at ? NULL : malloc(n);
    json_memory.alive += ptr != NULL;
    return ptr;
}

static void json_release(void *ptr)
{
    json_memory.alive -= ptr != NULL;
    free(ptr);
}

/* The same for the memory that jansson takes. */
static void test_json_out_of_memory(void **state)
{
    (void)state;
    ph_account *a = NULL, *b = NULL;
    assert_int_equal(account_with(NULL, 2, &a), PH_OK);
    assert_int_equal(account_with(NULL, 4, &b), PH_OK);
    size_t n = 0, failures = 0;
    bool good = true, more;
    FILE *f = fopen("/dev/null", "w");
    assert_non_null(f);
    json_set_alloc_funcs(json_alloc, json_release);
    do {
        json_memory.calls = json_memory.alive = 0;
        json_memory.fail_at = ++n;
        const enum ph_status st = ph_account_write_pair(a, b, PH_FORMAT_JSON, f, NULL);
        more = st != PH_OK || json_memory.calls >= n;
        good = json_memory.alive == 0 && (st == PH_OK || st == PH_ERR_NOMEM);
        failures += st == PH_ERR_NOMEM;
    } while (good && more && n < 10000);
    json_set_alloc_funcs(malloc, free);
    fclose(f);
    if (!good) fail_msg("when allocation %zu failed", n);
    assert_in_range(failures, 100, n);
    both_free(a, b);
}

static void test_write_errors(void **state)
{
    (void)state;
    ph_account *a = account_of_text("input x 4\nrelu\n");
    FILE *full = fopen("/dev/full", "w");
    for (int format = PH_FORMAT_TEXT; full && format <= PH_FORMAT_CSV; format++)
        assert_int_equal(ph_account_write_pair(a, a, (enum ph_format)format, full, NULL),
                         PH_ERR_IO);
    if (full) fclose(full);
    assert_int_equal(ph_account_write_pair(a, a, PH_FORMAT_ROOFLINE, stdout, NULL), PH_ERR_ARG);
    assert_int_equal(ph_account_write_pair(a, a, (enum ph_format)9, stdout, NULL), PH_ERR_ARG);
    ph_account_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_name),
        cmocka_unit_test(test_by_structure),
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_many_sizes),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_classifiers),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_json_out_of_memory),
        cmocka_unit_test(test_write_errors),
    };
    return cmocka_run_group_tests_name("account_pair", tests, NULL, NULL);
}
