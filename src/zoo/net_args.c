/* SPDX-License-Identifier: MIT */
/*
 * Arguments of a statement, read from left to right: numbers and expressions, words, names.
 *
 *   sum      product { (+|-) product }
 *   product  atom { * atom }              and / and % within parentheses: outside, '/' is a stride
 *   atom     digits | NAME | ( sum )      NAME: a parameter, or c, h, w of the current value
 *
 * Outside of parentheses an expression holds no space.
 */
#include <math.h>
#include <stdio.h>

#include "zoo/net.h"

#define PAREN_MAX 16 /* parentheses within parentheses */

net_cursor phi_net_cursor_at(net_parser *p, const net_source *s, const net_statement *st)
{
    return (net_cursor){p, s, st, st->word.p + st->word.n, st->end};
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static bool is_letter(char c)
{
    return phi_net_is_name_char(c) && !is_digit(c) && c != '-';
}
static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}
static char peek(const net_cursor *c)
{
    return c->p < c->end ? *c->p : 0;
}

void phi_net_skip_space(net_cursor *c)
{
    while (is_space(peek(c)))
        c->p++;
}

bool phi_net_at_end(net_cursor *c)
{
    phi_net_skip_space(c);
    return c->p == c->end;
}

/* What stands at the cursor, up to a space, for messages. */
static net_span rest_word(const net_cursor *c)
{
    net_span s = {c->p, 0};
    while (c->p + s.n < c->end && !is_space(c->p[s.n]) && s.n < NET_NAME_MAX)
        s.n++;
    return s;
}

enum ph_status phi_net_expect_end(net_cursor *c)
{
    if (phi_net_at_end(c)) return PH_OK;
    const net_span rest = rest_word(c);
    return net_fail_here(c, "'%.*s' is one too many for '%.*s'", (int)rest.n, rest.p,
                         (int)c->statement->word.n, c->statement->word.p);
}

static enum ph_status wanted(net_cursor *c, const char *what)
{
    if (phi_net_at_end(c)) return net_fail_here(c, "%s was wanted, but the line ends", what);
    const net_span rest = rest_word(c);
    return net_fail_here(c, "'%.*s' where %s was wanted", (int)rest.n, rest.p, what);
}

/* --- Words ----------------------------------------------------------------------------------- */

net_span phi_net_peek_word(net_cursor *c)
{
    phi_net_skip_space(c);
    net_span s = {c->p, 0};
    if (!is_letter(peek(c))) return s;
    while (c->p + s.n < c->end && phi_net_is_name_char(c->p[s.n]))
        s.n++;
    return s;
}

bool phi_net_take_word(net_cursor *c, const char *word)
{
    const net_span s = phi_net_peek_word(c);
    if (!phi_net_span_is(s, word)) return false;
    c->p += s.n;
    return true;
}

bool phi_net_take_char(net_cursor *c, char ch)
{
    phi_net_skip_space(c);
    if (peek(c) != ch) return false;
    c->p++;
    return true;
}

enum ph_status phi_net_take_name(net_cursor *c, const char *what, const char *more, net_span *out)
{
    phi_net_skip_space(c);
    net_span s = {c->p, 0};
    while (c->p + s.n < c->end &&
           (phi_net_is_name_char(c->p[s.n]) || (s.n && c->p[s.n] && strchr(more, c->p[s.n]))))
        s.n++;
    if (s.n == 0) return wanted(c, what);
    if (s.n > NET_NAME_MAX)
        return net_fail_here(c, "a name of %zu letters; at most %d are possible", s.n,
                             NET_NAME_MAX);
    c->p += s.n;
    *out = s;
    return PH_OK;
}

/* --- Whole numbers --------------------------------------------------------------------------- */

/* In a macro of the text, its parameters and then the network's; the prelude does not see those. */
static bool find_param(const net_cursor *c, net_span name, net_number *out)
{
    for (const net_frame *f = c->parser->frame; f; f = f->source->prelude ? NULL : f->top) {
        for (size_t i = 0; i < f->n_params; i++)
            if (phi_net_span_equal(f->param[i], name)) {
                *out = f->value[i];
                return true;
            }
    }
    return false;
}

