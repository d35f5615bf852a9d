/* SPDX-License-Identifier: MIT */
/*
 * From bytes to statements: [LABEL:] WORD ARGUMENTS, one a line or separated by ';', '#' begins a
 * comment. And the errors, which know where they are.
 */
#include <stdio.h>

#include "zoo/net.h"

/* --- Errors ---------------------------------------------------------------------------------- */

const net_frame *phi_net_own_frame(const net_parser *p)
{
    const net_frame *f = p->frame;
    while (f && f->source->prelude)
        f = f->caller;
    return f;
}

static size_t column_of(const net_statement *st, const char *at)
{
    return (size_t)(at - st->line) + 1;
}

/* What else is to be known about the place: the macro it is in, and where that was called. */
static void describe_macro(const net_parser *p, const net_source *s, const net_statement *st,
                           const char *at, const net_frame *own, char *out, size_t n)
{
    const net_frame *f = p->frame;
    out[0] = 0;
    if (!f || !f->macro) return;
    const net_span name = f->macro->name;
    if (s->prelude && own)
        snprintf(out, n, " [in macro '%.*s', %s:%zu:%zu]", (int)name.n, name.p, s->origin,
                 st->number, column_of(st, at));
    else if (f->caller)
        snprintf(out, n, " [in macro '%.*s', called in line %zu]", (int)name.n, name.p,
                 f->caller->now->number);
}

enum ph_status phi_net_fail(net_parser *p, const net_source *s, const net_statement *st, const char *at,
                        enum ph_status status, const char *format, ...)
{
    char text[1536], macro[2 * NET_PATH_BYTES], place[256];
    va_list args;
    va_start(args, format);
    phi_vformat(text, sizeof text, format, args);
    va_end(args);
    const net_frame *own = phi_net_own_frame(p);
    describe_macro(p, s, st, at, own, macro, sizeof macro);
    if (s->prelude && own) {
        s = own->source;
        st = own->now;
        at = st->word.p;
    }
    snprintf(place, sizeof place, "%.200s:%zu:%zu", s->origin, st->number, column_of(st, at));
    return phi_fail(p->err, status, place, "%s: %s%s", place, text, macro);
}

/* --- Nearest words --------------------------------------------------------------------------- */

#define NEAR_MAX 32 /* letters of a word that are looked at */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Damerau-Levenshtein distance in its simple form (a pair of letters is swapped once at most). */
static size_t distance(net_span a, net_span b)
{
    size_t row[3][NEAR_MAX + 1];
    for (size_t j = 0; j <= b.n; j++)
        row[0][j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t *now = row[i % 3], *above = row[(i + 2) % 3], *before = row[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            now[j] =
                least(least(above[j], now[j - 1]) + 1, above[j - 1] + (a.p[i - 1] != b.p[j - 1]));
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1])
                now[j] = least(now[j], before[j - 2] + 1);
        }
    }
    return row[a.n % 3][b.n];
}

net_nearest phi_net_nearest_start(net_span wanted)
{
    return (net_nearest){.wanted = wanted, .distance = SIZE_MAX};
}

void phi_net_nearest_offer(net_nearest *n, net_span candidate)
{
    if (n->wanted.n > NEAR_MAX || candidate.n > NEAR_MAX || candidate.n == 0) return;
    const size_t d = distance(n->wanted, candidate);
    if (d >= n->distance || d > 1 + n->wanted.n / 3 || d >= n->wanted.n) return;
    n->distance = d;
    memcpy(n->best, candidate.p, candidate.n);
    n->best[candidate.n] = 0;
}

const char *phi_net_nearest_hint(const net_nearest *n, char hint[NET_HINT_BYTES])
{
    hint[0] = 0;
    if (n->distance != SIZE_MAX) snprintf(hint, NET_HINT_BYTES, "; did you mean '%s'?", n->best);
    return hint;
}

/* --- Spans ----------------------------------------------------------------------------------- */

