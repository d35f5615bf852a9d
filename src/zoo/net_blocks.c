/* SPDX-License-Identifier: MIT */
/*
 * Which statement closes which block, and the list of macros: done once, before anything is carried
 * out, so that a missing `end` is found even where a text would not get.
 */
#include "zoo/net.h"

typedef struct block {
    size_t opener;
    size_t last; /* the statement whose `next` is open: opener, else, or branch */
} block;

typedef struct matcher {
    net_parser *p;
    net_source *s;
    block stack[NET_NEST_MAX];
    size_t depth;
} matcher;

static net_statement *opener_of(const matcher *m)
{
    return m->depth ? &m->s->statements[m->stack[m->depth - 1].opener] : NULL;
}

/* --- Macros ---------------------------------------------------------------------------------- */

enum ph_status phi_net_take_param(net_cursor *c, net_span *name, bool *has_default)
{
    static const char *const reserved[] = {"c",    "h",      "w",    "in",  "from",
                                           "ceil", "nobias", "same", "and", "or"};
    phi_net_skip_space(c);
    *name = phi_net_peek_word(c);
    *has_default = false;
    if (name->n == 0)
        return net_fail_here(
            c, "the name of a parameter was wanted: a letter, then letters and digits");
    for (size_t i = 0; i < name->n; i++)
        if (name->p[i] == '-') return net_fail_here(c, "a parameter cannot hold a '-'");
    for (size_t i = 0; i < PHI_COUNT(reserved); i++)
        if (phi_net_span_is(*name, reserved[i]))
            return net_fail_here(
                c, "'%s' is a word of the language; a parameter needs another name", reserved[i]);
    if (name->n > NET_NAME_MAX)
        return net_fail_here(c, "a name of %zu letters; at most %d are possible", name->n,
                             NET_NAME_MAX);
    c->p += name->n;
    *has_default = c->p < c->end && *c->p == '=';
    if (*has_default) c->p++;
    return PH_OK;
}

/* The head's parameters, so that a mistake in a macro that nobody calls is found, too. */
static enum ph_status check_params(net_cursor *c)
{
    net_span seen[NET_PARAMS_MAX];
    bool optional = false;
    for (size_t n = 0; !phi_net_at_end(c); n++) {
        const char *start = c->p;
        bool has_default;
        net_span name;
        enum ph_status st = phi_net_take_param(c, &name, &has_default);
        if (st) return st;
        const char *end = c->p;
        c->p = start;
        if (n == NET_PARAMS_MAX) return net_fail_here(c, "more than %d parameters", NET_PARAMS_MAX);
        if (optional && !has_default)
            return net_fail_here(c, "'%.*s' has no default, but one before it has", (int)name.n,
                                 name.p);
        for (size_t i = 0; i < n; i++)
            if (phi_net_span_equal(seen[i], name))
                return net_fail_here(c, "there are two parameters '%.*s'", (int)name.n, name.p);
        seen[n] = name;
        optional = has_default;
        c->p = end;
        while (has_default && c->p < c->end && *c->p != ' ' && *c->p != '\t')
            c->p++;
        if (has_default && c->p == end) return net_fail_here(c, "a default was wanted behind '='");
    }
    return PH_OK;
}

static enum ph_status add_macro(matcher *m, size_t at)
{
    net_parser *p = m->p;
    const net_statement *st = &m->s->statements[at];
    net_cursor c = phi_net_cursor_at(p, m->s, st);
    net_macro macro = {.source = m->s, .at = at};
    phi_net_skip_space(&c);
    const char *start = c.p;
    enum ph_status status = phi_net_take_name(&c, "the macro's name", "", &macro.name);
    if (status) return status;
    net_cursor at_name = c;
    at_name.p = start;
    if (phi_net_word_kind(macro.name) != NET_CALL)
        return net_fail_here(&at_name,
                             "'%.*s' is a word of the language; the macro needs another "
                             "name",
                             (int)macro.name.n, macro.name.p);
    for (size_t i = 0; i < p->n_macros; i++)
        if (p->macros[i].source == m->s && phi_net_span_equal(p->macros[i].name, macro.name))
            return net_fail_here(&at_name, "macro '%.*s' is there already, in line %zu",
                                 (int)macro.name.n, macro.name.p,
                                 m->s->statements[p->macros[i].at].number);
    if (p->n_macros == NET_MACROS_MAX)
        return net_fail_here(&at_name, "more than %d macros", NET_MACROS_MAX);
    if (!phi_grow(&p->mem, (void **)&p->macros, p->n_macros, &p->macros_capacity, sizeof macro))
        return phi_fail_nomem(p->err);
    p->macros[p->n_macros++] = macro;
    return check_params(&c);
}

