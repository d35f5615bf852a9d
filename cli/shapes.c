/* SPDX-License-Identifier: MIT */
/*
 * Shapes of inputs from the command line.
 */
#include "options.h"

#include <stdlib.h>
#include <string.h>

const char *cli_dims(size_t rank, const int64_t *dims, char *buf, size_t bytes)
{
    size_t used = (size_t)snprintf(buf, bytes, "[");
    for (size_t i = 0; i < rank && used < bytes; i++) {
        const char *comma = i ? "," : "";
        int n = dims[i] < 0
                    ? snprintf(buf + used, bytes - used, "%s?", comma)
                    : snprintf(buf + used, bytes - used, "%s%lld", comma, (long long)dims[i]);
        used += (size_t)n;
    }
    if (used < bytes) snprintf(buf + used, bytes - used, "]");
    return buf;
}

const char *cli_list_inputs(const ph_graph *g, bool (*wanted)(const void *, size_t),
                            const void *user, char *buf, size_t bytes)
{
    size_t used = 0;
    buf[0] = '\0';
    for (size_t i = 0; i < ph_graph_n_inputs(g); i++) {
        if (wanted && !wanted(user, i)) continue;
        int n = snprintf(buf + used, bytes - used, "%s'%s'", used ? ", " : "",
                         ph_value_name(g, ph_graph_input(g, i)));
        used += (size_t)n;
        if (used >= bytes) break;
    }
    return buf;
}

size_t cli_split_input(const ph_graph *g, const char *option, const char *text, const char **rest)
{
    char list[1024];
    size_t n = ph_graph_n_inputs(g);
    for (size_t i = 0; i < n; i++) {
        const char *name = ph_value_name(g, ph_graph_input(g, i));
        size_t length = strlen(name);
        if (strncmp(text, name, length) == 0 && text[length] == '=') {
            *rest = text + length + 1;
            return i;
        }
    }
    const char *equals = strchr(text, '=');
    if (!equals && n == 1) {
        *rest = text;
        return 0;
    }
    cli_list_inputs(g, NULL, NULL, list, sizeof list);
    if (equals) {
        cli_usage("option '%s': the model has no input '%.*s', its inputs are %s", option,
                  (int)(equals - text), text, *list ? list : "none");
    } else {
        cli_usage("option '%s': '%s' names no input, the model's are %s", option, text,
                  *list ? list : "none");
    }
    return SIZE_MAX;
}

int cli_hints_new(const ph_graph *g, cli_hints *hints)
{
    size_t n = ph_graph_n_inputs(g);
    hints->n = 0;
    hints->at = calloc(n ? n : 1, sizeof *hints->at);
    return hints->at ? CLI_OK : cli_nomem();
}

void cli_hints_free(cli_hints *hints)
{
    free(hints->at);
    *hints = (cli_hints){0};
}

static ph_shape_hint *find_hint(const cli_hints *hints, const char *name)
{
    for (size_t i = 0; i < hints->n; i++) {
        if (strcmp(hints->at[i].name, name) == 0) return &hints->at[i];
    }
    return NULL;
}

void cli_hints_set(cli_hints *hints, const ph_graph *g, size_t i, size_t rank, const int64_t *dims)
{
    const char *name = ph_value_name(g, ph_graph_input(g, i));
    ph_shape_hint *hint = find_hint(hints, name);
    if (!hint) hint = &hints->at[hints->n++];
    hint->name = name;
    hint->rank = rank;
    memcpy(hint->dims, dims, rank * sizeof *dims);
}

/* "1x3x32x32" -> dims; the rank, or -1. */
static int parse_dims(const char *text, int64_t dims[PH_MAX_RANK])
{
    char number[24];
    for (int rank = 0; rank < PH_MAX_RANK;) {
        size_t n = strcspn(text, "x");
        if (n == 0 || n >= sizeof number) return -1;
        memcpy(number, text, n);
        number[n] = '\0';
        if (!cli_parse_int(number, 1, INT64_MAX, &dims[rank++])) return -1;
        text += n;
        if (!*text) return rank;
        text++;
    }
    return -1;
}

/* --- Symbolic dimensions ---------------------------------------------------------------------- */

/* "H=224" of --shape: what a symbolic dimension is to be. */
typedef struct symbol {
    const char *name; /* the graph's */
    int64_t value;
} symbol;

typedef struct symbols {
    size_t n;
    symbol at[CLI_MAX_TEXTS];
} symbols;

static const int64_t *symbol_value(const symbols *list, const char *name)
{
    for (size_t i = 0; name && i < list->n; i++) {
        if (strcmp(list->at[i].name, name) == 0) return &list->at[i].value;
    }
    return NULL;
}

/* The symbol of `g` that `text` begins with, followed by '='; NULL if there is none. */
static const char *find_symbol(const ph_graph *g, const char *text)
{
    int64_t dims[PH_MAX_RANK];
    for (size_t i = 0; i < ph_graph_n_inputs(g); i++) {
        ph_value v = ph_graph_input(g, i);
        int rank = ph_value_type(g, v, NULL, dims);
        for (int d = 0; d < rank; d++) {
            const char *name = ph_value_dim_name(g, v, (size_t)d);
            size_t length = name ? strlen(name) : 0;
            if (length && strncmp(text, name, length) == 0 && text[length] == '=') return name;
        }
    }
    return NULL;
}

static int add_symbol(symbols *list, const char *name, const char *text)
{
    int64_t value;
    if (!cli_parse_int(text, 1, INT64_MAX, &value)) {
        return cli_usage("option '--shape': '%s=%s' is not a size", name, text);
    }
    if (symbol_value(list, name)) {
        return cli_usage("option '--shape': '%s' is given twice", name);
    }
    if (list->n == CLI_MAX_TEXTS) {
        return cli_usage("option '--shape': more than %d symbols", CLI_MAX_TEXTS);
    }
    list->at[list->n++] = (symbol){name, value};
    return CLI_OK;
}