/* c, h or w of the current value. */
static bool find_dimension(const net_cursor *c, net_span name, int64_t *out)
{
    if (name.n != 1 || c->parser->current == PH_NONE) return false;
    const phi_type *t = phi_net_type(c->parser, c->parser->current);
    const int at = *name.p == 'c' ? 1 : *name.p == 'h' ? 2 : *name.p == 'w' ? 3 : -1;
    if (at < 0 || at >= t->rank || (t->rank != 4 && at != 1)) return false;
    *out = t->dims[at];
    return true;
}

/* A name in an expression: words of letters, digits and '_' ('-' is an operator here). */
static net_span peek_variable(const net_cursor *c)
{
    net_span s = {c->p, 0};
    if (!is_letter(peek(c))) return s;
    while (c->p + s.n < c->end && phi_net_is_name_char(c->p[s.n]) && c->p[s.n] != '-')
        s.n++;
    return s;
}

static enum ph_status unknown_variable(net_cursor *c, const char *what, net_span name)
{
    char hint[NET_HINT_BYTES];
    net_nearest near = phi_net_nearest_start(name);
    for (const net_frame *f = c->parser->frame; f; f = f->source->prelude ? NULL : f->top)
        for (size_t i = 0; i < f->n_params; i++)
            phi_net_nearest_offer(&near, f->param[i]);
    const bool dimension = name.n == 1 && strchr("chw", *name.p);
    if (dimension && c->parser->current != PH_NONE)
        return net_fail_here(c, "'%c' asks for a dimension that the current value does not have",
                             *name.p);
    return net_fail_here(c, "'%.*s' where %s was wanted%s", (int)name.n, name.p, what,
                         phi_net_nearest_hint(&near, hint));
}

static enum ph_status take_variable(net_cursor *c, const char *what, net_number *out)
{
    const net_span name = peek_variable(c);
    if (!find_param(c, name, out)) {
        *out = (net_number){0};
        if (!find_dimension(c, name, &out->i)) return unknown_variable(c, what, name);
        out->r = (double)out->i;
    }
    c->p += name.n;
    return PH_OK;
}

static enum ph_status take_digits(net_cursor *c, int64_t *out)
{
    const char *start = c->p;
    int64_t v = 0;
    for (; is_digit(peek(c)); c->p++) {
        v = 10 * v + (*c->p - '0');
        if (v > NET_INT_MAX) {
            c->p = start;
            return net_fail_here(c, "the number is too large; at most %lld is possible",
                                 (long long)NET_INT_MAX);
        }
    }
    *out = v;
    return PH_OK;
}

static enum ph_status take_sum(net_cursor *c, const char *what, int parens, int64_t *out);

static enum ph_status take_atom(net_cursor *c, const char *what, int parens, int64_t *out)
{
    if (parens) phi_net_skip_space(c);
    if (is_digit(peek(c))) return take_digits(c, out);
    if (peek(c) == '(') {
        if (parens == PAREN_MAX) return net_fail_here(c, "too many parentheses in each other");
        c->p++;
        enum ph_status st = take_sum(c, what, parens + 1, out);
        if (!st && !phi_net_take_char(c, ')')) st = wanted(c, "')'");
        return st;
    }
    if (!is_letter(peek(c))) return wanted(c, what);
    const char *start = c->p;
    net_number n;
    enum ph_status st = take_variable(c, what, &n);
    if (st) return st;
    if (n.real) {
        c->p = start;
        return net_fail_here(c, "%g is no whole number", n.r);
    }
    *out = n.i;
    return PH_OK;
}

/* a = a OP b. */
static enum ph_status calculate(net_cursor *c, char op, int64_t b, int64_t *a)
{
    bool fits = true;
    if ((op == '/' || op == '%') && b == 0) return net_fail_here(c, "division by zero");
    switch (op) {
    case '+':
        fits = phi_add_i64(*a, b, a);
        break;
    case '-':
        fits = phi_add_i64(*a, -b, a);
        break;
    case '*':
        fits = phi_mul_i64(*a, b, a);
        break;
    case '/':
        *a /= b;
        break;
    default:
        *a %= b;
        break;
    }
    if (!fits || *a > NET_INT_MAX || *a < -NET_INT_MAX)
        return net_fail_here(c, "the result is too large; at most %lld is possible",
                             (long long)NET_INT_MAX);
    return PH_OK;
}

