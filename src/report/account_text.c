/* SPDX-License-Identifier: MIT */
/* The account as tables for people: 100 columns wide, or more where the numbers need it. */
#include <inttypes.h>
#include <math.h>

#include "report/cells.h"
#include "report/report.h"

enum { NAME_LEAST = 16, OP_LEAST = 12 };

/* Columns of the table of layers, in characters. */
typedef struct table {
    const ph_account *a;
    phi_cells c;
    int name, op, shape, parameters, macs, bytes;
} table;

/* A number and its share of the whole; a dash for none. */
static void put_count(table *t, int width, int64_t n, int64_t whole)
{
    char buf[PHI_GROUPED_BYTES];
    if (n > 0)
        fprintf(t->c.f, " %*s %5.1f", width, phi_grouped(n, buf), phi_percent(n, whole));
    else
        fprintf(t->c.f, " %*s %5s", width, n == PH_UNKNOWN ? "?" : "-", "");
}

/* --- Layers ------------------------------------------------------------------------------- */

static int at_least(int n, int least)
{
    return n < least ? least : n;
}

/* As wide as what stands in them; the operator's and then the layer's name give way. */
static void lay_out(table *t)
{
    char buf[PHI_GROUPED_BYTES], shape[PHI_TYPE_TEXT];
    t->name = phi_length("layer"), t->op = phi_length("operator"), t->shape = phi_length("output");
    t->parameters = phi_length("parameters"), t->macs = phi_length("MACs");
    t->bytes = phi_length("act. bytes");
    for (size_t i = 0; i < t->a->n_layers; i++) {
        const ph_layer_cost *l = &t->a->layers[i];
        t->name = phi_wider(t->name, l->name);
        t->op = phi_wider(t->op, l->op);
        t->shape = phi_wider(t->shape, phi_shape_text(l, shape));
        t->parameters = phi_wider(t->parameters, phi_grouped(l->parameters, buf));
        t->macs = phi_wider(t->macs, phi_grouped(l->macs, buf));
        t->bytes = phi_wider(t->bytes, phi_grouped(l->activation_bytes, buf));
    }
    const int shares = 2 * (1 + phi_length("100.0")), spaces = 5, role = 1 + phi_length("shrink");
    const int left =
        PHI_LINE - shares - spaces - role - t->shape - t->parameters - t->macs - t->bytes;
    if (t->op > left - t->name) t->op = at_least(left - t->name, OP_LEAST);
    if (t->name > left - t->op) t->name = at_least(left - t->op, NAME_LEAST);
}

static void put_layer(table *t, const ph_layer_cost *l)
{
    char buf[PHI_GROUPED_BYTES], shape[PHI_TYPE_TEXT];
    const char *role = ph_role_name(l->role);
    phi_put_name_column(&t->c, l->name, t->name + 1);
    const int n = phi_put_op_name(&t->c, l->op, t->op);
    fprintf(t->c.f, "%*s%-*s", t->op - n + 1, "", t->shape, phi_shape_text(l, shape));
    put_count(t, t->parameters, l->parameters, t->a->totals.parameters);
    put_count(t, t->macs, l->macs, t->a->totals.macs);
    fprintf(t->c.f, " %*s%s%s\n", t->bytes, phi_grouped(l->activation_bytes, buf), role ? " " : "",
            role ? role : "");
}

static void put_layers(table *t)
{
    lay_out(t);
    fprintf(t->c.f, "%-*s %-*s %-*s %*s %5s %*s %5s %*s 1x1\n", t->name, "layer", t->op, "operator",
            t->shape, "output", t->parameters, "parameters", "%", t->macs, "MACs", "%", t->bytes,
            "act. bytes");
    for (size_t i = 0; i < t->a->n_layers; i++)
        put_layer(t, &t->a->layers[i]);
}

static void put_totals(table *t)
{
    char buf[PHI_GROUPED_BYTES];
    const ph_totals *s = &t->a->totals;
    fprintf(t->c.f, "\ntotal: %" PRId64 " layer%s, %s parameters", s->layers,
            s->layers == 1 ? "" : "s", phi_grouped(s->parameters, buf));
    fprintf(t->c.f, " (%.1f MB), %s%s MACs", 1e-6 * (double)s->parameter_bytes,
            s->unknown_macs ? "at least " : "", phi_grouped(s->macs, buf));
    fprintf(t->c.f, ", %s%.1f MB of activations\n", s->unknown_activations ? "at least " : "",
            1e-6 * (double)s->activation_bytes);
    fputs("1 MAC = 2 FLOP", t->c.f);
    if (s->macs && s->moved_bytes && !s->unknown_macs)
        fprintf(t->c.f, "; %.1f FLOP for each byte that %s moves",
                phi_intensity(s->macs, s->moved_bytes),
                t->a->planned ? "the planned run" : "a layer");
    fputc('\n', t->c.f);
}

static void put_memory(table *t)
{
    const ph_totals *s = &t->a->totals;
    if (!t->a->planned) return;
    fprintf(t->c.f, "planned run: %.1f MB for activations, of which at most %.1f MB are in use",
            1e-6 * (double)s->arena_bytes, 1e-6 * (double)s->peak_live_bytes);
    if (s->peak_layer) {
        fputs(", at ", t->c.f);
        phi_put_layer_name(&t->c, s->peak_layer, 30);
    }
    fputc('\n', t->c.f);
}

/* --- What is not understood --------------------------------------------------------------- */

