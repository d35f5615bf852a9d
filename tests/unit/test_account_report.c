/* SPDX-License-Identifier: MIT */
/* The account written down: table, JSON, CSV; and running out of memory on the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "account_make.h"
#include "sweep.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* --- Out of memory ------------------------------------------------------------------------ */

/* A reduction and its consumer, one of them with a name that is no UTF-8. */
static enum ph_status build_named(const ph_allocator *mem, ph_graph **g)
{
    ph_value x, y;
    const ph_conv_desc reduce = {.k = 2, .name = "a,\xff"}, wide = {.k = 3, .r = 3};
    enum ph_status st = ph_graph_new(mem, "g\xfe", g, NULL);
    if (!st)
        st = ph_graph_add_input(*g, "x", PH_FLOAT32, 4, (const int64_t[]){1, 8, 5, 5}, &x, NULL);
    if (!st) st = ph_graph_add_conv(*g, x, 8, &reduce, 1, &y, NULL);
    if (!st) st = ph_graph_add_node(*g, "Relu", NULL, 1, &y, 0, NULL, 1, NULL, &y, NULL);
    if (!st) st = ph_graph_add_conv(*g, y, 2, &wide, 1, &y, NULL);
    return st ? st : ph_graph_add_output(*g, y, NULL);
}

