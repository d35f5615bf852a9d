/* SPDX-License-Identifier: MIT */
/*
 * Carrying out a text: statements one after the other, macros in frames of their own.
 */
#include <stdio.h>

#include "zoo/net.h"

static enum ph_status run_range(net_parser *p, size_t from, size_t to);

static enum ph_status fail_word(net_parser *p, const net_statement *st, const char *format,
                                const char *what)
{
    return net_fail(p, p->frame->source, st, st->word.p, PH_ERR_FORMAT, format, what);
}

/* --- Head of the text -------------------------------------------------------------------------- */

static enum ph_status run_network(net_parser *p, net_cursor *c)
{
    net_span name;
    if (p->named) return net_fail_here(c, "'network' is said twice");
    enum ph_status st = net_take_name(c, "the network's name", &name);
    if (!st) st = net_expect_end(c);
    char *copy = st ? NULL : phi_strndup(&p->mem, name.p, name.n);
    if (st) return st;
    if (!copy) return phi_fail_nomem(p->err);
    phi_free(&p->mem, p->g->name);
    p->g->name = copy;
    p->named = true;
    return PH_OK;
}

static enum ph_status run_input(net_parser *p, net_cursor *c)
{
    net_span name;
    char text[NET_PATH_BYTES];
    int64_t dims[4] = { -1 };
    size_t n;
    enum ph_status st = net_take_name(c, "the input's name", &name);
    if (!st) st = net_take_dims(c, "the shape of an input, CxHxW,", 3, dims + 1, &n);
    if (!st) st = net_expect_end(c);
    if (st) return st;
    snprintf(text, sizeof text, "%.*s", (int)name.n, name.p);
    ph_value v;
    st = net_find_symbol(p, text) ? net_define(p, text, PH_NONE)
                                  : ph_graph_add_input(p->g, text, PH_FLOAT32, n + 1, dims, &v, p->err);
    if (st) return st;
    phi_type type = { .dtype = PH_FLOAT32, .rank = (int)n + 1, .dims = { 1 } };
    memcpy(type.dims + 1, dims + 1, n * sizeof *dims);
    st = phi_type_check(&type, text, p->err);
    if (!st) st = net_note_input(p, v, &type);
    if (!st) st = net_define(p, text, v);
    p->current = v;
    return st;
}

static enum ph_status run_output(net_parser *p, net_cursor *c)
{
    if (p->current == PH_NONE) return net_fail_here(c, "there is nothing to put out yet");
    if (net_at_end(c)) return ph_graph_add_output(p->g, p->current, p->err);
    enum ph_status st = PH_OK;
    while (!st && !net_at_end(c)) {
        ph_value v;
        ph_error twice;
        st = net_take_reference(c, &v);
        if (!st && ph_graph_add_output(p->g, v, &twice))
            st = net_fail_here(c, "%.200s", twice.message);
    }
    return st;
}

/* --- Layers ------------------------------------------------------------------------------------ */

/* Cut "from NAME" off the end of a statement; *in is what the statement takes. */
static enum ph_status take_from(net_parser *p, net_statement *st, ph_value *in)
{
    *in = p->current;
    for (const char *at = st->word.p + st->word.n; at + 5 < st->end; at++) {
        const bool word = (at[0] == ' ' || at[0] == '\t') && memcmp(at + 1, "from", 4) == 0 &&
                          (at[5] == ' ' || at[5] == '\t');
        if (!word) continue;
        net_cursor c = { p, p->frame->source, st, at + 5, st->end };
        enum ph_status status = net_take_reference(&c, in);
        if (!status) status = net_expect_end(&c);
        st->end = at;
        return status;
    }
    if (*in == PH_NONE)
        return fail_word(p, st, "'%s' must come before the first layer", "input NAME CxHxW");
    return PH_OK;
}

