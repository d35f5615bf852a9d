/* SPDX-License-Identifier: MIT */
/*
 * Carrying out the statements of a text.
 */
#include <stdio.h>

#include "zoo/net.h"

static enum ph_status run_range(net_parser *p, size_t first, size_t last);

static enum ph_status fail_word(net_parser *p, const char *format, const char *word)
{
    const net_frame *f = p->frame;
    return phi_net_fail(p, f->source, f->now, f->now->word.p, PH_ERR_FORMAT, format, word);
}

/* A bound on what a short text can make the reader do. */
static enum ph_status count_step(net_parser *p)
{
    if (++p->steps <= NET_STEPS_MAX) return PH_OK;
    return fail_word(p, "the text comes to more than 100000 statements when all %s is written out",
                     "that macros and repeats stand for");
}

static net_cursor cursor_now(net_parser *p)
{
    return phi_net_cursor_at(p, p->frame->source, p->frame->now);
}

/* --- Inputs and outputs ---------------------------------------------------------------------- */

/* input NAME AxBxC: dimensions behind the batch */
static enum ph_status run_input(net_parser *p)
{
    net_cursor c = cursor_now(p);
    net_span word;
    size_t n;
    phi_type t = {.dtype = PH_FLOAT32};
    phi_net_skip_space(&c);
    const char *start = c.p;
    enum ph_status st = phi_net_take_name(&c, "the input's name", "", &word);
    if (!st) st = phi_net_take_dims(&c, false, &t.dims[1], &n);
    if (!st) st = phi_net_expect_end(&c);
    if (st) return st;
    char name[NET_NAME_MAX + 1];
    snprintf(name, sizeof name, "%.*s", (int)word.n, word.p);
    c.p = start;
    const net_symbol *taken = phi_net_find_symbol(p, name);
    if (taken) return net_fail_here(&c, "the name '%s' is taken by line %zu", name, taken->line);
    t.rank = (int)n + 1;
    t.dims[0] = 2; /* what is inferred with later on */
    if (phi_type_check(&t, name, NULL))
        return net_fail_here(&c, "input '%s' has more elements than can be counted", name);
    t.dims[0] = -1;
    ph_value v;
    st = ph_graph_add_input(p->g, name, t.dtype, (size_t)t.rank, t.dims, &v, p->err);
    if (st) return st;
    if (!(p->g->values[v].dim_names[0] = phi_strdup(&p->mem, "N"))) return phi_fail_nomem(p->err);
    t.dims[0] = 1;
    st = phi_net_note_input(p, v, &t);
    p->current = v;
    return st ? st : phi_net_define(p, name, v);
}

/* `at`: where the text asks for it. */
static enum ph_status put_out(net_parser *p, const char *at, ph_value v)
{
    const net_frame *f = p->frame;
    const phi_value *value = &p->g->values[v];
    for (size_t i = 0; i < p->g->n_outputs; i++)
        if (p->g->outputs[i] == v)
            return phi_net_fail(p, f->source, f->now, at, PH_ERR_FORMAT, "'%s' is an output already",
                            value->name);
    if (value->producer < 0)
        return phi_net_fail(p, f->source, f->now, at, PH_ERR_FORMAT,
                        "'%s' is an input; a layer's value "
                        "was wanted as the output",
                        value->name);
    return ph_graph_add_output(p->g, v, p->err);
}

/* output [NAME...]: the current value, or those named */
static enum ph_status run_output(net_parser *p)
{
    net_cursor c = cursor_now(p);
    if (p->current == PH_NONE) return fail_word(p, "'%s' before any input", "output");
    if (phi_net_at_end(&c)) return put_out(p, c.statement->word.p, p->current);
    while (!phi_net_at_end(&c)) {
        const char *at = c.p;
        ph_value v;
        enum ph_status st = phi_net_take_reference(&c, &v);
        if (!st) st = put_out(p, at, v);
        if (st) return st;
    }
    return PH_OK;
}

/* --- from ------------------------------------------------------------------------------------ */