const net_macro *phi_net_find_macro(const net_parser *p, const net_source *from, net_span name)
{
    const net_macro *found = NULL;
    for (size_t i = 0; i < p->n_macros; i++) {
        const net_macro *m = &p->macros[i];
        if (!phi_net_span_equal(m->name, name) || (from->prelude && !m->source->prelude)) continue;
        if (!found || !m->source->prelude) found = m; /* the text's own comes first */
    }
    return found;
}

/* --- Blocks ---------------------------------------------------------------------------------- */

static enum ph_status open_block(matcher *m, size_t i)
{
    const net_statement *st = &m->s->statements[i];
    if (st->kind == NET_MACRO && m->depth)
        return phi_net_fail(m->p, m->s, st, st->word.p, PH_ERR_FORMAT,
                        "a macro within the '%.*s' of "
                        "line %zu; macros stand alone",
                        (int)opener_of(m)->word.n, opener_of(m)->word.p, opener_of(m)->number);
    if (m->depth == NET_NEST_MAX)
        return phi_net_fail(m->p, m->s, st, st->word.p, PH_ERR_FORMAT,
                        "more than %d blocks in each "
                        "other",
                        NET_NEST_MAX);
    m->stack[m->depth++] = (block){i, i};
    return st->kind == NET_MACRO ? add_macro(m, i) : PH_OK;
}

static enum ph_status go_on(matcher *m, size_t i, bool wanted, const char *what, bool closes)
{
    const net_statement *st = &m->s->statements[i];
    if (!wanted) {
        const net_statement *open = opener_of(m);
        if (!open)
            return phi_net_fail(m->p, m->s, st, st->word.p, PH_ERR_FORMAT, "%s but no block is open",
                            what);
        return phi_net_fail(m->p, m->s, st, st->word.p, PH_ERR_FORMAT,
                        "%s but the block that is open "
                        "is the '%.*s' of line %zu",
                        what, (int)open->word.n, open->word.p, open->number);
    }
    block *b = &m->stack[m->depth - 1];
    m->s->statements[b->last].next = i;
    b->last = i;
    if (closes) m->depth--;
    return PH_OK;
}

/* Is nothing open but ifs of the top? There an output may depend on a parameter of the network. */
static bool only_ifs(const matcher *m)
{
    for (size_t i = 0; i < m->depth; i++)
        if (m->s->statements[m->stack[i].opener].kind != NET_IF) return false;
    return true;
}

static enum ph_status match(matcher *m, size_t i)
{
    const net_statement *st = &m->s->statements[i], *open = opener_of(m);
    const enum net_word inside = open ? open->kind : NET_CALL;
    const bool first = open && m->stack[m->depth - 1].last == m->stack[m->depth - 1].opener;
    if (inside == NET_SPLIT && first && i == m->stack[m->depth - 1].opener + 1 &&
        st->kind != NET_BRANCH)
        return phi_net_fail(m->p, m->s, st, st->word.p, PH_ERR_FORMAT,
                        "'branch' must follow 'split' "
                        "(line %zu)",
                        open->number);
    switch (st->kind) {
    case NET_MACRO:
    case NET_IF:
    case NET_REPEAT:
    case NET_SPLIT:
        return open_block(m, i);
    case NET_ELSE:
        return go_on(m, i, inside == NET_IF && first, "'else' belongs to an 'if',", false);
    case NET_BRANCH:
        return go_on(m, i, inside == NET_SPLIT, "'branch' belongs to a 'split',", false);
    case NET_JOIN:
        return go_on(m, i, inside == NET_SPLIT, "'join' closes a 'split',", true);
    case NET_END:
        return go_on(m, i, open && inside != NET_SPLIT, "'end' closes macro, if or repeat,", true);
    case NET_NETWORK:
    case NET_TITLE:
    case NET_PAPER:
    case NET_PUBLISHED:
    case NET_NOTE:
    case NET_INPUT:
        if (!open) return PH_OK;
        break;
    case NET_OUTPUT:
        if (only_ifs(m)) return PH_OK;
        break;
    case NET_CALL:
    case NET_LAYER:
        return PH_OK;
    }
    return phi_net_fail(m->p, m->s, st, st->word.p, PH_ERR_FORMAT,
                    "'%.*s' within the '%.*s' of "
                    "line %zu; it belongs outside of all blocks",
                    (int)st->word.n, st->word.p, (int)open->word.n, open->word.p, open->number);
}

enum ph_status phi_net_source_match(net_parser *p, net_source *s)
{
    matcher m = {.p = p, .s = s};
    enum ph_status st = PH_OK;
    for (size_t i = 0; i < s->n_statements && !st; i++)
        st = match(&m, i);
    if (!st && m.depth) {
        const net_statement *open = opener_of(&m);
        st = phi_net_fail(p, s, open, open->word.p, PH_ERR_FORMAT,
                      "'%.*s' is never closed; '%s' was "
                      "wanted before the end of the text",
                      (int)open->word.n, open->word.p, open->kind == NET_SPLIT ? "join" : "end");
    }
    return st;
}
