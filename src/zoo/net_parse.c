/* SPDX-License-Identifier: MIT */
/*
 * ph_net_parse and ph_net_read: text in, graph out.
 */
#include "base/file.h"
#include "zoo/net.h"

static void free_parser(net_parser *p)
{
    for (size_t i = 0; i < p->n_slots; i++)
        phi_free(&p->mem, p->symbols[i].path);
    phi_free(&p->mem, p->symbols);
    phi_free(&p->mem, p->macros);
    phi_free(&p->mem, p->info);
    phi_free(&p->mem, p->prelude.statements);
    phi_free(&p->mem, p->text.statements);
    ph_graph_free(p->g);
}

enum ph_status phi_net_parse(const ph_allocator *mem, const net_task *task, ph_graph **out,
                             ph_error *err)
{
    const char *text = task->text, *origin = task->origin;
    const size_t n = task->n;
    if (!text && n) return phi_fail(err, PH_ERR_ARG, origin, "a text was wanted, NULL came");
    net_parser p = {.mem = phi_allocator(mem), .err = err, .seed = task->seed, .current = PH_NONE};
    if (task->network) p.wanted = (net_span){task->network, strlen(task->network)};
    p.prelude = (net_source){.origin = "prelude.net",
                             .prelude = true,
                             .text = (const char *)phi_zoo_prelude.text,
                             .n = phi_zoo_prelude.n};
    p.text = (net_source){.origin = origin ? origin : "text", .text = text ? text : "", .n = n};
    enum ph_status st = ph_graph_new(mem, "network", &p.g, err);
    if (!st) p.g->outline = task->outline;
    if (!st) st = phi_net_source_cut(&p, &p.prelude);
    if (!st) st = phi_net_source_match(&p, &p.prelude);
    if (!st) st = phi_net_source_cut(&p, &p.text);
    if (!st) st = phi_net_source_match(&p, &p.text);
    if (!st) st = phi_net_run(&p);
    if (!st) {
        *out = p.g;
        p.g = NULL;
    }
    free_parser(&p);
    return st;
}

enum ph_status phi_net_read(const ph_allocator *mem, const net_task *task, ph_graph **out,
                            ph_error *err)
{
    unsigned char *text;
    net_task read = *task;
    enum ph_status st = phi_file_read(mem, task->origin, &text, &read.n, err);
    if (st) return st;
    read.text = (const char *)text;
    st = phi_net_parse(mem, &read, out, err);
    phi_free(mem, text);
    return st;
}

enum ph_status ph_net_parse(const ph_allocator *mem, const char *text, size_t n, const char *origin,
                            uint64_t seed, ph_graph **out, ph_error *err)
{
    const net_task task = {.text = text, .n = n, .origin = origin, .seed = seed};
    return phi_net_parse(mem, &task, out, err);
}

enum ph_status ph_net_outline(const ph_allocator *mem, const char *text, size_t n,
                              const char *origin, ph_graph **out, ph_error *err)
{
    const net_task task = {.text = text, .n = n, .origin = origin, .outline = true};
    return phi_net_parse(mem, &task, out, err);
}

enum ph_status ph_net_read(const ph_allocator *mem, const char *path, uint64_t seed, ph_graph **out,
                           ph_error *err)
{
    const net_task task = {.origin = path, .seed = seed};
    return phi_net_read(mem, &task, out, err);
}