static enum ph_status run_layer(net_parser *p, const net_statement *given)
{
    net_statement st = *given;
    char path[NET_PATH_BYTES];
    size_t index = 0;
    net_find_layer(st.word, &index);
    ph_value in;
    enum ph_status status = take_from(p, &st, &in);
    if (status) return status;
    unsigned *made_up = &p->frame->made_up[index];
    status = net_make_path(p, &st, st.layer->name, st.label.n ? 0 : ++*made_up, path);
    if (status) return status;
    p->current = in;
    net_cursor c = net_cursor_at(p, p->frame->source, &st);
    return st.layer->run(&c, st.layer, path);
}

/* --- Macros ------------------------------------------------------------------------------------ */

static bool set_param(net_frame *f, net_span name, net_number value, bool *given)
{
    for (size_t i = 0; i < f->n_params; i++) {
        if (!net_span_equal(f->param[i], name) || given[i]) continue;
        f->value[i] = value;
        return given[i] = true;
    }
    return false;
}

/* Arguments of a call: numbers in order, then NAME=number. */
static enum ph_status take_arguments(net_cursor *c, net_frame *f, bool *given)
{
    size_t n = 0;
    enum ph_status st = PH_OK;
    while (!st && net_number_next(c)) {
        const char *at = c->p;
        const net_span word = net_peek_word(c);
        if (word.n && c->p + word.n < c->end && c->p[word.n] == '=') break; /* a name after all */
        if (n == f->n_params) {
            c->p = at;
            return net_fail_here(c, "'%.*s' takes %zu numbers; this is one too many",
                                 (int)f->macro->name.n, f->macro->name.p, f->n_params);
        }
        st = net_take_number(c, "a number", &f->value[n]);
        given[n++] = true;
    }
    while (!st && !net_at_end(c)) {
        const net_span name = net_peek_word(c);
        const char *at = c->p;
        if (!name.n || c->p + name.n >= c->end || c->p[name.n] != '=') return net_expect_end(c);
        c->p += name.n + 1;
        net_number value;
        st = net_take_number(c, "a number", &value);
        if (st || set_param(f, name, value, given)) continue;
        c->p = at;
        return net_fail_here(c, "'%.*s' has no parameter '%.*s', or has it already",
                             (int)f->macro->name.n, f->macro->name.p, (int)name.n, name.p);
    }
    return st;
}

/* Names of the parameters, from the macro's head. */
static enum ph_status list_params(net_parser *p, net_frame *f)
{
    net_cursor c = net_cursor_at(p, f->source, f->now);
    net_span name;
    enum ph_status st = net_take_name(&c, "a name", &name);
    while (!st && !net_at_end(&c)) {
        bool has_default;
        net_number ignored;
        st = net_take_param(&c, &f->param[f->n_params++], &has_default);
        if (!st && has_default) st = net_take_number(&c, "a default", &ignored);
    }
    return st;
}

/* Defaults for what the call left out; they are plain numbers. */
static enum ph_status fill_defaults(net_parser *p, net_frame *f, const net_cursor *call,
                                    const bool *given)
{
    net_cursor c = net_cursor_at(p, f->source, f->now);
    net_span name;
    enum ph_status st = net_take_name(&c, "a name", &name);
    for (size_t i = 0; i < f->n_params && !st; i++) {
        bool has_default;
        net_number value;
        net_at_end(&c);
        st = net_take_param(&c, &name, &has_default);
        if (!st && has_default) st = net_take_number(&c, "a default", &value);
        if (st || given[i]) continue;
        if (!has_default) {
            net_cursor here = *call;
            return net_fail_here(&here, "'%.*s' needs a number for '%.*s'", (int)f->macro->name.n,
                                 f->macro->name.p, (int)name.n, name.p);
        }
        f->value[i] = value;
    }
    return st;
}

static enum ph_status unknown_word(net_parser *p, const net_statement *st)
{
    char hint[NET_HINT_BYTES];
    net_nearest near = net_nearest_start(st->word);
    for (size_t i = 0; net_layer_at(i); i++) {
        const char *name = net_layer_at(i)->name;
        net_nearest_offer(&near, (net_span){ name, strlen(name) });
    }
    for (size_t i = 0; i < p->n_macros; i++) net_nearest_offer(&near, p->macros[i].name);
    return net_fail(p, p->frame->source, st, st->word.p, PH_ERR_FORMAT,
                    "there is no layer or macro '%.*s'%s", (int)st->word.n, st->word.p,
                    net_nearest_hint(&near, hint));
}

