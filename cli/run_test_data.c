/* SPDX-License-Identifier: MIT */
/*
 * ONNX's test data: folders test_data_set_N with input_K.pb and output_K.pb, one TensorProto each.
 */
#include "run.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- One set -------------------------------------------------------------------------------- */

typedef struct test_set {
    const char *dir;
    size_t n_in, n_out;
    ph_tensor **inputs, **wanted, **got;
    char **from; /* paths of the inputs' files */
} test_set;

static char *join(const char *dir, const char *name)
{
    size_t bytes = strlen(dir) + strlen(name) + 2;
    char *path = malloc(bytes);
    if (path) snprintf(path, bytes, "%s/%s", dir, name);
    return path;
}

/* The port that a file stands for: the one it names, or else the K-th. */
static size_t port_of(const ph_graph *g, bool output, size_t n, size_t k, const char *name)
{
    for (size_t i = 0; *name && i < n; i++) {
        ph_value v = output ? ph_graph_output(g, i) : ph_graph_input(g, i);
        if (strcmp(name, ph_value_name(g, v)) == 0) return i;
    }
    return k;
}

static int add_tensor(const test_set *s, const char *path, bool output, size_t at, ph_tensor *t)
{
    ph_tensor **list = output ? s->wanted : s->inputs;
    if (at >= (output ? s->n_out : s->n_in)) {
        return cli_error(CLI_INPUT, "'%s': the model has only %zu %s", path,
                         output ? s->n_out : s->n_in, output ? "outputs" : "inputs");
    }
    if (list[at]) {
        return cli_error(CLI_INPUT, "'%s': a second tensor for the same %s", path,
                         output ? "output" : "input");
    }
    if (!output) {
        s->from[at] = strdup(path);
        if (!s->from[at]) return cli_nomem();
    }
    list[at] = t;
    return CLI_OK;
}

/* Read DIR/input_K.pb or output_K.pb; CLI_GO if there is no such file. */
static int read_tensor(const ph_graph *g, const test_set *s, bool output, size_t k)
{
    char file[48], name[1024] = "";
    ph_error err = {0};
    ph_tensor *t = NULL;
    snprintf(file, sizeof file, "%s_%zu.pb", output ? "output" : "input", k);
    char *path = join(s->dir, file);
    if (!path) return cli_nomem();
    int status = CLI_GO;
    if (access(path, F_OK) == 0) {
        enum ph_status st = ph_tensor_read_onnx(cli_memory(), path, &t, name, sizeof name, &err);
        size_t n = output ? s->n_out : s->n_in;
        status = st ? cli_fail(st, &err)
                    : add_tensor(s, path, output, port_of(g, output, n, k, name), t);
        if (status != CLI_OK && !st) ph_tensor_free(t);
    }
    free(path);
    return status;
}

static int read_tensors(const ph_graph *g, const test_set *s, bool output)
{
    for (size_t k = 0;; k++) {
        int status = read_tensor(g, s, output, k);
        if (status == CLI_GO) return CLI_OK;
        if (status != CLI_OK) return status;
    }
}

static int check_wanted(const test_set *s)
{
    for (size_t i = 0; i < s->n_out; i++) {
        if (s->wanted[i]) return CLI_OK;
    }
    return cli_error(CLI_INPUT, "'%s': no output_0.pb to compare with", s->dir);
}

static int compare_set(const ph_graph *g, const run_options *o, const test_set *s)
{
    int status = CLI_OK;
    for (size_t i = 0; i < s->n_out; i++) {
        char name[256];
        cli_plain(ph_value_name(g, ph_graph_output(g, i)), name, sizeof name);
        if (!s->wanted[i]) {
            printf("skip  %s: nothing to compare with\n", name);
        } else if (!run_compare(name, s->got[i], s->wanted[i], o->rtol, o->atol)) {
            status = CLI_NO;
        }
    }
    return status;
}

static int new_set(test_set *s, const ph_graph *g, const char *dir)
{
    *s = (test_set){.dir = dir, .n_in = ph_graph_n_inputs(g), .n_out = ph_graph_n_outputs(g)};
    s->inputs = calloc(s->n_in + 1, sizeof(ph_tensor *));
    s->wanted = calloc(s->n_out + 1, sizeof(ph_tensor *));
    s->got = calloc(s->n_out + 1, sizeof(ph_tensor *));
    s->from = calloc(s->n_in + 1, sizeof(char *));
    return s->inputs && s->wanted && s->got && s->from ? CLI_OK : cli_nomem();
}

static void free_set(test_set *s)
{
    for (size_t i = 0; s->from && i < s->n_in; i++) {
        free(s->from[i]);
    }
    free(s->from);
    run_free_tensors(s->inputs, s->n_in);
    run_free_tensors(s->wanted, s->n_out);
    run_free_tensors(s->got, s->n_out);
}

static int run_set(const ph_graph *g, const run_options *o, const char *dir)
{
    test_set s;
    int status = new_set(&s, g, dir);
    if (status == CLI_OK) status = read_tensors(g, &s, false);
    if (status == CLI_OK) status = read_tensors(g, &s, true);
    if (status == CLI_OK) {
        status = run_check_inputs(g, s.inputs, CLI_INPUT, "the test data are incomplete");
    }
    if (status == CLI_OK) status = check_wanted(&s);
    if (status == CLI_OK) {
        status = run_graph(g, o, s.inputs, (const char *const *)s.from, s.got);
    }
    if (status == CLI_OK) status = compare_set(g, o, &s);
    free_set(&s);
    return status;
}

/* --- A folder of sets ----------------------------------------------------------------------- */

static int is_set(const struct dirent *entry)
{
    return strncmp(entry->d_name, "test_data_set_", 14) == 0;
}

static int by_number(const struct dirent **a, const struct dirent **b)
{
    return strverscmp((*a)->d_name, (*b)->d_name);
}

static int run_sets(const ph_graph *g, const run_options *o, struct dirent **sets, int n)
{
    int result = CLI_OK;
    for (int i = 0; i < n; i++) {
        char *dir = join(o->test_data, sets[i]->d_name);
        if (!dir) return cli_nomem();
        printf("%s\n", sets[i]->d_name);
        int status = run_set(g, o, dir);
        free(dir);
        if (status > CLI_NO) return status;
        if (status == CLI_NO) result = CLI_NO;
    }
    return result;
}

int run_test_data(const ph_graph *g, const run_options *o)
{
    struct dirent **sets = NULL;
    int n = scandir(o->test_data, &sets, is_set, by_number);
    if (n < 0) {
        return cli_error(CLI_INPUT, "cannot read the folder '%s': %s", o->test_data,
                         strerror(errno));
    }
    int status = n == 0 ? run_set(g, o, o->test_data) : run_sets(g, o, sets, n);
    for (int i = 0; i < n; i++) {
        free(sets[i]);
    }
    free(sets);
    return status;
}