/* Shapes of the inputs with symbolic dimensions of which some are given. */
static int apply_symbols(cli_hints *hints, const ph_graph *g, const symbols *list)
{
    for (size_t i = 0; list->n && i < ph_graph_n_inputs(g); i++) {
        ph_value v = ph_graph_input(g, i);
        int64_t dims[PH_MAX_RANK];
        char shape[160];
        bool given = false;
        int open = -1, rank = ph_value_type(g, v, NULL, dims);
        if (find_hint(hints, ph_value_name(g, v))) continue;
        for (int d = 0; d < rank; d++) {
            const int64_t *value = symbol_value(list, ph_value_dim_name(g, v, (size_t)d));
            given = given || value;
            if (value) dims[d] = *value;
            if (dims[d] < 0 && d == 0) dims[d] = 1;
            if (dims[d] < 0) open = d;
        }
        if (!given) continue;
        if (open >= 0) {
            const char *name = ph_value_dim_name(g, v, (size_t)open);
            return cli_usage("option '--shape': input '%s' is %s, and its dimension %d%s%s%s is "
                             "still open", ph_value_name(g, v),
                             cli_dims((size_t)rank, dims, shape, sizeof shape), open,
                             name ? " (" : "", name ? name : "", name ? ")" : "");
        }
        cli_hints_set(hints, g, i, (size_t)rank, dims);
    }
    return CLI_OK;
}

/* --- The option --------------------------------------------------------------------------------- */

/* "[NAME=]DIMS" for an input. */
static int add_shape(cli_hints *hints, const ph_graph *g, const char *text)
{
    const char *rest;
    int64_t dims[PH_MAX_RANK + 1], declared[PH_MAX_RANK];
    enum ph_dtype dtype;
    size_t i = cli_split_input(g, "--shape", text, &rest);
    if (i == SIZE_MAX) return CLI_USAGE;
    int rank = parse_dims(rest, dims);
    if (rank < 0) {
        return cli_usage("option '--shape': '%s' is not a shape such as 1x3x224x224", rest);
    }
    int wanted = ph_value_type(g, ph_graph_input(g, i), &dtype, declared);
    if (wanted == rank + 1) { /* without the batch */
        memmove(dims + 1, dims, (size_t)rank * sizeof *dims);
        dims[0] = declared[0] > 0 ? declared[0] : 1;
        rank++;
    }
    cli_hints_set(hints, g, i, (size_t)rank, dims);
    return CLI_OK;
}

static bool is_input(const ph_graph *g, const char *name)
{
    for (size_t i = 0; i < ph_graph_n_inputs(g); i++) {
        if (strcmp(name, ph_value_name(g, ph_graph_input(g, i))) == 0) return true;
    }
    return false;
}

/* One part of the option between commas. A symbol of an input's own name gives way to it. */
static int add_part(cli_hints *hints, symbols *list, const ph_graph *g, const char *text)
{
    const char *name = find_symbol(g, text);
    if (name && !is_input(g, name)) return add_symbol(list, name, text + strlen(name) + 1);
    return add_shape(hints, g, text);
}

/* "NAME=DIMS,N=1,H=224": commas count only in front of a name. */
static int add_parts(cli_hints *hints, symbols *list, const ph_graph *g, const char *text)
{
    int status = CLI_OK;
    char *copy = strdup(text);
    if (!copy) return cli_nomem();
    for (char *part = copy, *next; status == CLI_OK && part; part = next) {
        next = strchr(part + strcspn(part, "="), ',');
        if (next) *next++ = '\0';
        status = add_part(hints, list, g, part);
    }
    free(copy);
    return status;
}

int cli_hints_shapes(cli_hints *hints, const ph_graph *g, const cli_texts *shapes)
{
    symbols list = {0};
    for (size_t i = 0; i < shapes->n; i++) {
        int status = add_parts(hints, &list, g, shapes->at[i]);
        if (status != CLI_OK) return status;
    }
    return apply_symbols(hints, g, &list);
}

int cli_set_shapes(ph_graph *g, const cli_texts *shapes)
{
    cli_hints hints;
    ph_error err = {0};
    int status = cli_hints_new(g, &hints);
    if (status == CLI_OK) status = cli_hints_shapes(&hints, g, shapes);
    for (size_t i = 0; status == CLI_OK && i < hints.n; i++) {
        enum ph_status st = ph_graph_set_shape(g, &hints.at[i], &err);
        if (st) status = cli_fail(st, &err);
    }
    cli_hints_free(&hints);
    return status;
}

int cli_hints_batch(cli_hints *hints, const ph_graph *g, int64_t batch)
{
    for (size_t i = 0; i < ph_graph_n_inputs(g); i++) {
        int64_t dims[PH_MAX_RANK];
        char shape[160];
        enum ph_dtype dtype;
        const char *name = ph_value_name(g, ph_graph_input(g, i));
        ph_shape_hint *hint = find_hint(hints, name);
        if (hint) {
            if (hint->rank > 0) hint->dims[0] = batch;
            continue;
        }
        int rank = ph_value_type(g, ph_graph_input(g, i), &dtype, dims);
        if (rank < 1) continue;
        for (int k = 1; k < rank; k++) {
            if (dims[k] >= 0) continue;
            return cli_usage("input '%s' is %s: give its shape with --shape", name,
                             cli_dims((size_t)rank, dims, shape, sizeof shape));
        }
        dims[0] = batch;
        cli_hints_set(hints, g, i, (size_t)rank, dims);
    }
    return CLI_OK;
}