/*
 * `from NAME` ends a layer, a call, a repeat or a split. It is looked for first, so that c, h and w
 * among the arguments mean the value that the layer takes. `now` is shortened by it.
 */
static enum ph_status take_from(net_parser *p, net_statement *now)
{
    net_cursor c = cursor_now(p);
    for (; !phi_net_at_end(&c); c.p++) {
        const net_span word = phi_net_peek_word(&c);
        const bool alone = c.p > now->line && (c.p[-1] == ' ' || c.p[-1] == '\t');
        if (alone && phi_net_span_is(word, "from")) break;
        if (word.n) c.p += word.n - 1;
    }
    if (phi_net_at_end(&c)) return PH_OK;
    const char *end = c.p;
    c.p += 4;
    enum ph_status st = phi_net_take_reference(&c, &p->current);
    if (st) return st;
    if (!phi_net_at_end(&c)) return net_fail_here(&c, "'from NAME' must come last");
    while (end > now->word.p + now->word.n && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    now->end = end;
    return PH_OK;
}

/* --- Layers and macros ----------------------------------------------------------------------- */

static enum ph_status run_layer(net_parser *p)
{
    const net_statement *st = p->frame->now;
    size_t index;
    char path[NET_PATH_BYTES];
    const net_layer *layer = phi_net_find_layer(st->word, &index);
    enum ph_status status = phi_net_make_path(p, st, layer->name, index, path);
    if (status) return status;
    net_cursor c = cursor_now(p);
    status = layer->run(&c, layer, path);
    return status ? status : phi_net_define(p, path, p->current);
}

static enum ph_status unknown_word(net_parser *p)
{
    const net_statement *st = p->frame->now;
    char hint[NET_HINT_BYTES];
    net_nearest near = phi_net_nearest_start(st->word);
    phi_net_offer_words(&near);
    for (size_t i = 0; i < p->n_macros; i++)
        phi_net_nearest_offer(&near, p->macros[i].name);
    return phi_net_fail(p, p->frame->source, st, st->word.p, PH_ERR_FORMAT,
                    "there is no layer or macro "
                    "'%.*s'%s",
                    (int)st->word.n, st->word.p, phi_net_nearest_hint(&near, hint));
}

/* The parameter of this name, or n_params; `near` collects names on the way. */
static size_t find_option(const net_frame *f, size_t n_required, net_span word, net_nearest *near)
{
    size_t i = n_required;
    for (; i < f->n_params && !phi_net_span_equal(f->param[i], word); i++)
        phi_net_nearest_offer(near, f->param[i]);
    return i;
}

/* The options of a call: `stride 2`, `stride=2`, or `/ 2` for the parameter called stride; or the
 * number alone, in order. */
static enum ph_status take_call_option(net_cursor *c, net_frame *f, size_t n_required, bool *given)
{
    phi_net_skip_space(c);
    const char *start = c->p;
    const bool slash = phi_net_take_char(c, '/');
    const net_span word = slash ? (net_span){"stride", 6} : phi_net_peek_word(c);
    const net_span macro = f->macro->name;
    net_nearest near = phi_net_nearest_start(word);
    size_t i = find_option(f, n_required, word, &near);
    const bool by_name = i < f->n_params;
    if (!by_name && !slash && phi_net_number_next(c))
        for (i = n_required; i < f->n_params && given[i];)
            i++;
    c->p = start;
    char hint[NET_HINT_BYTES];
    if (i == f->n_params && word.n)
        return net_fail_here(c, "'%.*s' is no option of macro '%.*s'%s", (int)word.n, word.p,
                             (int)macro.n, macro.p, phi_net_nearest_hint(&near, hint));
    if (i == f->n_params) return phi_net_expect_end(c);
    if (given[i]) return net_fail_here(c, "'%.*s' is given twice", (int)word.n, word.p);
    given[i] = true;
    if (by_name) c->p += slash ? 1 : word.n;
    if (by_name && !slash && c->p < c->end && *c->p == '=') c->p++;
    return phi_net_take_number(c, "a number", &f->value[i]);
}

/* The head of a macro: names of its parameters, and where the defaults stand. */
static enum ph_status read_head(net_cursor *head, net_frame *f, net_cursor *defaults,
                                size_t *required)
{
    net_span name;
    enum ph_status st = phi_net_take_name(head, "a name", "", &name);
    *required = 0;
    for (f->n_params = 0; !st && !phi_net_at_end(head); f->n_params++) {
        bool has_default;
        st = phi_net_take_param(head, &f->param[f->n_params], &has_default);
        defaults[f->n_params] = *head;
        while (has_default && head->p < head->end && *head->p != ' ' && *head->p != '\t')
            head->p++;
        defaults[f->n_params].end = head->p;
        if (!has_default) *required = f->n_params + 1;
    }
    return st;
}

/*
 * Parameters of the call: those without default by place, the others by place or name. Arguments
 * are read in the caller's frame, defaults in the macro's, where parameters further left are known.
 */
static enum ph_status bind(net_parser *p, net_frame *f)
{
    net_cursor args = cursor_now(p), defaults[NET_PARAMS_MAX];
    net_cursor head = phi_net_cursor_at(p, f->source, &f->source->statements[f->macro->at]);
    bool given[NET_PARAMS_MAX] = {false};
    size_t n_required;
    enum ph_status st = read_head(&head, f, defaults, &n_required);
    for (size_t i = 0; i < n_required && !st; i++) {
        char what[NET_NAME_MAX + 32];
        snprintf(what, sizeof what, "the number '%.*s'", (int)f->param[i].n, f->param[i].p);
        st = phi_net_take_number(&args, what, &f->value[i]);
    }
    while (!st && !phi_net_at_end(&args))
        st = take_call_option(&args, f, n_required, given);
    if (st) return st;
    net_frame *caller = p->frame;
    const size_t n = f->n_params;
    f->now = head.statement;
    p->frame = f;
    for (f->n_params = n_required; f->n_params < n && !st; f->n_params++)
        if (!given[f->n_params])
            st = phi_net_take_number(&defaults[f->n_params], "a default", &f->value[f->n_params]);
    p->frame = caller;
    return st;
}

static size_t n_counters(const net_parser *p)
{
    return phi_net_layer_count() + p->n_macros + 1;
}
static size_t macro_counter(const net_parser *p, const net_macro *m)
{
    return phi_net_layer_count() + (size_t)(m - p->macros);
}

static enum ph_status run_macro(net_parser *p, const net_macro *m, const char *path)
{
    net_frame *caller = p->frame;
    net_frame f = {.caller = caller,
                   .top = caller->top ? caller->top : caller,
                   .macro = m,
                   .source = m->source,
                   .in = p->current};
    size_t depth = 0;
    for (const net_frame *up = p->frame; up; up = up->caller)
        depth++;
    if (depth > NET_DEPTH_MAX)
        return fail_word(p, "macros call each other more than 32 deep; does one call itself?%s",
                         "");
    snprintf(f.scope, sizeof f.scope, "%s", path);
    f.root = strlen(path);
    enum ph_status st = bind(p, &f);
    if (st) return st;
    f.made_up = phi_calloc(&p->mem, n_counters(p), sizeof *f.made_up);
    if (!f.made_up) return phi_fail_nomem(p->err);
    f.now = &m->source->statements[m->at];
    p->frame = &f;
    st = run_range(p, m->at + 1, f.now->next);
    p->frame = f.caller;
    phi_free(&p->mem, f.made_up);
    return st;
}

static enum ph_status run_call(net_parser *p)
{
    const net_statement *now = p->frame->now;
    const net_macro *m = phi_net_find_macro(p, p->frame->source, now->word);
    if (!m) return unknown_word(p);
    char base[NET_NAME_MAX + 1], path[NET_PATH_BYTES];
    snprintf(base, sizeof base, "%.*s", (int)m->name.n, m->name.p);
    enum ph_status st = phi_net_make_path(p, now, base, macro_counter(p, m), path);
    if (!st) st = run_macro(p, m, path);
    return st ? st : phi_net_define(p, path, p->current);
}

/* --- Blocks ---------------------------------------------------------------------------------- */

static enum ph_status run_if(net_parser *p, size_t i, size_t *next)
{
    const net_statement *list = p->frame->source->statements;
    net_cursor c = cursor_now(p);
    bool yes;
    enum ph_status st = phi_net_take_condition(&c, &yes);
    if (st) return st;
    const size_t middle = list[i].next; /* else or end */
    const size_t end = list[middle].kind == NET_ELSE ? list[middle].next : middle;
    *next = end + 1;
    if (yes) return run_range(p, i + 1, middle);
    return middle == end ? PH_OK : run_range(p, middle + 1, end);
}

/* One turn of a repeat that has a name: in a scope of its own. */
static enum ph_status run_turn(net_parser *p, const char *path, int64_t turn, size_t first,
                               size_t last)
{
    net_frame *f = p->frame;
    enum ph_status st = PH_OK;
    const int n = snprintf(f->scope, sizeof f->scope, "%s/%lld", path, (long long)turn);
    if (n < 0 || n >= NET_PATH_BYTES) return fail_word(p, "the full name is too long%s", "");
    unsigned *counters = f->made_up;
    f->made_up = phi_calloc(&p->mem, n_counters(p), sizeof *f->made_up);
    st = f->made_up ? run_range(p, first, last) : phi_fail_nomem(p->err);
    phi_free(&p->mem, f->made_up);
    f->made_up = counters;
    return st;
}

/* repeat N: with a name each turn has a scope of its own, NAME/1, NAME/2, ...; without, layers are
 * numbered on from turn to turn */
static enum ph_status run_repeat(net_parser *p, size_t i, size_t *next)
{
    net_frame *f = p->frame;
    const net_statement *now = f->now;
    net_cursor c = cursor_now(p);
    int64_t n;
    char path[NET_PATH_BYTES], outer[NET_PATH_BYTES];
    enum ph_status st = phi_net_take_int(&c, "a number of turns", 0, &n);
    if (!st) st = phi_net_expect_end(&c);
    if (!st && now->label.n) st = phi_net_make_path(p, now, "", 0, path);
    if (st) return st;
    *next = f->source->statements[i].next + 1;
    memcpy(outer, f->scope, sizeof outer);
    for (int64_t turn = 1; turn <= n && !st; turn++) {
        st = count_step(p);
        if (!st && now->label.n) st = run_turn(p, path, turn, i + 1, *next - 1);
        if (!st && !now->label.n) st = run_range(p, i + 1, *next - 1);
        f->now = now;
    }
    memcpy(f->scope, outer, sizeof outer);
    return st || !now->label.n ? st : phi_net_define(p, path, p->current);
}

static enum ph_status run_split(net_parser *p, size_t i, size_t *next)
{
    net_frame *f = p->frame;
    const net_statement *list = f->source->statements;
    ph_value ends[NET_BRANCHES_MAX];
    const ph_value in = p->current;
    size_t n = 0, at = list[i].next;
    net_cursor c = cursor_now(p);
    enum ph_status st = phi_net_expect_end(&c);
    for (; list[at].kind == NET_BRANCH && !st; at = list[at].next) {
        f->now = &list[at];
        if (n == NET_BRANCHES_MAX) return fail_word(p, "more than 64 branches%s", "");
        c = cursor_now(p);
        st = phi_net_expect_end(&c);
        p->current = in;
        if (!st) st = run_range(p, at + 1, list[at].next);
        ends[n++] = p->current;
    }
    if (st) return st;
    *next = at + 1;
    f->now = &list[at];
    char path[NET_PATH_BYTES];
    c = cursor_now(p);
    const net_span how = phi_net_peek_word(&c);
    size_t counter = n_counters(p) - 1;
    phi_net_find_layer(how, &counter); /* concat_1, add_1 are counted with the layers of that name */
    char base[NET_NAME_MAX + 1];
    snprintf(base, sizeof base, "%.*s", (int)(how.n <= NET_NAME_MAX ? how.n : 0), how.p);
    st = phi_net_make_path(p, f->now, base, counter, path);
    if (!st) st = phi_net_join(&c, path, n, ends);
    return st ? st : phi_net_define(p, path, p->current);
}

/* --- All statements -------------------------------------------------------------------------- */

/* Layers, calls, repeat, split: what takes the current value. */
static enum ph_status run_on_value(net_parser *p, size_t i, size_t *next)
{
    net_frame *f = p->frame;
    if (f->now->kind == NET_CALL && !phi_net_find_macro(p, f->source, f->now->word))
        return unknown_word(p);
    if (p->current == PH_NONE)
        return phi_net_fail(p, f->source, f->now, f->now->word.p, PH_ERR_FORMAT,
                        "'%.*s' before any "
                        "input; 'input NAME CxHxW' was wanted first",
                        (int)f->now->word.n, f->now->word.p);
    net_statement now = *f->now; /* `from` shortens it */
    f->now = &now;
    enum ph_status st = take_from(p, &now);
    if (!st && now.kind == NET_LAYER) st = run_layer(p);
    if (!st && now.kind == NET_CALL) st = run_call(p);
    if (!st && now.kind == NET_REPEAT) st = run_repeat(p, i, next);
    if (!st && now.kind == NET_SPLIT) st = run_split(p, i, next);
    f->now = &f->source->statements[i];
    return st;
}

static enum ph_status run_end(net_parser *p)
{
    net_cursor c = cursor_now(p);
    return phi_net_expect_end(&c);
}

static enum ph_status run_statement(net_parser *p, size_t i, size_t *next)
{
    net_frame *f = p->frame;
    f->now = &f->source->statements[i];
    *next = i + 1;
    enum ph_status st = count_step(p);
    if (st) return st;
    switch (f->now->kind) {
    case NET_NETWORK:
    case NET_TITLE:
    case NET_PAPER:
    case NET_PUBLISHED:
    case NET_NOTE:
        return phi_net_run_head(p);
    case NET_INPUT:
        return run_input(p);
    case NET_OUTPUT:
        return run_output(p);
    case NET_MACRO:
        *next = f->now->next + 1;
        return PH_OK;
    case NET_IF:
        return run_if(p, i, next);
    case NET_LAYER:
    case NET_CALL:
    case NET_REPEAT:
    case NET_SPLIT:
        return run_on_value(p, i, next);
    case NET_ELSE:
    case NET_END:
    case NET_BRANCH:
    case NET_JOIN:
        break;
    }
    return run_end(p);
}

/* Statements first .. last - 1 of the frame's source. */
static enum ph_status run_range(net_parser *p, size_t first, size_t last)
{
    enum ph_status st = PH_OK;
    for (size_t i = first, next; i < last && !st; i = next)
        st = run_statement(p, i, &next);
    return st;
}

enum ph_status phi_net_run(net_parser *p)
{
    net_frame top = {.source = &p->text, .now = p->text.statements, .in = PH_NONE};
    top.made_up = phi_calloc(&p->mem, n_counters(p), sizeof *top.made_up);
    if (!top.made_up) return phi_fail_nomem(p->err);
    p->frame = &top;
    enum ph_status st = phi_net_choose(p);
    if (!st) st = run_range(p, 0, p->text.n_statements);
    top.now = &p->text.statements[p->text.n_statements - 1];
    if (!st && p->current == PH_NONE) st = fail_word(p, "the text ends without any '%s'", "input");
    if (!st && p->g->n_outputs == 0) /* the last value is what the network gives */
        st = put_out(p, top.now->word.p, p->current);
    if (!st) st = phi_net_finish(p);
    p->frame = NULL;
    phi_free(&p->mem, top.made_up);
    return st;
}