/* The operator at the cursor if it is one of `set`, taken; 0 otherwise. */
static char take_operator(net_cursor *c, const char *set, int parens)
{
    if (parens) phi_net_skip_space(c);
    const char op = peek(c);
    if (!op || !strchr(set, op)) return 0;
    c->p++;
    return op;
}

static enum ph_status take_product(net_cursor *c, const char *what, int parens, int64_t *out)
{
    enum ph_status st = take_atom(c, what, parens, out);
    for (char op; !st && (op = take_operator(c, parens ? "*/%" : "*", parens));) {
        int64_t b;
        st = take_atom(c, what, parens, &b);
        if (!st) st = calculate(c, op, b, out);
    }
    return st;
}

static enum ph_status take_sum(net_cursor *c, const char *what, int parens, int64_t *out)
{
    enum ph_status st = take_product(c, what, parens, out);
    for (char op; !st && (op = take_operator(c, "+-", parens));) {
        int64_t b;
        st = take_product(c, what, parens, &b);
        if (!st) st = calculate(c, op, b, out);
    }
    return st;
}

/* A number ends at a space, a '/', an 'x' between two numbers, or a comparison. */
static enum ph_status check_number_end(net_cursor *c, bool pair)
{
    const char ch = peek(c);
    if (!ch || is_space(ch) || ch == '/' || (pair && ch == 'x') || strchr("=!<>", ch)) return PH_OK;
    const net_span rest = rest_word(c);
    return net_fail_here(c, "'%.*s' right behind a number", (int)rest.n, rest.p);
}

static enum ph_status take_int(net_cursor *c, const char *what, int64_t min, bool pair,
                               int64_t *out)
{
    phi_net_skip_space(c);
    const char *start = c->p;
    enum ph_status st = take_sum(c, what, 0, out);
    if (!st) st = check_number_end(c, pair);
    if (st || *out >= min) return st;
    c->p = start;
    return net_fail_here(c, "%lld where %s of at least %lld was wanted", (long long)*out, what,
                         (long long)min);
}

enum ph_status phi_net_take_int(net_cursor *c, const char *what, int64_t min, int64_t *out)
{
    return take_int(c, what, min, false, out);
}

enum ph_status phi_net_take_pair(net_cursor *c, const char *what, int64_t min, int64_t *a, int64_t *b)
{
    enum ph_status st = take_int(c, what, min, true, a);
    if (st) return st;
    *b = *a;
    if (peek(c) != 'x') return PH_OK;
    c->p++;
    if (is_space(peek(c)) || c->p == c->end) return wanted(c, "the number behind 'x'");
    return take_int(c, what, min, false, b);
}

enum ph_status phi_net_take_dims(net_cursor *c, bool open, int64_t dims[PH_MAX_RANK - 1], size_t *n)
{
    bool open_seen = false;
    phi_net_skip_space(c);
    for (*n = 0;; c->p++) {
        if (*n == PH_MAX_RANK - 1)
            return net_fail_here(c, "more than %d dimensions", PH_MAX_RANK - 1);
        if (is_space(peek(c)) || c->p == c->end)
            return wanted(c, *n ? "the number behind 'x'" : "a shape, such as 3x32x32,");
        if (open && peek(c) == '?') {
            if (open_seen) return net_fail_here(c, "a second '?'");
            open_seen = true;
            c->p++;
            dims[(*n)++] = -1;
        } else {
            enum ph_status st = take_int(c, "a dimension", 1, true, &dims[(*n)++]);
            if (st) return st;
        }
        if (peek(c) != 'x') return check_number_end(c, false);
    }
}

/* --- Real numbers ---------------------------------------------------------------------------- */

