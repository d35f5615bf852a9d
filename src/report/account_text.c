/* SPDX-License-Identifier: MIT */
/* The account as tables for people: 100 columns wide, or more where the numbers need it. */
#include <inttypes.h>
#include <stdio.h>

#include "report/report.h"

enum { LINE = 100, NAME_LEAST = 16, OP_LEAST = 12, GROUPED_BYTES = 32 };

/* Columns of the table of layers, in characters. */
typedef struct table {
    const ph_account *a;
    FILE *f;
    int name, op, shape, parameters, macs, bytes;
    bool no_memory; /* a name is missing */
} table;

/* --- Cells -------------------------------------------------------------------------------- */

/* 1234567 as "1,234,567". */
static const char *grouped(int64_t n, char buf[GROUPED_BYTES])
{
    char digits[24];
    const int k = snprintf(digits, sizeof digits, "%" PRId64, n);
    char *to = buf;
    for (int i = 0; i < k; i++) {
        *to++ = digits[i];
        const int left = k - 1 - i;
        if (left && left % 3 == 0 && digits[i] != '-') *to++ = ',';
    }
    *to = 0;
    return buf;
}

static void shape_text(const ph_layer_cost *l, char buf[PHI_TYPE_TEXT])
{
    size_t at = 0;
    buf[0] = 0;
    for (size_t d = 0; d < l->output_rank && at < PHI_TYPE_TEXT; d++)
        at += (size_t)snprintf(buf + at, PHI_TYPE_TEXT - at, "%s%" PRId64, d ? "x" : "",
                               l->output_dims[d]);
}

/* Characters of a UTF-8 text. */
static int length(const char *s)
{
    int n = 0;
    for (; *s; s++)
        n += (*s & 0xc0) != 0x80;
    return n;
}

/* Where the character number `n` of a UTF-8 text begins. */
static const char *character(const char *s, int n)
{
    for (; *s; s++)
        if ((*s & 0xc0) != 0x80 && n-- == 0) break;
    return s;
}

/*
 * Print a name in at most `width` characters: clean, and where it is longer without its characters
 * from number `head` on, as many as it takes. Returns the characters printed.
 */
static int put_name(table *t, const char *name, int width, int head)
{
    char *s = phi_clean_text(&t->a->mem, name);
    if (!s) {
        t->no_memory = true;
        return 0;
    }
    int n = length(s);
    if (n <= width) {
        fputs(s, t->f);
    } else {
        const int tail = width - head - 2;
        fwrite(s, 1, (size_t)(character(s, head) - s), t->f);
        fprintf(t->f, "..%s", character(s, n - tail));
        n = width;
    }
    phi_free(&t->a->mem, s);
    return n;
}

/* The middle of a long layer's name says least, of an operator's name the end. */
static int put_layer_name(table *t, const char *name, int width)
{
    return put_name(t, name, width, width / 3);
}

static int put_op_name(table *t, const char *name, int width)
{
    return put_name(t, name, width, width - 2);
}

static double percent(int64_t part, int64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0.0;
}

/* A number and its share of the whole; a dash for none. */
static void put_count(table *t, int width, int64_t n, int64_t whole)
{
    char buf[GROUPED_BYTES];
    if (n)
        fprintf(t->f, " %*s %5.1f", width, grouped(n, buf), percent(n, whole));
    else
        fprintf(t->f, " %*s %5s", width, "-", "");
}

/* --- Layers ------------------------------------------------------------------------------- */

static void widen(int *width, const char *text)
{
    const int n = length(text);
    if (n > *width) *width = n;
}

static int at_least(int n, int least)
{
    return n < least ? least : n;
}

/* As wide as what stands in them; the operator's and then the layer's name give way. */
static void lay_out(table *t)
{
    char buf[GROUPED_BYTES], shape[PHI_TYPE_TEXT];
    t->name = length("layer"), t->op = length("operator"), t->shape = length("output");
    t->parameters = length("parameters"), t->macs = length("MACs"), t->bytes = length("act. bytes");
    for (size_t i = 0; i < t->a->n_layers; i++) {
        const ph_layer_cost *l = &t->a->layers[i];
        shape_text(l, shape);
        widen(&t->name, l->name);
        widen(&t->op, l->op);
        widen(&t->shape, shape);
        widen(&t->parameters, grouped(l->parameters, buf));
        widen(&t->macs, grouped(l->macs, buf));
        widen(&t->bytes, grouped(l->activation_bytes, buf));
    }
    const int shares = 2 * (1 + length("100.0")), spaces = 5, role = 1 + length("shrink");
    const int left = LINE - shares - spaces - role - t->shape - t->parameters - t->macs - t->bytes;
    if (t->op > left - t->name) t->op = at_least(left - t->name, OP_LEAST);
    if (t->name > left - t->op) t->name = at_least(left - t->op, NAME_LEAST);
}

static void put_layer(table *t, const ph_layer_cost *l)
{
    char buf[GROUPED_BYTES], shape[PHI_TYPE_TEXT];
    const char *role = ph_role_name(l->role);
    shape_text(l, shape);
    int n = put_layer_name(t, l->name, t->name);
    fprintf(t->f, "%*s", t->name - n + 1, "");
    n = put_op_name(t, l->op, t->op);
    fprintf(t->f, "%*s%-*s", t->op - n + 1, "", t->shape, shape);
    put_count(t, t->parameters, l->parameters, t->a->totals.parameters);
    put_count(t, t->macs, l->macs, t->a->totals.macs);
    fprintf(t->f, " %*s%s%s\n", t->bytes, grouped(l->activation_bytes, buf), role ? " " : "",
            role ? role : "");
}

