/* SPDX-License-Identifier: MIT */
/*
 * The head of a text: what its networks are called, where they were published, and with what
 * figures. A text may describe several networks of one family:
 *
 *   paper    He, Zhang, Ren, Sun 2015, arXiv:1512.03385, table 6       about all of them
 *   network  resnet20   n=3                                            parameters of this one
 *   published parameters 0.27M table 6                                 about this one alone
 *   network  resnet32   n=5
 *   ...
 *   input    x 3x32x32                                                 here the body begins
 *
 * One of them is built; what stands in the head of another is passed over.
 */
#include <stdio.h>

#include "zoo/net.h"

static net_cursor cursor_now(net_parser *p)
{
    return phi_net_cursor_at(p, p->frame->source, p->frame->now);
}

static enum ph_status fail_at_word(const net_cursor *c, const char *format, const char *word)
{
    return phi_net_fail(c->parser, c->source, c->statement, c->statement->word.p, PH_ERR_FORMAT, format,
                    word);
}

/* --- Which network --------------------------------------------------------------------------- */

static enum ph_status no_such_network(net_parser *p, const net_statement *last)
{
    char hint[NET_HINT_BYTES], names[512] = "none";
    size_t used = 0;
    const net_source *s = &p->text;
    net_nearest near = phi_net_nearest_start(p->wanted);
    for (size_t i = 0; i < s->n_statements; i++) {
        net_cursor c = phi_net_cursor_at(p, s, &s->statements[i]);
        net_span name;
        if (s->statements[i].kind != NET_NETWORK || phi_net_take_name(&c, "a name", ".", &name))
            continue;
        phi_net_nearest_offer(&near, name);
        if (used < sizeof names)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%.*s", used ? ", " : "",
                                     (int)name.n, name.p);
    }
    return phi_net_fail(p, s, last, last->word.p, PH_ERR_NOT_FOUND,
                    "there is no network '%.*s'%s (here: %s)", (int)p->wanted.n, p->wanted.p,
                    phi_net_nearest_hint(&near, hint), names);
}

enum ph_status phi_net_choose(net_parser *p)
{
    const net_source *s = &p->text;
    const net_statement *last = s->statements;
    p->chosen = NULL;
    for (size_t i = 0; i < s->n_statements; i++) {
        const net_statement *st = &s->statements[i];
        if (st->kind != NET_NETWORK) continue;
        last = st;
        net_cursor c = phi_net_cursor_at(p, s, st);
        net_span name;
        enum ph_status status = phi_net_take_name(&c, "the network's name", ".", &name);
        if (status) return status;
        if (p->wanted.n && !phi_net_span_equal(name, p->wanted)) continue;
        if (!p->chosen) p->chosen = st;
        if (!p->wanted.n)
            p->wanted = name;
        else if (p->chosen != st)
            return phi_net_fail(p, s, st, st->word.p, PH_ERR_FORMAT,
                            "a second network '%.*s'; the first is in line %zu", (int)name.n,
                            name.p, p->chosen->number);
    }
    return p->wanted.n && !p->chosen ? no_such_network(p, last) : PH_OK;
}

/* NAME=NUMBER ..., the network's parameters. */
static enum ph_status take_parameters(net_cursor *c)
{
    net_frame *f = c->parser->frame;
    while (!phi_net_at_end(c)) {
        const char *start = c->p;
        net_span name;
        net_number value;
        bool has_value;
        enum ph_status st = phi_net_take_param(c, &name, &has_value);
        if (!st && !has_value) st = net_fail_here(c, "'=' and a number were wanted");
        if (!st) st = phi_net_take_number(c, "a number", &value);
        if (st) return st;
        c->p = start;
        for (size_t i = 0; i < f->n_params; i++)
            if (phi_net_span_equal(f->param[i], name))
                return net_fail_here(c, "there are two parameters '%.*s'", (int)name.n, name.p);
        if (f->n_params == NET_PARAMS_MAX)
            return net_fail_here(c, "more than %d parameters", NET_PARAMS_MAX);
        f->param[f->n_params] = name;
        f->value[f->n_params++] = value;
        while (c->p < c->end && *c->p != ' ' && *c->p != '\t')
            c->p++;
    }
    return PH_OK;
}