/* 10^e by squaring; exact up to 10^22. */
static double power_of_ten(int e)
{
    double p = 1.0, base = 10.0;
    for (unsigned n = (unsigned)(e < 0 ? -e : e); n; n >>= 1) {
        if (n & 1) p *= base;
        base *= base;
    }
    return e < 0 ? 1.0 / p : p;
}

/* [digits][.digits][e[+-]digits], at least one digit before the e. Not strtod: its decimal point
 * depends on the locale. Up to 15 digits, so that the decimal number is exact as a whole number. */
static enum ph_status take_decimal(net_cursor *c, const char *what, double *out)
{
    const char *start = c->p;
    int64_t mantissa = 0;
    int digits = 0, scale = 0, exponent = 0; /* digits: without zeros in front */
    bool any = false;
    for (bool point = false; is_digit(peek(c)) || (peek(c) == '.' && !point); c->p++) {
        if (*c->p == '.') {
            point = true;
            continue;
        }
        any = true;
        digits += mantissa > 0 || *c->p != '0';
        if (digits > 15) return net_fail_here(c, "a number of more than 15 digits");
        mantissa = 10 * mantissa + (*c->p - '0');
        scale -= point;
    }
    if (!any) {
        c->p = start;
        return wanted(c, what);
    }
    if (peek(c) == 'e' || peek(c) == 'E') {
        c->p++;
        const bool minus = peek(c) == '-';
        if (minus || peek(c) == '+') c->p++;
        if (!is_digit(peek(c))) return wanted(c, "the exponent of a number");
        for (; is_digit(peek(c)) && exponent < 1000; c->p++)
            exponent = 10 * exponent + *c->p - '0';
        if (minus) exponent = -exponent;
    }
    scale += exponent;
    const double m = (double)mantissa;
    *out = scale < -300  ? 0.0
           : scale > 300 ? (mantissa ? HUGE_VAL : 0.0)
           : scale < 0   ? m / power_of_ten(-scale)
                         : m * power_of_ten(scale);
    return PH_OK;
}

/* Is it digits with a '.' or an exponent, rather than a whole number? */
static bool decimal_next(const net_cursor *c)
{
    const char *p = c->p;
    while (p < c->end && is_digit(*p))
        p++;
    if (p == c->end) return false;
    if (*p == '.') return true;
    return (*p == 'e' || *p == 'E') && p > c->p && p + 1 < c->end &&
           (is_digit(p[1]) || p[1] == '-' || p[1] == '+');
}

enum ph_status phi_net_take_number(net_cursor *c, const char *what, net_number *out)
{
    phi_net_skip_space(c);
    const char *start = c->p;
    const bool minus = peek(c) == '-';
    if (minus || peek(c) == '+') c->p++;
    *out = (net_number){0};
    enum ph_status st;
    const net_span variable = peek_variable(c);
    net_number param;
    if (decimal_next(c)) {
        out->real = true;
        st = take_decimal(c, what, &out->r);
    } else if (variable.n && find_param(c, variable, &param) && param.real) {
        *out = param;
        c->p += variable.n;
        st = PH_OK;
    } else {
        st = take_sum(c, what, 0, &out->i);
        out->r = (double)out->i;
    }
    if (!st) st = check_number_end(c, false);
    if (st) return st;
    if (minus) {
        out->i = -out->i;
        out->r = -out->r;
    }
    if (isfinite((float)out->r)) return PH_OK;
    c->p = start;
    return net_fail_here(c, "the number is too large for 32-bit floating point");
}

enum ph_status phi_net_take_real(net_cursor *c, const char *what, float *out)
{
    net_number n;
    enum ph_status st = phi_net_take_number(c, what, &n);
    if (!st) *out = (float)n.r;
    return st;
}

bool phi_net_number_next(net_cursor *c)
{
    phi_net_skip_space(c);
    const char ch = peek(c);
    if (is_digit(ch) || ch == '(' || ch == '.') return true;
    if (ch == '-' || ch == '+')
        return c->p + 1 < c->end && (is_digit(c->p[1]) || c->p[1] == '.' || is_letter(c->p[1]));
    const net_span name = peek_variable(c);
    net_number n;
    return name.n && (find_param(c, name, &n) || (name.n == 1 && strchr("chw", *name.p)));
}