bool phi_net_span_is(net_span a, const char *word)
{
    return strlen(word) == a.n && memcmp(a.p, word, a.n) == 0;
}

bool phi_net_span_equal(net_span a, net_span b)
{
    return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

bool phi_net_is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

/* --- Statements ------------------------------------------------------------------------------ */

static const struct {
    const char *text;
    enum net_word kind;
} words[] = {
    {"network", NET_NETWORK},     {"title", NET_TITLE},   {"paper", NET_PAPER},
    {"published", NET_PUBLISHED}, {"note", NET_NOTE},     {"input", NET_INPUT},
    {"output", NET_OUTPUT},       {"macro", NET_MACRO},   {"if", NET_IF},
    {"else", NET_ELSE},           {"repeat", NET_REPEAT}, {"end", NET_END},
    {"split", NET_SPLIT},         {"branch", NET_BRANCH}, {"join", NET_JOIN},
};

enum net_word phi_net_word_kind(net_span word)
{
    for (size_t i = 0; i < PHI_COUNT(words); i++)
        if (phi_net_span_is(word, words[i].text)) return words[i].kind;
    return phi_net_find_layer(word, NULL) ? NET_LAYER : NET_CALL;
}

void phi_net_offer_words(net_nearest *near)
{
    for (size_t i = 0; i < PHI_COUNT(words); i++)
        phi_net_nearest_offer(near, (net_span){words[i].text, strlen(words[i].text)});
    for (size_t i = 0; phi_net_layer_at(i); i++)
        phi_net_nearest_offer(near, (net_span){phi_net_layer_at(i)->name, strlen(phi_net_layer_at(i)->name)});
}

/* A place in a line for errors before there is a statement. */
static net_statement bare(const char *line, size_t number)
{
    return (net_statement){.line = line, .number = number, .word = {line, 0}};
}

/* Bytes of a statement (not of a comment): printable ASCII and tabs. */
static enum ph_status check_bytes(net_parser *p, const net_source *s, const char *line,
                                  size_t number, const char *from, const char *end)
{
    const net_statement here = bare(line, number);
    for (; from < end; from++) {
        const unsigned char c = (unsigned char)*from;
        if (c >= 0x80)
            return phi_net_fail(p, s, &here, from, PH_ERR_FORMAT,
                            "byte 0x%02X: only comments, titles "
                            "and the like may hold letters beyond ASCII",
                            c);
        if (c < 0x20 && c != '\t')
            return phi_net_fail(p, s, &here, from, PH_ERR_FORMAT, "control character 0x%02X", c);
    }
    return PH_OK;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static net_span take_name(const char **at, const char *end)
{
    net_span n = {*at, 0};
    while (*at < end && phi_net_is_name_char(**at))
        (*at)++;
    n.n = (size_t)(*at - n.p);
    return n;
}

static enum ph_status check_label(net_parser *p, const net_source *s, const net_statement *st)
{
    if (st->label.n > NET_NAME_MAX)
        return phi_net_fail(p, s, st, st->label.p, PH_ERR_FORMAT,
                        "a name of %zu letters; at most %d are "
                        "possible",
                        st->label.n, NET_NAME_MAX);
    const bool may = st->kind == NET_LAYER || st->kind == NET_CALL || st->kind == NET_JOIN ||
                     st->kind == NET_REPEAT;
    if (st->label.n && !may)
        return phi_net_fail(p, s, st, st->label.p, PH_ERR_FORMAT, "'%.*s' cannot have a name",
                        (int)st->word.n, st->word.p);
    return PH_OK;
}

/* One statement between `at` and `end`, which hold neither comment nor ';'. */
static enum ph_status add_statement(net_parser *p, net_source *s, const char *line, size_t number,
                                    const char *at, const char *end)
{
    while (at < end && is_space(*at))
        at++;
    while (end > at && is_space(end[-1]))
        end--;
    if (at == end) return PH_OK;
    net_statement st = bare(line, number);
    st.word = take_name(&at, end);
    if (st.word.n && at < end && *at == ':') {
        st.label = st.word;
        for (at++; at < end && is_space(*at); at++) {
        }
        st.word = take_name(&at, end);
    }
    if (st.word.n && at < end && *at == ':')
        return phi_net_fail(p, s, &st, at, PH_ERR_FORMAT, "a second ':'; one name is enough");
    if (st.word.n == 0) {
        st.word.p = at;
        if (at < end)
            return phi_net_fail(p, s, &st, at, PH_ERR_FORMAT,
                            "'%c' where the word for a layer was "
                            "wanted",
                            *at);
        return phi_net_fail(p, s, &st, at, PH_ERR_FORMAT,
                        "nothing follows the name '%.*s'; a layer was "
                        "wanted",
                        (int)st.label.n, st.label.p);
    }
    st.end = end;
    st.kind = phi_net_word_kind(st.word);
    st.layer = phi_net_find_layer(st.word, NULL);
    enum ph_status status = check_label(p, s, &st);
    if (status) return status;
    if (!phi_grow(&p->mem, (void **)&s->statements, s->n_statements, &s->capacity, sizeof st))
        return phi_fail_nomem(p->err);
    s->statements[s->n_statements++] = st;
    return PH_OK;
}

/* Prose runs to the end of its line and may hold any printable text. */
static bool is_prose(const char *at, const char *end)
{
    while (at < end && is_space(*at))
        at++;
    const net_span word = take_name(&at, end);
    const enum net_word kind = phi_net_word_kind(word);
    return (kind == NET_TITLE || kind == NET_PAPER || kind == NET_PUBLISHED || kind == NET_NOTE) &&
           (at == end || is_space(*at));
}

static enum ph_status cut_line(net_parser *p, net_source *s, const char *line, const char *end,
                               size_t number)
{
    const net_statement here = bare(line, number);
    if (end > line && end[-1] == '\r') end--;
    if (end - line > NET_LINE_MAX)
        return phi_net_fail(p, s, &here, line + NET_LINE_MAX, PH_ERR_FORMAT,
                        "a line of %zu bytes; at "
                        "most %d are possible",
                        (size_t)(end - line), NET_LINE_MAX);
    const char *zero = memchr(line, 0, (size_t)(end - line));
    if (zero) return phi_net_fail(p, s, &here, zero, PH_ERR_FORMAT, "a zero byte: this is not a text");
    const char *comment = memchr(line, '#', (size_t)(end - line));
    if (comment) end = comment;
    if (is_prose(line, end)) return add_statement(p, s, line, number, line, end);
    enum ph_status st = check_bytes(p, s, line, number, line, end);
    for (const char *at = line; at < end && !st;) {
        const char *stop = memchr(at, ';', (size_t)(end - at));
        if (!stop) stop = end;
        st = add_statement(p, s, line, number, at, stop);
        at = stop + 1;
    }
    return st;
}

enum ph_status phi_net_source_cut(net_parser *p, net_source *s)
{
    const net_statement top = bare(s->text, 1);
    if (s->n > NET_TEXT_MAX)
        return phi_net_fail(p, s, &top, s->text, PH_ERR_FORMAT,
                        "a text of %zu bytes; at most %zu are "
                        "possible",
                        s->n, NET_TEXT_MAX);
    const char *at = s->text, *end = s->text + s->n;
    if (s->n >= 3 && memcmp(at, "\xEF\xBB\xBF", 3) == 0) at += 3; /* UTF-8's byte order mark */
    enum ph_status st = PH_OK;
    for (size_t number = 1; at < end && !st; number++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        if (!stop) stop = end;
        st = cut_line(p, s, at, stop, number);
        at = stop + 1;
    }
    if (!st && s->n_statements == 0)
        st = phi_net_fail(p, s, &top, s->text, PH_ERR_FORMAT,
                      "the text is empty; it should begin with "
                      "'input NAME CxHxW'");
    return st;
}