static enum ph_status account_with(const ph_allocator *mem, void *arg)
{
    ph_graph *g = NULL;
    ph_account *a = NULL;
    enum ph_status st = build_named(mem, &g);
    if (!st) st = ph_account_new(g, 0, NULL, &a, NULL);
    FILE *f = fopen("/dev/null", "w");
    assert_non_null(f);
    for (int format = PH_FORMAT_TEXT; format <= PH_FORMAT_CSV && !st; format++)
        st = ph_account_write(a, (enum ph_format)format, f, arg);
    fclose(f);
    ph_account_free(a);
    ph_graph_free(g);
    return st;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    assert_in_range(sweep(account_with, NULL, 20000), 50, 20000);
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

/* The same for the memory that jansson takes: no half a document passes for a whole one. */
static void test_json_out_of_memory(void **state)
{
    (void)state;
    ph_graph *g = NULL;
    assert_int_equal(build_named(NULL, &g), PH_OK);
    ph_account *a = account_and_free(g);
    size_t n = 0, failures = 0;
    bool good = true, more;
    json_set_alloc_funcs(json_alloc, json_release);
    do {
        char *text = NULL;
        size_t bytes = 0;
        FILE *f = open_memstream(&text, &bytes);
        json_memory.calls = json_memory.alive = 0;
        json_memory.fail_at = ++n;
        const enum ph_status st = ph_account_write(a, PH_FORMAT_JSON, f, NULL);
        fclose(f);
        more = st != PH_OK || json_memory.calls >= n;
        json_memory.fail_at = 0;
        good &= json_memory.alive == 0 && (st == PH_OK || st == PH_ERR_NOMEM);
        json_t *doc = json_loads(text, 0, NULL);
        if (st == PH_OK) good &= json_array_size(json_object_get(doc, "layers")) == 3;
        json_decref(doc);
        free(text);
        failures += st == PH_ERR_NOMEM;
    } while (good && more && n < 10000);
    json_set_alloc_funcs(malloc, free);
    if (!good) fail_msg("when allocation %zu failed", n);
    assert_in_range(n, 50, 9999);
    assert_in_range(failures, 50, n);
    ph_account_free(a);
}

/* --- Writing ------------------------------------------------------------------------------ */

/* What ph_account_write gives; free it. */
static char *written(const ph_account *a, enum ph_format format)
{
    char *text = NULL;
    size_t n = 0;
    ph_error err = {0};
    FILE *f = open_memstream(&text, &n);
    assert_non_null(f);
    if (ph_account_write(a, format, f, &err)) fail_msg("%s", err.message);
    assert_int_equal(fclose(f), 0);
    return text;
}

static json_t *parsed(const char *text)
{
    json_error_t e;
    json_t *doc = json_loads(text, JSON_REJECT_DUPLICATES, &e);
    if (!doc) fail_msg("%s in %s", e.text, text);
    return doc;
}

static json_int_t integer(const json_t *object, const char *key)
{
    const json_t *j = json_object_get(object, key);
    if (!json_is_integer(j)) fail_msg("'%s' is no whole number", key);
    return json_integer_value(j);
}

static const char *string(const json_t *object, const char *key)
{
    const json_t *j = json_object_get(object, key);
    if (!json_is_string(j)) fail_msg("'%s' is no text", key);
    return json_string_value(j);
}

static double share(const json_t *object, const char *key)
{
    const json_t *j = json_object_get(object, key);
    if (!json_is_real(j)) fail_msg("'%s' is no real number", key);
    return json_real_value(j);
}

static void check_json_layers(const json_t *doc, const ph_account *a)
{
    const json_t *layers = json_object_get(doc, "layers");
    assert_int_equal(json_array_size(layers), integer(json_object_get(doc, "totals"), "layers"));
    double macs = 0, parameters = 0;
    for (size_t i = 0; i < json_array_size(layers); i++) {
        const json_t *j = json_array_get(layers, i);
        const ph_layer_cost *l = ph_account_layer(a, i);
        assert_string_equal(string(j, "name"), l->name);
        assert_string_equal(string(j, "op"), l->op);
        assert_int_equal(integer(j, "parameters"), l->parameters);
        assert_int_equal(integer(j, "macs"), l->macs);
        assert_int_equal(integer(j, "activation_bytes"), l->activation_bytes);
        macs += share(j, "macs_share");
        parameters += share(j, "parameters_share");
        if (l->role)
            assert_string_equal(string(j, "role"), ph_role_name(l->role));
        else
            assert_true(json_is_null(json_object_get(j, "role")));
    }
    assert_true(macs > 0.999999 && macs < 1.000001);
    assert_true(parameters > 0.999999 && parameters < 1.000001);
    const json_t *first = json_array_get(layers, 0),
                 *shape = json_object_get(first, "output_shape");
    const json_int_t want[] = {1, 64, 28, 28};
    assert_int_equal(json_array_size(shape), 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(json_integer_value(json_array_get(shape, i)), want[i]);
    assert_true(share(first, "macs_share") > 0.07523 && share(first, "macs_share") < 0.07524);
}

static void test_json(void **state)
{
    (void)state;
    ph_account *a = account_of_zoo("inception-3a");
    char *text = written(a, PH_FORMAT_JSON);
    json_t *doc = parsed(text);
    assert_int_equal(integer(doc, "schema"), 1);
    assert_string_equal(string(doc, "model"), "inception-3a");
    assert_string_equal(string(doc, "unit"), "1 MAC = 2 FLOP");
    const json_t *totals = json_object_get(doc, "totals");
    assert_int_equal(integer(totals, "parameters"), 163696);
    assert_int_equal(integer(totals, "macs"), 128049152);
    assert_int_equal(integer(totals, "parameter_bytes"), 4 * 163696);
    assert_int_equal(integer(totals, "activation_bytes"), ph_account_totals(a)->activation_bytes);
    check_json_layers(doc, a);
    const json_t *savings = json_object_get(doc, "savings");
    assert_int_equal(json_array_size(savings), 2);
    const json_t *s = json_array_get(savings, 0);
    assert_string_equal(string(s, "reduction"), "inception_3a/3x3_reduce");
    assert_string_equal(string(s, "consumer"), "inception_3a/3x3");
    assert_int_equal(integer(s, "n_consumers"), 1);
    assert_int_equal(integer(s, "c_in"), 192);
    assert_int_equal(integer(s, "c_reduced"), 96);
    assert_int_equal(integer(s, "parameters_with"), 129248);
    assert_int_equal(integer(s, "parameters_without"), 221312);
    assert_int_equal(integer(s, "macs_with"), 784 * (192 * 96 + 9 * 96 * 128));
    assert_int_equal(integer(s, "macs_without"), 784 * 9 * 192 * 128);
    json_decref(doc);
    free(text);
    ph_account_free(a);
}

static void test_csv(void **state)
{
    (void)state;
    ph_account *a = account_of_text("input x 8x6x6\nreduce: conv 1x1 2\nrelu\nfc 3\n");
    char *text = written(a, PH_FORMAT_CSV);
    assert_string_equal(text, "name,op,output_shape,parameters,macs,activation_bytes,role,"
                              "parameters_share,macs_share,moved_bytes,kind,unknown\r\n"
                              "reduce,Conv,1x2x6x6,18,576,288,shrink,0.075949,0.727273,1512,1x1,"
                              "\r\n"
                              "relu_1,Relu,1x2x6x6,0,0,288,,0.000000,0.000000,576,other,\r\n"
                              "fc_1/flatten,Flatten,1x72,0,0,288,,0.000000,0.000000,576,other,\r\n"
                              "fc_1,Gemm,1x3,219,216,12,,0.924051,0.272727,1176,dense,\r\n");
    free(text);
    ph_account_free(a);
}

/* The account of one Relu of this name, in a graph of that name. */
static ph_account *account_of_names(const char *graph, const char *relu)
{
    ph_graph *g = NULL;
    ph_value v;
    assert_int_equal(ph_graph_new(NULL, graph, &g, NULL), PH_OK);
    assert_int_equal(ph_graph_add_input(g, "x", PH_FLOAT32, 1, (const int64_t[]){2}, &v, NULL),
                     PH_OK);
    assert_int_equal(
        ph_graph_add_node(g, "Relu", relu, 1, &v, 0, NULL, 1, (const char *const[]){"y"}, &v, NULL),
        PH_OK);
    return account_of_output(g, v);
}

/* Not one byte in it that a terminal acts upon, but ends of lines. */
static void harmless(const char *text)
{
    for (const unsigned char *s = (const unsigned char *)text; *s; s++) {
        if (*s < 0x20 && *s != '\n' && *s != '\r') fail_msg("byte %d in %s", *s, text);
        if (s[0] == 0xc2 && s[1] < 0xa0) fail_msg("C1 control %d in %s", s[1], text);
    }
}

/* Names from hostile files: quoted in CSV, valid in JSON, harmless in a terminal. */
static void test_hostile_names(void **state)
{
    (void)state;
    static const char relu[] = "a,\"b\"\n\x1b]0;t\x07\xfe";
    ph_account *a = account_of_names("evil\x1b[2J\xff", relu);
    char *csv = written(a, PH_FORMAT_CSV), *json = written(a, PH_FORMAT_JSON);
    char *table = written(a, PH_FORMAT_TEXT);
    assert_non_null(strstr(csv, "\n\"a,\"\"b\"\"??]0;t??\",Relu,2,"));
    assert_non_null(strstr(table, "\na,\"b\"??]0;t?? "));
    assert_non_null(strstr(table, "evil?[2J?: x float32[2]"));
    harmless(csv);
    harmless(json);
    harmless(table);
    json_t *doc = parsed(json);
    assert_string_equal(string(doc, "model"), "evil?[2J?");
    json_decref(doc);
    free(csv);
    free(json);
    free(table);
    ph_account_free(a);
}

/* What is UTF-8 comes back from JSON as it was, whatever it does to a terminal. */
static void test_json_names(void **state)
{
    (void)state;
    static const char relu[] = "\xc3\xa9\x1b\n\t\"\\\xc2\x9b\xf0\x9f\x98\x80";
    ph_account *a = account_of_names("\xc3\xbc", relu);
    char *json = written(a, PH_FORMAT_JSON);
    harmless(json);
    json_t *doc = parsed(json);
    assert_string_equal(string(doc, "model"), "\xc3\xbc");
    assert_string_equal(string(json_array_get(json_object_get(doc, "layers"), 0), "name"), relu);
    json_decref(doc);
    free(json);
    ph_account_free(a);
}

/* Characters of a line of UTF-8. */
static size_t columns(const char *s, size_t n)
{
    size_t columns = 0;
    for (size_t i = 0; i < n; i++)
        columns += (s[i] & 0xc0) != 0x80;
    return columns;
}

/* No line is longer than `most` characters or ends in a blank. */
static void check_lines(const char *text, size_t most)
{
    for (const char *line = text; *line;) {
        const size_t n = strcspn(line, "\n");
        if (columns(line, n) > most || (n && line[n - 1] == ' '))
            fail_msg("%zu columns: %.*s", columns(line, n), (int)n, line);
        line += n + (line[n] != 0);
    }
}

/* The table's columns stand under each other: all lines of layers have their last number, the
 * bytes, end where the header's words for it end. */
static void check_columns(const char *text, size_t n_layers)
{
    const char *header = strstr(text, "\nlayer "), *end = strstr(text, "act. bytes 1x1\n");
    assert_true(header && end && end > header);
    const size_t wanted = columns(header + 1, (size_t)(end - header - 1)) + strlen("act. bytes");
    const char *line = end + strlen("act. bytes 1x1\n");
    for (size_t i = 0; i < n_layers; i++) {
        size_t n = strcspn(line, "\n");
        const size_t next = n + 1;
        while (n && (line[n - 1] < '0' || line[n - 1] > '9'))
            n--; /* the role */
        if (columns(line, n) != wanted) fail_msg("not under each other:\n%s", text);
        line += next;
    }
}

static void has(const char *text, const char *what)
{
    if (!strstr(text, what)) fail_msg("'%s' is not in\n%s", what, text);
}

static void test_table(void **state)
{
    (void)state;
    static const char *const wanted[] = {
        "inception-3a: x float32[1,192,28,28]\n",
        "1 MAC = 2 FLOP; 26.4 FLOP for each byte that a layer moves\n",
        /* layer, shape, parameters, share, MACs, share, bytes */
        "inception_3a/3x3_reduce Conv ",
        " 1x128x28x28    110,720  67.6 86,704,128  67.7    401,408\n",
        " 1x16x28x28       3,088   1.9  2,408,448   1.9     50,176 shrink\n",
        "total: 14 layers, 163,696 parameters (0.7 MB), 128,049,152 MACs, 3.7 MB of activations\n",
        "    4 shrink       31,309,824 MACs  24.5%   fewer channels out than in\n"
        "        inception_3a/1x1, inception_3a/3x3_reduce, inception_3a/5x5_reduce, "
        "inception_3a/pool_proj\n",
        "  inception_3a/5x5_reduce (192 to 16 channels) before inception_3a/5x5\n"
        "    parameters          15,920 with it,         153,632 without: 9.65 times\n"
        "    MACs            12,443,648 with it,     120,422,400 without: 9.68 times\n"};
    ph_account *a = account_of_zoo("inception-3a");
    char *text = written(a, PH_FORMAT_TEXT);
    for (size_t i = 0; i < COUNT(wanted); i++)
        has(text, wanted[i]);
    free(text);
    ph_account_free(a);
    static const char *const boxed[] = {"nin-cifar10", "resnet8", "mlpconv", "bottleneck-block"};
    for (size_t i = 0; i < COUNT(boxed); i++) {
        a = account_of_zoo(boxed[i]);
        text = written(a, PH_FORMAT_TEXT);
        check_lines(text, 100);
        check_columns(text, ph_account_n_layers(a));
        free(text);
        ph_account_free(a);
    }
}

/* --- What others say ---------------------------------------------------------------------- */

/* conv 3x3 of 2 to 5: 90 weights and 5 biases, norm 10 and 10 statistics; on 4x4: 1440 MACs */
static char *text_with(const char *parameters, const char *macs, const char *note)
{
    ph_graph *g = parse("input x 2x4x4\nc: conv 3x3 5 pad 1\nbn\n");
    ph_error err = {0};
    if (parameters) ph_graph_set_metadata(g, "pinhole.published.parameters", parameters, &err);
    if (macs) ph_graph_set_metadata(g, "pinhole.published.macs", macs, &err);
    if (note) ph_graph_set_metadata(g, "pinhole.note.1", note, &err);
    ph_graph_set_metadata(g, "pinhole.title", "A title", &err);
    ph_graph_set_metadata(g, "pinhole.paper", "Somebody 2015, table 1", &err);
    assert_int_equal(err.status, PH_OK);
    ph_account *a = account_and_free(g);
    char *text = written(a, PH_FORMAT_TEXT);
    check_lines(text, 100);
    ph_account_free(a);
    return text;
}

static void test_published(void **state)
{
    (void)state;
    static const struct {
        const char *published, *wanted;
    } cases[] = {
        {"105 here", "  parameters published: 105 here\n             counted:   105, the same\n"},
        {"105", "published: 105\n             counted:   105, the same\n"},
        {"0.1k there", "counted:   105, the same to the digits printed\n"},
        {"0.105K there", "counted:   105, the same\n"},
        {"1.05e2 there", "counted:   105, the same\n"},
        {"0.10e3 there", "counted:   105, the same to the digits printed\n"},
        {"0.11K there", "counted:   105, the same to the digits printed\n"},
        {"0.12K there", "counted:   105, 15 fewer (-12.50 %)\n"},
        {"100 there", "counted:   105, 5 more (+5.00 %)\n"},
        {"1,105 there", "counted:   105, 1,000 fewer (-90.50 %)\n"},
        {"115 there", "115 agree\n"}, /* with the running statistics */
        {"90 there", "the weights alone, without biases and norms: 90 agree\n"},
        {"about 100", "published: about 100\n             counted:   105\n"},
        {"1.2.3 x", "counted:   105\n"},
        {"5X x", "counted:   105\n"},
        {"1e x", "counted:   105\n"},
        {"99999999999999999999 x", "counted:   105\n"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *text = text_with(cases[i].published, NULL, NULL);
        has(text, cases[i].wanted);
        free(text);
    }
    char *text = text_with(NULL, "1.4K x", "why\x1b it is so");
    has(text, "x float32[1,2,4,4]\nA title\nSomebody 2015, table 1\n\n");
    has(text, "\nWhat others say\n  MACs       published: 1.4K x\n"
              "             counted:   1,440, the same to the digits printed\n  - why? it is so\n");
    has(text, "Parameters counted otherwise\n"
              "               90 the weights alone, without biases and norms\n"
              "              115 with the running statistics of norms\n");
    free(text);
    char note[600] = "";
    for (int i = 0; i < 100; i++)
        strcat(note, i % 9 ? "word " : "w ");
    text = text_with(NULL, NULL, note); /* in lines of 100 characters */
    has(text, "\n  - w word");
    has(text, "\n    word");
    free(text);
    text = text_with("", NULL, NULL);
    if (strstr(text, "What others say")) fail_msg("%s", text);
    free(text);
}

static void test_published_json(void **state)
{
    (void)state;
    ph_graph *g = parse("input x 2x4x4\nc: conv 3x3 5 pad 1\n");
    ph_graph_set_metadata(g, "pinhole.published.parameters", "100 there", NULL);
    ph_graph_set_metadata(g, "pinhole.note.1", "one", NULL);
    ph_graph_set_metadata(g, "pinhole.note.2", "two", NULL);
    ph_graph_set_metadata(g, "pinhole.note.4", "not in a row", NULL);
    ph_account *a = account_and_free(g);
    char *text = written(a, PH_FORMAT_JSON);
    json_t *doc = parsed(text);
    const json_t *p = json_object_get(doc, "published"), *n = json_object_get(p, "parameters");
    assert_string_equal(string(n, "text"), "100 there");
    assert_int_equal(integer(n, "counted"), 95);
    assert_true(json_real_value(json_object_get(n, "figure")) == 100);
    assert_true(json_real_value(json_object_get(n, "difference")) == -5);
    assert_true(json_is_false(json_object_get(n, "agrees")));
    assert_true(json_is_null(json_object_get(p, "macs")));
    assert_true(json_is_null(json_object_get(p, "paper")));
    assert_int_equal(json_array_size(json_object_get(p, "notes")), 2);
    json_decref(doc);
    free(text);
    ph_account_free(a);
}

/* --- Not understood, bounds --------------------------------------------------------------- */

static ph_account *account_with_unknown(void)
{
    ph_value x;
    ph_graph *g = graph_with(4, (const int64_t[]){1, 4, 5, 5}, &x);
    ph_value y = binary(g, "Conv", "known", x, weights(g, "w", 4, 4, 1));
    y = unary(g, "Strange", "odd", y);
    y = binary(g, "Conv", "behind", y, weights(g, "w3", 4, 4, 3));
    return account_of_output(g, y);
}

/* Unknown is never 0: "?" in the table, null in JSON, empty in CSV. */
static void test_unknown(void **state)
{
    (void)state;
    ph_account *a = account_with_unknown();
    char *text = written(a, PH_FORMAT_TEXT), *csv = written(a, PH_FORMAT_CSV);
    char *json = written(a, PH_FORMAT_JSON), *roofline = written(a, PH_FORMAT_ROOFLINE);
    check_lines(text, 100);
    check_lines(roofline, 100);
    has(text, "\nodd    Strange  ?                -          ?                ?\n");
    has(text, "total: 3 layers, 160 parameters (0.0 MB), at least 400 MACs, at least 0.0 MB");
    has(text, "Not understood: 2 layers.");
    has(text, "  odd: Strange 'odd': operator Strange is not supported\n");
    has(csv, "odd,Strange,,0,,,,0.000000,0.000000,,other,Strange 'odd': operator Strange is not "
             "supported\r\n");
    has(roofline, "odd    Strange         ?           ?       -\n");
    json_t *doc = parsed(json);
    const json_t *odd = json_array_get(json_object_get(doc, "layers"), 1);
    static const char *const keys[] = {"macs", "activation_bytes", "moved_bytes", "output_shape",
                                       "flop_per_byte"};
    for (size_t i = 0; i < COUNT(keys); i++)
        assert_true(json_is_null(json_object_get(odd, keys[i])));
    assert_string_equal(string(odd, "unknown"), "Strange 'odd': operator Strange is not supported");
    const json_t *totals = json_object_get(doc, "totals");
    assert_int_equal(integer(totals, "macs"), 400);
    assert_int_equal(integer(totals, "layers_with_unknown_macs"), 2);
    assert_int_equal(integer(totals, "layers_not_understood"), 2);
    json_decref(doc);
    free(text);
    free(csv);
    free(json);
    free(roofline);
    ph_account_free(a);
}

/* 2 * 400 FLOP at 1 GFLOP/s: 0.8 us; 400 + 400 + 64 bytes at 2 GB/s: 0.43 us */
static void test_roofline(void **state)
{
    (void)state;
    ph_account *a = account_of_text("input x 4x5x5\nc: conv 1x1 4 nobias\nrelu\n");
    char *text = written(a, PH_FORMAT_ROOFLINE);
    assert_string_equal(text, "layer  operator     MACs bytes moved  FLOP/B\n"
                              "c      Conv          400         864     0.9\n"
                              "relu_1 Relu            -         800       -\n");
    free(text);
    ph_account_set_peak(a, 1e9, 2e9);
    text = written(a, PH_FORMAT_ROOFLINE);
    has(text, " us at peak us to move bound by\n");
    has(text, "    0.9       0.80       0.43 arithmetic\n");
    has(text, "       -       0.40 memory\n");
    has(text, "lower bound: 0.001 ms, each layer at the slower of 1.0 GFLOP/s and 2.0 GB/s\n");
    free(text);
    text = written(a, PH_FORMAT_CSV);
    has(text, "unknown,bound_nanoseconds\r\n");
    has(text, ",864,1x1,,800\r\n");
    free(text);
    text = written(a, PH_FORMAT_JSON);
    json_t *doc = parsed(text);
    assert_true(json_real_value(json_object_get(json_array_get(json_object_get(doc, "layers"), 0),
                                                "bound_seconds")) == 800 / 1e9);
    json_decref(doc);
    free(text);
    ph_account_free(a);
}

/* Long names lose their middle, between characters; short ones of several bytes a character none.
 */
static void test_long_names(void **state)
{
    (void)state;
    char name[2 * 300 + 1] = "", text[1200];
    for (size_t i = 0; i < 300; i++)
        strcat(name, i < 150 ? "\xc3\xa9" : "\xc3\xb6");
    ph_value x;
    ph_graph *g = graph_with(4, (const int64_t[]){1, 16, 8, 8}, &x);
    ph_value y = unary(g, "Relu", "k\xc3\xbcrzer", x);
    y = binary(g, "Conv", name, y, weights(g, "w", 4, 16, 1));
    snprintf(text, sizeof text, "%s/3", name);
    y = binary(g, "Conv", text, y, weights(g, "w3", 4, 4, 3));
    y = unary(g, "GlobalAveragePool", "pool", y);
    ph_account *a = account_of_output(g, y);
    char *table = written(a, PH_FORMAT_TEXT);
    check_lines(table, 100);
    check_columns(table, 4);
    has(table, "\nk\xc3\xbcrzer ");
    has(table, "\xc3\xa9..\xc3\xb6");
    has(table, " GlobalAver.. "); /* the operator's name gives way, too, at its end */
    if (strchr(table, '?')) fail_msg("a character is cut in\n%s", table);
    free(table);
    ph_account_free(a);
}

/* Nothing to divide by: an empty batch, and no weights at all. */
static void test_empty(void **state)
{
    (void)state;
    ph_graph *g = parse("input x 16x8x8\nr: conv 1x1 4\nb: conv 3x3 4\n");
    const ph_shape_hint none = {.rank = 4, .dims = {0, 16, 8, 8}};
    ph_account *a = account_of(g, 1, &none);
    ph_graph_free(g);
    char *text = written(a, PH_FORMAT_TEXT), *csv = written(a, PH_FORMAT_CSV);
    has(text, "               0 with it,               0 without\n");
    if (strstr(text, "nan") || strstr(text, "inf")) fail_msg("%s", text);
    has(csv, ",0,0,shrink,0.314815,0.000000,272,1x1,\r\n");
    free(text);
    free(csv);
    text = written(a, PH_FORMAT_JSON);
    json_decref(parsed(text));
    free(text);
    ph_account_free(a);
    a = account_of_text("input x 4\nrelu\n");
    text = written(a, PH_FORMAT_TEXT);
    check_columns(text, 1);
    has(text, "total: 1 layer, 0 parameters (0.0 MB), 0 MACs");
    if (strstr(text, "1x1 convolutions")) fail_msg("%s", text);
    free(text);
    ph_account_free(a);
}

/* Thousands of inputs: the line about them stays one. */
static void test_many_inputs(void **state)
{
    (void)state;
    ph_value x, v;
    ph_graph *g = graph_with(1, (const int64_t[]){2}, &x);
    for (int i = 0; i < 5000; i++) {
        char name[16];
        snprintf(name, sizeof name, "in%d", i);
        assert_int_equal(ph_graph_add_input(g, name, PH_FLOAT32, 1, (const int64_t[]){2}, &v, NULL),
                         PH_OK);
    }
    ph_account *a = account_of_output(g, unary(g, "Relu", NULL, x));
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    assert_non_null(f);
    assert_int_equal(ph_account_write(a, PH_FORMAT_TEXT, f, NULL), PH_OK);
    fclose(f);
    assert_non_null(strstr(text, "and 4993 more\n"));
    assert_true(strcspn(text, "\n") <= 100);
    free(text);
    ph_account_free(a);
}

static void test_write_errors(void **state)
{
    (void)state;
    ph_account *a = account_of_text("input x 4\nrelu\n");
    for (int format = PH_FORMAT_TEXT; format <= PH_FORMAT_CSV; format++) {
        for (int buffered = 0; buffered < 2; buffered++) { /* at the first byte, at the end */
            FILE *full = fopen("/dev/full", "w");
            if (!full) skip(); /* no Linux */
            if (!buffered) setvbuf(full, NULL, _IONBF, 0);
            ph_error err = {0};
            assert_int_equal(ph_account_write(a, (enum ph_format)format, full, &err), PH_ERR_IO);
            assert_non_null(strstr(err.message, "No space"));
            fclose(full);
        }
    }
    assert_int_equal(ph_account_write(a, (enum ph_format)9, stdout, NULL), PH_ERR_ARG);
    ph_account_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_out_of_memory),  cmocka_unit_test(test_json_out_of_memory),
        cmocka_unit_test(test_json),           cmocka_unit_test(test_csv),
        cmocka_unit_test(test_hostile_names),  cmocka_unit_test(test_json_names),
        cmocka_unit_test(test_table),          cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_empty),          cmocka_unit_test(test_many_inputs),
        cmocka_unit_test(test_write_errors),   cmocka_unit_test(test_published),
        cmocka_unit_test(test_published_json), cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_roofline),
    };
    return cmocka_run_group_tests_name("account_report", tests, NULL, NULL);
}