static void put_layers(table *t)
{
    lay_out(t);
    fprintf(t->f, "%-*s %-*s %-*s %*s %5s %*s %5s %*s 1x1\n", t->name, "layer", t->op, "operator",
            t->shape, "output", t->parameters, "parameters", "%", t->macs, "MACs", "%", t->bytes,
            "act. bytes");
    for (size_t i = 0; i < t->a->n_layers; i++)
        put_layer(t, &t->a->layers[i]);
}

static void put_totals(table *t)
{
    char buf[GROUPED_BYTES];
    const ph_totals *s = &t->a->totals;
    fprintf(t->f, "\ntotal: %" PRId64 " layer%s, %s parameters", s->layers,
            s->layers == 1 ? "" : "s", grouped(s->parameters, buf));
    fprintf(t->f, " (%.1f MB), %s MACs", 1e-6 * (double)s->parameter_bytes, grouped(s->macs, buf));
    fprintf(t->f, ", %.1f MB of activations\n1 MAC = 2 FLOP\n", 1e-6 * (double)s->activation_bytes);
}

/* --- Roles -------------------------------------------------------------------------------- */

/* The layers of one role, separated by commas, in lines of at most LINE characters. */
static void list_role(table *t, enum ph_role role)
{
    enum { INDENT = 8, LONGEST = 40 };
    int at = 0;
    for (size_t i = 0; i < t->a->n_layers; i++) {
        const ph_layer_cost *l = &t->a->layers[i];
        if (l->role != role) continue;
        const int n = length(l->name);
        const int wide = n < LONGEST ? n : LONGEST;
        if (at && at + 2 + wide + 1 > LINE) {
            fputs(",\n", t->f);
            at = 0;
        }
        at += fprintf(t->f, "%*s", at ? 0 : INDENT, at ? ", " : "");
        at += put_layer_name(t, l->name, LONGEST);
    }
    fputc('\n', t->f);
}

static void put_roles(table *t)
{
    static const char *const what[] = {NULL, "fewer channels out than in",
                                       "as many channels, one more nonlinearity",
                                       "more channels out than in"};
    int64_t n[4] = {0}, macs[4] = {0};
    char buf[GROUPED_BYTES];
    for (size_t i = 0; i < t->a->n_layers; i++) {
        const ph_layer_cost *l = &t->a->layers[i];
        n[l->role]++;
        macs[l->role] += l->macs; /* the total of all fits */
    }
    if (!n[PH_ROLE_SHRINK] && !n[PH_ROLE_KEEP] && !n[PH_ROLE_GROW]) return;
    fputs("\n1x1 convolutions\n", t->f);
    for (int role = PH_ROLE_SHRINK; role <= PH_ROLE_GROW; role++) {
        if (!n[role]) continue;
        fprintf(t->f, "  %3" PRId64 " %-7s %15s MACs %5.1f%%   %s\n", n[role],
                ph_role_name((enum ph_role)role), grouped(macs[role], buf),
                percent(macs[role], t->a->totals.macs), what[role]);
        list_role(t, (enum ph_role)role);
    }
}

/* --- Savings ------------------------------------------------------------------------------ */

static void put_factor(table *t, const char *what, int64_t with, int64_t without)
{
    char buf[2][GROUPED_BYTES];
    fprintf(t->f, "    %-10s %15s with it, %15s without", what, grouped(with, buf[0]),
            grouped(without, buf[1]));
    if (with) fprintf(t->f, ": %.2f times", (double)without / (double)with);
    fputc('\n', t->f);
}

static void put_saving(table *t, const ph_saving *s)
{
    enum { LONGEST = 30 };
    fputs("  ", t->f);
    put_layer_name(t, s->reduction, LONGEST);
    fprintf(t->f, " (%" PRId64 " to %" PRId64 " channels) before ", s->c_in, s->c_reduced);
    put_layer_name(t, s->consumer, LONGEST);
    if (s->n_consumers > 1) fprintf(t->f, " and %zu more", s->n_consumers - 1);
    fputc('\n', t->f);
    put_factor(t, "parameters", s->parameters_with, s->parameters_without);
    put_factor(t, "MACs", s->macs_with, s->macs_without);
}

enum ph_status phi_account_text(const ph_account *a, FILE *f, ph_error *err)
{
    table t = {.a = a, .f = f};
    const int n = put_layer_name(&t, a->model, LINE / 2);
    fputs(": ", f);
    put_layer_name(&t, a->inputs, LINE - n - 2);
    fputs("\n\n", f);
    put_layers(&t);
    put_totals(&t);
    put_roles(&t);
    if (a->n_savings)
        fputs("\nWhat the 1x1 reductions save (each with the convolutions that read it)\n", f);
    for (size_t i = 0; i < a->n_savings; i++)
        put_saving(&t, &a->savings[i]);
    return t.no_memory ? phi_fail_nomem(err) : PH_OK;
}