static void put_unknown(table *t)
{
    enum { SHOWN = 20 };
    const ph_totals *s = &t->a->totals;
    if (!s->unknown_nodes) return;
    fprintf(t->c.f,
            "\nNot understood: %" PRId64 " layer%s. Without them and what lies behind them, "
            "sums are lower bounds.\n",
            s->unknown_nodes, s->unknown_nodes == 1 ? "" : "s");
    int64_t n = 0;
    for (size_t i = 0; i < t->a->n_layers && n < SHOWN; i++) {
        const ph_layer_cost *l = &t->a->layers[i];
        if (!l->unknown) continue;
        n++;
        fputs("  ", t->c.f);
        int used = 2 + phi_put_layer_name(&t->c, l->name, 40);
        fputs(": ", t->c.f);
        phi_put_wrapped(&t->c, l->unknown, used + 2, 6);
    }
    if (n < s->unknown_nodes) fprintf(t->c.f, "  and %" PRId64 " more\n", s->unknown_nodes - n);
}

/* --- Roles -------------------------------------------------------------------------------- */

/* The layers of one role, separated by commas, in lines of at most PHI_LINE characters. */
static void list_role(table *t, enum ph_role role)
{
    enum { INDENT = 8, LONGEST = 40 };
    int at = 0;
    for (size_t i = 0; i < t->a->n_layers; i++) {
        const ph_layer_cost *l = &t->a->layers[i];
        if (l->role != role) continue;
        const int n = phi_length(l->name);
        const int wide = n < LONGEST ? n : LONGEST;
        if (at && at + 2 + wide + 1 > PHI_LINE) {
            fputs(",\n", t->c.f);
            at = 0;
        }
        at += fprintf(t->c.f, "%*s", at ? 0 : INDENT, at ? ", " : "");
        at += phi_put_layer_name(&t->c, l->name, LONGEST);
    }
    fputc('\n', t->c.f);
}

static void put_roles(table *t)
{
    static const char *const what[] = {NULL, "fewer channels out than in",
                                       "as many channels, one more nonlinearity",
                                       "more channels out than in"};
    int64_t n[4] = {0}, macs[4] = {0};
    char buf[PHI_GROUPED_BYTES];
    for (size_t i = 0; i < t->a->n_layers; i++) {
        const ph_layer_cost *l = &t->a->layers[i];
        n[l->role]++;
        if (l->macs > 0) macs[l->role] += l->macs; /* the total of all fits */
    }
    if (!n[PH_ROLE_SHRINK] && !n[PH_ROLE_KEEP] && !n[PH_ROLE_GROW]) return;
    fputs("\n1x1 convolutions\n", t->c.f);
    for (int role = PH_ROLE_SHRINK; role <= PH_ROLE_GROW; role++) {
        if (!n[role]) continue;
        fprintf(t->c.f, "  %3" PRId64 " %-7s %15s MACs %5.1f%%   %s\n", n[role],
                ph_role_name((enum ph_role)role), phi_grouped(macs[role], buf),
                phi_percent(macs[role], t->a->totals.macs), what[role]);
        list_role(t, (enum ph_role)role);
    }
}

/* --- Savings ------------------------------------------------------------------------------ */

static void put_factor(table *t, const char *what, int64_t with, int64_t without)
{
    char buf[2][PHI_GROUPED_BYTES];
    fprintf(t->c.f, "    %-10s %15s with it, %15s without", what, phi_grouped(with, buf[0]),
            phi_grouped(without, buf[1]));
    if (with > 0) fprintf(t->c.f, ": %.2f times", (double)without / (double)with);
    fputc('\n', t->c.f);
}

static void put_module(table *t, const ph_module_cost *m)
{
    put_factor(t, "parameters", m->parameters_with, m->parameters_without);
    put_factor(t, "MACs", m->macs_with, m->macs_without);
}

static void put_saving(table *t, const ph_saving *s)
{
    enum { LONGEST = 30 };
    fputs("  ", t->c.f);
    phi_put_layer_name(&t->c, s->reduction, LONGEST);
    fprintf(t->c.f, " (%" PRId64 " to %" PRId64 " channels) before ", s->c_in, s->c_reduced);
    phi_put_layer_name(&t->c, s->consumer, LONGEST);
    if (s->n_consumers > 1) fprintf(t->c.f, " and %zu more", s->n_consumers - 1);
    fputc('\n', t->c.f);
    put_factor(t, "parameters", s->parameters_with, s->parameters_without);
    put_factor(t, "MACs", s->macs_with, s->macs_without);
    if (s->n_1x1) {
        if (s->n_1x1 == 1)
            fputs("   with the 1x1 that reads it, too\n", t->c.f);
        else
            fprintf(t->c.f, "   with the %zu 1x1 that read it, too\n", s->n_1x1);
        put_module(t, &s->all);
    }
    if (s->growth) {
        fputs("   as a bottleneck up to ", t->c.f);
        phi_put_layer_name(&t->c, s->growth, LONGEST);
        fprintf(t->c.f, " (%" PRId64 " channels), against one convolution instead\n", s->c_out);
        put_module(t, &s->bottleneck);
    }
}

enum ph_status phi_account_text(const ph_account *a, FILE *f, ph_error *err)
{
    table t = {.a = a, .c = {.mem = &a->mem, .f = f}};
    phi_put_heading(&t.c, a, 0);
    fputc('\n', f);
    put_layers(&t);
    put_totals(&t);
    put_memory(&t);
    put_unknown(&t);
    phi_put_notes(&t.c, a);
    put_roles(&t);
    if (a->n_savings)
        fputs("\nWhat the 1x1 reductions save (each with the convolutions that read it)\n", f);
    for (size_t i = 0; i < a->n_savings; i++)
        put_saving(&t, &a->savings[i]);
    return t.c.no_memory ? phi_fail_nomem(err) : PH_OK;
}