/* network NAME [PARAMETER=NUMBER ...] */
static enum ph_status run_network(net_cursor *c)
{
    net_parser *p = c->parser;
    net_span name;
    if (p->current != PH_NONE)
        return fail_at_word(c, "'%s' behind the first input; it belongs in front", "network");
    p->elsewhere = c->statement != p->chosen;
    if (p->elsewhere) return PH_OK;
    enum ph_status st = phi_net_take_name(c, "the network's name", ".", &name);
    if (!st) st = take_parameters(c);
    if (st) return st;
    char *copy = phi_strndup(&p->mem, name.p, name.n);
    if (!copy) return phi_fail_nomem(p->err);
    phi_free(&p->mem, p->g->name);
    p->g->name = copy;
    return PH_OK;
}

/* --- What is known about it ------------------------------------------------------------------ */

/* `copy` of what is at the cursor: printable UTF-8, as ONNX's strings are, tabs made spaces. */
static enum ph_status check_prose(net_cursor *c, char *copy)
{
    for (char *tab = copy; (tab = strchr(tab, '\t'));)
        *tab = ' ';
    phi_clean(copy);
    size_t i = 0;
    while (copy[i] && (copy[i] == c->p[i] || c->p[i] == '\t'))
        i++;
    if (!copy[i]) return PH_OK;
    c->p += i;
    return net_fail_here(c, "byte 0x%02X: %s", (unsigned char)*c->p,
                         (unsigned char)*c->p < 0x80 ? "a control character"
                                                     : "not of printable UTF-8");
}

/* The rest of the line, printable and not empty, as metadata `key`, which must be new. */
static enum ph_status set_prose(net_cursor *c, const char *key, const char *what)
{
    net_parser *p = c->parser;
    if (ph_graph_metadata(p->g, key)) return fail_at_word(c, "a second '%s'", what);
    if (phi_net_at_end(c)) return net_fail_here(c, "the %s is empty", what);
    char *copy = phi_strndup(&p->mem, c->p, (size_t)(c->end - c->p));
    if (!copy) return phi_fail_nomem(p->err);
    enum ph_status st = check_prose(c, copy);
    if (!st) st = ph_graph_set_metadata(p->g, key, copy, p->err);
    phi_free(&p->mem, copy);
    return st;
}

/* published parameters|macs FIGURE SOURCE, the figure as it was printed: 60965224, 0.27M, 3.8e9 */
static enum ph_status run_published(net_cursor *c)
{
    const bool parameters = phi_net_take_word(c, "parameters");
    if (!parameters && !phi_net_take_word(c, "macs"))
        return net_fail_here(c, "'parameters' or 'macs' was wanted behind 'published'");
    phi_net_skip_space(c);
    net_cursor figure = *c;
    if (c->p == c->end || *c->p < '0' || *c->p > '9')
        return net_fail_here(c, "a figure was wanted, such as 60965224 or 3.8e9");
    while (figure.p < figure.end && *figure.p != ' ' && *figure.p != '\t')
        figure.p++;
    if (phi_net_at_end(&figure))
        return net_fail_here(&figure, "where the figure was published was wanted behind it");
    return set_prose(c, parameters ? "pinhole.published.parameters" : "pinhole.published.macs",
                     parameters ? "published parameters" : "published macs");
}

static enum ph_status run_note(net_cursor *c)
{
    char key[40];
    int n = 1;
    do
        snprintf(key, sizeof key, "pinhole.note.%d", n++);
    while (ph_graph_metadata(c->parser->g, key));
    return set_prose(c, key, "note");
}

enum ph_status phi_net_run_head(net_parser *p)
{
    net_cursor c = cursor_now(p);
    if (c.statement->kind == NET_NETWORK) return run_network(&c);
    if (p->elsewhere) return PH_OK;
    switch (c.statement->kind) {
    case NET_TITLE:
        return set_prose(&c, "pinhole.title", "title");
    case NET_PAPER:
        return set_prose(&c, "pinhole.paper", "paper");
    case NET_PUBLISHED:
        return run_published(&c);
    default:
        return run_note(&c);
    }
}
