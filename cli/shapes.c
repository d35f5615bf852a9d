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

int cli_hints_shapes(cli_hints *hints, const ph_graph *g, const cli_texts *shapes)
{
    for (size_t i = 0; i < shapes->n; i++) {
        int status = add_shape(hints, g, shapes->at[i]);
        if (status != CLI_OK) return status;
    }
    return CLI_OK;
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
