/* SPDX-License-Identifier: MIT */
/*
 * From a text, a file or a name to a graph; the networks in the box.
 */
#include <sys/stat.h>

#include "base/file.h"
#include "zoo/net.h"

static void free_parser(net_parser *p)
{
    for (size_t i = 0; i < p->n_slots; i++) phi_free(&p->mem, p->symbols[i].path);
    phi_free(&p->mem, p->symbols);
    phi_free(&p->mem, p->info);
    phi_free(&p->mem, p->macros);
    phi_free(&p->mem, p->prelude.statements);
    phi_free(&p->mem, p->text.statements);
    ph_graph_free(p->g);
}

static enum ph_status parse(net_parser *p, uint64_t seed)
{
    p->seed = seed;
    p->current = PH_NONE;
    enum ph_status st = ph_graph_new(&p->mem, "net", &p->g, p->err);
    if (!st) st = net_source_cut(p, &p->prelude);
    if (!st) st = net_source_match(p, &p->prelude);
    if (!st) st = net_source_cut(p, &p->text);
    if (!st) st = net_source_match(p, &p->text);
    return st ? st : net_run(p);
}

enum ph_status ph_net_parse(const ph_allocator *mem, const char *text, size_t n, const char *origin,
                            uint64_t seed, ph_graph **out, ph_error *err)
{
    net_parser p = { .mem = phi_allocator(mem), .err = err };
    p.prelude = (net_source){ .origin = "prelude.net", .prelude = true, .n = phi_zoo_prelude.n,
                              .text = (const char *)phi_zoo_prelude.text };
    p.text = (net_source){ .origin = origin ? origin : "net", .text = text, .n = n };
    enum ph_status st = parse(&p, seed);
    if (!st) {
        *out = p.g;
        p.g = NULL;
    }
    free_parser(&p);
    return st;
}

enum ph_status ph_net_read(const ph_allocator *mem, const char *path, uint64_t seed, ph_graph **out,
                           ph_error *err)
{
    unsigned char *text;
    size_t n;
    enum ph_status st = phi_file_read(mem, path, &text, &n, err);
    if (st) return st;
    st = ph_net_parse(mem, (const char *)text, n, path, seed, out, err);
    phi_free(mem, text);
    return st;
}

const char *ph_zoo_name(size_t i)
{
    for (size_t k = 0; k <= i; k++)
        if (!phi_zoo_texts[k].name) return NULL;
    return phi_zoo_texts[i].name;
}

const char *ph_zoo_title(size_t i) { return ph_zoo_name(i) ? phi_zoo_texts[i].title : NULL; }
const char *ph_zoo_text(size_t i)
{
    return ph_zoo_name(i) ? (const char *)phi_zoo_texts[i].text : NULL;
}

static bool ends_with(const char *s, const char *end)
{
    const size_t n = strlen(s), k = strlen(end);
    return n > k && strcmp(s + n - k, end) == 0;
}

/* Neither a known ending nor a name: say what it could have been. */
static enum ph_status unknown_model(const char *model, ph_error *err)
{
    struct stat file;
    if (stat(model, &file) == 0)
        return phi_fail(err, PH_ERR_ARG, model, "%s: a model's file name must end in .onnx or .net",
                        model);
    char hint[NET_HINT_BYTES];
    net_nearest near = net_nearest_start((net_span){ model, strlen(model) });
    for (const net_text *t = phi_zoo_texts; t->name; t++)
        net_nearest_offer(&near, (net_span){ t->name, strlen(t->name) });
    return phi_fail(err, PH_ERR_NOT_FOUND, model,
                    "%s: no such file, and no network of that name is in the box%s", model,
                    net_nearest_hint(&near, hint));
}

enum ph_status ph_model_load(const ph_allocator *mem, const char *model, uint64_t seed,
                             ph_graph **out, ph_error *err)
{
    if (ends_with(model, ".onnx")) return ph_onnx_read(mem, model, out, err);
    if (ends_with(model, ".net")) return ph_net_read(mem, model, seed, out, err);
    for (const net_text *t = phi_zoo_texts; t->name; t++)
        if (strcmp(t->name, model) == 0)
            return ph_net_parse(mem, (const char *)t->text, t->n, t->name, seed, out, err);
    return unknown_model(model, err);
}