/* --- Conditions ------------------------------------------------------------------------------ */

static enum ph_status take_comparison(net_cursor *c, bool *out)
{
    static const char *const ops[] = {"==", "!=", "<=", ">=", "<", ">"};
    int64_t a, b;
    enum ph_status st = phi_net_take_int(c, "a number", -NET_INT_MAX, &a);
    if (st) return st;
    phi_net_skip_space(c);
    size_t op = 0;
    while (op < PHI_COUNT(ops) && ((size_t)(c->end - c->p) < strlen(ops[op]) ||
                                   memcmp(c->p, ops[op], strlen(ops[op])) != 0))
        op++;
    if (op == PHI_COUNT(ops)) return wanted(c, "one of == != < <= > >=");
    c->p += strlen(ops[op]);
    st = phi_net_take_int(c, "a number", -NET_INT_MAX, &b);
    if (st) return st;
    const bool result[] = {a == b, a != b, a <= b, a >= b, a<b, a> b};
    *out = result[op];
    return PH_OK;
}

enum ph_status phi_net_take_condition(net_cursor *c, bool *out)
{
    enum ph_status st = take_comparison(c, out);
    bool and_seen = false, or_seen = false;
    while (!st && !phi_net_at_end(c)) {
        const bool is_and = phi_net_take_word(c, "and");
        if (!is_and && !phi_net_take_word(c, "or")) return wanted(c, "'and' or 'or'");
        and_seen |= is_and;
        or_seen |= !is_and;
        if (and_seen && or_seen)
            return net_fail_here(c, "'and' and 'or' in one condition; use two ifs");
        bool next;
        st = take_comparison(c, &next);
        if (!st) *out = is_and ? *out && next : *out || next;
    }
    return st;
}

/* --- References ------------------------------------------------------------------------------ */

/* Letters of an a/full/name at the cursor. */
static size_t path_length(const net_cursor *c)
{
    size_t n = 0;
    while (c->p + n < c->end && (phi_net_is_name_char(c->p[n]) || c->p[n] == '/'))
        n++;
    return n;
}

static enum ph_status unknown_reference(net_cursor *c, net_span name)
{
    const net_parser *p = c->parser;
    const net_frame *f = p->frame;
    char hint[NET_HINT_BYTES];
    net_nearest near = phi_net_nearest_start(name);
    const size_t skip = f->root ? f->root + 1 : 0; /* names are said as the frame sees them */
    for (size_t i = 0; i < p->n_slots; i++) {
        const char *path = p->symbols[i].path;
        if (!path || strlen(path) <= skip || memcmp(path, f->scope, f->root) != 0) continue;
        phi_net_nearest_offer(&near, (net_span){path + skip, strlen(path + skip)});
    }
    return net_fail_here(c, "there is no value '%.*s' up to here%s", (int)name.n, name.p,
                         phi_net_nearest_hint(&near, hint));
}

enum ph_status phi_net_take_reference(net_cursor *c, ph_value *out)
{
    phi_net_skip_space(c);
    const net_frame *f = c->parser->frame;
    const net_span name = {c->p, path_length(c)};
    if (name.n == 0) return wanted(c, "the name of a value");
    if (f->macro && phi_net_span_is(name, "in")) {
        *out = f->in;
        c->p += name.n;
        return PH_OK;
    }
    /* from the innermost repeat outwards to the macro's own scope */
    for (size_t scope = strlen(f->scope);;) {
        char path[NET_PATH_BYTES];
        const int n = snprintf(path, sizeof path, "%.*s%s%.*s", (int)scope, f->scope,
                               scope ? "/" : "", (int)name.n, name.p);
        const net_symbol *s =
            n > 0 && (size_t)n < sizeof path ? phi_net_find_symbol(c->parser, path) : NULL;
        if (s) {
            *out = s->value;
            c->p += name.n;
            return PH_OK;
        }
        if (scope <= f->root) return unknown_reference(c, name);
        while (scope > f->root && f->scope[scope - 1] != '/')
            scope--;
        if (scope > f->root) scope--;
    }
}