static size_t depth_of(const net_frame *f)
{
    size_t n = 0;
    for (; f; f = f->caller) n++;
    return n;
}

static enum ph_status run_body(net_parser *p, net_frame *f, const net_cursor *call,
                               const bool *given)
{
    net_frame *caller = p->frame;
    const net_statement *head = &f->source->statements[f->macro->at];
    enum ph_status st = fill_defaults(p, f, call, given);
    if (st) return st;
    f->made_up = phi_calloc(&p->mem, net_layer_count() + p->n_macros, sizeof *f->made_up);
    if (!f->made_up) return phi_fail_nomem(p->err);
    p->frame = f;
    p->current = f->in;
    st = run_range(p, f->macro->at + 1, head->next);
    p->frame = caller;
    phi_free(&p->mem, f->made_up);
    return st;
}

static enum ph_status run_call(net_parser *p, const net_statement *given_st)
{
    net_statement st = *given_st;
    const net_macro *macro = net_find_macro(p, p->frame->source, st.word);
    if (!macro) return unknown_word(p, &st);
    if (depth_of(p->frame) > NET_DEPTH_MAX)
        return fail_word(p, &st, "macros call each other more than %s deep", "32");
    net_frame f = { .caller = p->frame, .macro = macro, .source = macro->source,
                    .now = &macro->source->statements[macro->at] };
    bool given[NET_PARAMS_MAX] = { false };
    char base[NET_NAME_MAX + 1];
    snprintf(base, sizeof base, "%.*s", (int)st.word.n, st.word.p);
    enum ph_status status = take_from(p, &st, &f.in);
    unsigned *made_up = &p->frame->made_up[net_layer_count() + (size_t)(macro - p->macros)];
    if (!status)
        status = net_make_path(p, &st, base, st.label.n ? 0 : ++*made_up, f.scope);
    f.root = strlen(f.scope);
    net_cursor c = net_cursor_at(p, p->frame->source, &st);
    if (!status) status = list_params(p, &f);
    if (!status) status = take_arguments(&c, &f, given);
    if (!status) status = run_body(p, &f, &c, given);
    return status ? status : net_define(p, f.scope, p->current);
}

/* --- Blocks ------------------------------------------------------------------------------------ */

static enum ph_status run_repeat(net_parser *p, net_cursor *c, size_t at)
{
    net_frame *f = p->frame;
    const net_statement *st = &f->source->statements[at];
    int64_t n;
    enum ph_status status = net_take_int(c, "how often to repeat", 0, &n);
    if (!status) status = net_expect_end(c);
    const size_t before = strlen(f->scope);
    for (int64_t i = 1; i <= n && !status; i++) {
        if (st->label.n) {
            const int k = snprintf(f->scope + before, sizeof f->scope - before, "%s%.*s%lld",
                                   before ? "/" : "", (int)st->label.n, st->label.p, (long long)i);
            if (k < 0 || (size_t)k >= sizeof f->scope - before)
                status = fail_word(p, st, "the full name is too %s", "long");
        }
        if (!status) status = run_range(p, at + 1, st->next);
        f->scope[before] = 0;
    }
    return status;
}

static enum ph_status run_if(net_parser *p, net_cursor *c, size_t at)
{
    const net_statement *all = p->frame->source->statements;
    bool yes;
    enum ph_status st = net_take_condition(c, &yes);
    if (st) return st;
    const size_t middle = all[at].next;
    if (yes) return run_range(p, at + 1, middle);
    return all[middle].kind == NET_ELSE ? run_range(p, middle + 1, all[middle].next) : PH_OK;
}

