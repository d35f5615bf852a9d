/* SPDX-License-Identifier: MIT */
/*
 * pinhole zoo: the networks in the box.
 */
#include "commands.h"
#include "json.h"
#include "options.h"

#include <stdlib.h>
#include <string.h>

/* A network of the box and its account. */
typedef struct entry {
    const char *name;
    ph_graph *g;
    ph_account *account;
} entry;

static const char *metadata(const entry *e, const char *key)
{
    const char *text = ph_graph_metadata(e->g, key);
    return text ? text : "";
}

static void close_entry(entry *e)
{
    ph_account_free(e->account);
    ph_graph_free(e->g);
}

static int open_entry(entry *e, size_t i)
{
    ph_error err = {0};
    *e = (entry){.name = ph_zoo_name(i)};
    int status = cli_load_outline(e->name, &e->g);
    if (status != CLI_OK) return status;
    enum ph_status st = ph_account_new(e->g, 0, NULL, &e->account, &err);
    if (!st) return CLI_OK;
    close_entry(e);
    return cli_fail_in(e->name, st, &err);
}

/* --- As a table ------------------------------------------------------------------------------- */

/* The figure that was published: the first word of "60965224 Caffe's bvlc_alexnet", grouped if it
 * is a whole number. */
static const char *published(const entry *e, const char *key, char buf[CLI_NUMBER_BYTES])
{
    const char *text = metadata(e, key);
    int64_t number;
    snprintf(buf, CLI_NUMBER_BYTES, "%.*s", (int)strcspn(text, " \t"), text);
    return cli_parse_int(buf, 0, INT64_MAX, &number) ? cli_group(number, buf) : buf;
}

static int print_row(size_t i)
{
    entry e;
    int status = open_entry(&e, i);
    if (status != CLI_OK) return status;
    char parameters[CLI_NUMBER_BYTES], printed[CLI_NUMBER_BYTES];
    const ph_totals *t = ph_account_totals(e.account);
    printf("%-18s %12s %12s %9.2f M  %s\n", e.name, cli_group(t->parameters, parameters),
           published(&e, "pinhole.published.parameters", printed), (double)t->macs / 1e6,
           metadata(&e, "pinhole.paper"));
    close_entry(&e);
    return CLI_OK;
}

static int print_table(void)
{
    printf("%-18s %12s %12s %11s  %s\n", "NAME", "PARAMETERS", "PUBLISHED", "MACS", "PAPER");
    int status = CLI_OK;
    for (size_t i = 0; ph_zoo_name(i) && status == CLI_OK; i++) {
        status = print_row(i);
    }
    return status;
}

/* --- As JSON ---------------------------------------------------------------------------------- */

static void set_metadata(json_t *o, const char *key, const entry *e, const char *meta)
{
    const char *text = ph_graph_metadata(e->g, meta);
    if (text) cli_json_text(o, key, text);
}

static json_t *json_notes(const entry *e)
{
    json_t *list = json_array();
    char key[32];
    for (int i = 1;; i++) {
        snprintf(key, sizeof key, "pinhole.note.%d", i);
        const char *text = ph_graph_metadata(e->g, key);
        if (!text) return list;
        json_array_append_new(list, json_string(text));
    }
}

/* Channels, height and width. */
static json_t *json_input(const entry *e)
{
    int64_t dims[PH_MAX_RANK];
    enum ph_dtype dtype;
    json_t *list = json_array();
    const int rank = ph_value_type(e->g, ph_graph_input(e->g, 0), &dtype, dims);
    for (int i = 1; i < rank; i++) {
        json_array_append_new(list, json_integer(dims[i]));
    }
    return list;
}

static json_t *json_entry(const entry *e)
{
    const ph_totals *t = ph_account_totals(e->account);
    json_t *o = json_object();
    cli_json_text(o, "name", e->name);
    set_metadata(o, "title", e, "pinhole.title");
    set_metadata(o, "paper", e, "pinhole.paper");
    cli_json_set(o, "input", json_input(e));
    cli_json_int(o, "parameters", t->parameters);
    set_metadata(o, "published_parameters", e, "pinhole.published.parameters");
    cli_json_int(o, "macs", t->macs);
    set_metadata(o, "published_macs", e, "pinhole.published.macs");
    cli_json_set(o, "notes", json_notes(e));
    return o;
}

static int write_json(const char *path)
{
    json_t *root = json_object(), *list = json_array();
    cli_json_int(root, "schema", 1);
    int status = CLI_OK;
    for (size_t i = 0; ph_zoo_name(i) && status == CLI_OK; i++) {
        entry e;
        status = open_entry(&e, i);
        if (status != CLI_OK) break;
        json_array_append_new(list, json_entry(&e));
        close_entry(&e);
    }
    cli_json_set(root, "networks", list);
    if (status == CLI_OK) return cli_json_write(root, path);
    json_decref(root);
    return status;
}

/* --- One text --------------------------------------------------------------------------------- */

static int print_text(const char *name)
{
    const char *names[128];
    size_t n = 0;
    for (; n < CLI_COUNT(names) && ph_zoo_name(n); n++) {
        names[n] = ph_zoo_name(n);
        if (strcmp(name, names[n]) != 0) continue;
        fputs(ph_zoo_text(n), stdout);
        return CLI_OK;
    }
    const char *near = cli_nearest(name, names, n);
    return cli_error(CLI_INPUT, "no built-in network '%s'%s%s%s", name,
                     near ? "; did you mean '" : " ('pinhole zoo' lists them)", near ? near : "",
                     near ? "'?" : "");
}

int cmd_zoo(int argc, char **argv)
{
    const char *json = NULL;
    const cli_option options[] = {
        {OPT_TEXT("json", 'j', &json, "FILE",
                  "write the list as JSON, with titles, notes and\npublished MACs (- is stdout)")},
    };
    const cli_spec spec = {
        .operands = "[NAME]",
        .max_operands = 1,
        .about =
            "List the built-in networks: trained parameters as counted and as published,\n"
            "MACs for one image, and where the network is from. With NAME print the text of\n"
            "one: a start for a .net file of your own.\n",
        .options = options,
        .n_options = CLI_COUNT(options),
        .examples = "  pinhole zoo\n"
                    "  pinhole zoo nin-cifar10 > mine.net\n",
    };
    int status = cli_parse(&spec, argc, argv);
    if (status != CLI_GO) return status;
    if (json && optind < argc)
        return cli_usage("option '--json' is for the list, not for one text");
    if (json) return write_json(json);
    return optind < argc ? print_text(argv[optind]) : print_table();
}