/* split, its branches, join: every branch begins with the value before the split. */
static enum ph_status run_split(net_parser *p, size_t at, size_t *next)
{
    const net_statement *all = p->frame->source->statements;
    const ph_value start = p->current;
    ph_value ends[NET_BRANCHES_MAX];
    size_t n = 0, branch = all[at].next;
    enum ph_status st = PH_OK;
    if (start == PH_NONE)
        return fail_word(p, &all[at], "'%s' must come before the first layer", "input NAME CxHxW");
    for (; all[branch].kind == NET_BRANCH && !st; branch = all[branch].next) {
        if (n == NET_BRANCHES_MAX)
            return fail_word(p, &all[branch], "too many %s; at most 64 are possible", "branches");
        p->current = start;
        p->frame->now = &all[branch];
        net_cursor c = net_cursor_at(p, p->frame->source, &all[branch]);
        st = net_expect_end(&c);
        if (!st) st = run_range(p, branch + 1, all[branch].next);
        ends[n++] = p->current;
    }
    if (st) return st;
    *next = branch + 1;
    p->frame->now = &all[branch];
    net_statement join = all[branch];
    net_cursor c = net_cursor_at(p, p->frame->source, &all[branch]);
    static const char *const kinds[] = { "concat", "add", "mul" };
    const char *kind = net_at_end(&c) ? kinds[0] : NULL;
    for (size_t i = 0; i < PHI_COUNT(kinds) && !kind; i++)
        if (net_take_word(&c, kinds[i])) kind = kinds[i];
    if (!kind) return net_fail_here(&c, "'concat', 'add' or 'mul' was wanted");
    st = net_expect_end(&c);
    if (st) return st;
    char path[NET_PATH_BYTES];
    size_t index = 0;
    net_find_layer((net_span){ kind, strlen(kind) }, &index);
    st = net_make_path(p, &join, kind, join.label.n ? 0 : ++p->frame->made_up[index], path);
    c = net_cursor_at(p, p->frame->source, &all[branch]);
    net_take_word(&c, kind);
    return st ? st : net_join(&c, path, n, ends);
}

/* The statement at *i; *i moves on to the next one. */
static enum ph_status run_one(net_parser *p, size_t *i)
{
    net_frame *f = p->frame;
    const size_t at = (*i)++;
    const net_statement *st = &f->source->statements[at];
    net_cursor c = net_cursor_at(p, f->source, st);
    f->now = st;
    if (++p->steps > NET_STEPS_MAX)
        return fail_word(p, st, "the text goes on for too %s", "long");
    switch (st->kind) {
    case NET_NETWORK: return run_network(p, &c);
    case NET_TITLE: return PH_OK;
    case NET_INPUT: return run_input(p, &c);
    case NET_OUTPUT: return run_output(p, &c);
    case NET_LAYER: return run_layer(p, st);
    case NET_CALL: return run_call(p, st);
    case NET_MACRO: *i = st->next + 1; return PH_OK;
    case NET_IF: {
        const size_t middle = st->next;
        const net_statement *m = &f->source->statements[middle];
        *i = (m->kind == NET_ELSE ? m->next : middle) + 1;
        return run_if(p, &c, at);
    }
    case NET_REPEAT: *i = st->next + 1; return run_repeat(p, &c, at);
    case NET_SPLIT: return run_split(p, at, i);
    case NET_ELSE:
    case NET_END:
    case NET_BRANCH:
    case NET_JOIN: break;
    }
    return fail_word(p, st, "'%s' in the wrong place", "a block's word");
}

static enum ph_status run_range(net_parser *p, size_t from, size_t to)
{
    enum ph_status st = PH_OK;
    for (size_t i = from; i < to && !st;) st = run_one(p, &i);
    return st;
}

enum ph_status net_run(net_parser *p)
{
    net_frame top = { .source = &p->text, .now = p->text.statements };
    top.made_up = phi_calloc(&p->mem, net_layer_count() + p->n_macros, sizeof *top.made_up);
    if (!top.made_up) return phi_fail_nomem(p->err);
    p->frame = &top;
    enum ph_status st = run_range(p, 0, p->text.n_statements);
    if (!st) st = net_finish(p);
    phi_free(&p->mem, top.made_up);
    p->frame = NULL;
    return st;
}
