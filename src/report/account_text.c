/* SPDX-License-Identifier: MIT */
/* The account as a table for people, 100 columns wide at most for usual names. */
#include <inttypes.h>
#include <stdio.h>

#include "report/report.h"

enum { NAME_WIDTH = 28, OP_WIDTH = 18, SHAPE_WIDTH = 16 };

/* 1234567 as "1,234,567". */
static const char *grouped(int64_t n, char buf[32])
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

/* `s` in at most `width` characters, the middle cut out where it is longer; one line, no controls. */
static const char *shortened(const char *s, size_t width, char *buf, size_t size)
{
    const size_t n = strlen(s), head = width / 3, tail = width - head - 2;
    if (n <= width)
        snprintf(buf, size, "%s", s);
    else
        snprintf(buf, size, "%.*s..%s", (int)head, s, s + n - tail);
    phi_clean(buf);
    return buf;
}

static void put_shape(FILE *f, const ph_layer_cost *l)
{
    char text[PHI_TYPE_TEXT];
    size_t at = 0;
    text[0] = 0;
    for (size_t d = 0; d < l->output_rank && at < sizeof text; d++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%" PRId64, d ? "x" : "",
                               l->output_dims[d]);
    fprintf(f, " %-*s", SHAPE_WIDTH, text);
}

static double percent(int64_t part, int64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0.0;
}

static void put_layer(FILE *f, const ph_account *a, const ph_layer_cost *l)
{
    char name[128], op[128], parameters[32], macs[32];
    const char *role = ph_role_name(l->role);
    fprintf(f, "%-*s %-*s", NAME_WIDTH, shortened(l->name, NAME_WIDTH, name, sizeof name), OP_WIDTH,
            shortened(l->op, OP_WIDTH, op, sizeof op));
    put_shape(f, l);
    fprintf(f, " %12s", l->parameters ? grouped(l->parameters, parameters) : "-");
    if (l->macs)
        fprintf(f, " %15s %5.1f%%", grouped(l->macs, macs), percent(l->macs, a->totals.macs));
    else
        fprintf(f, " %15s %6s", "-", "");
    fprintf(f, " %s\n", role ? role : "");
}

static void put_roles(FILE *f, const ph_account *a)
{
    static const char *const what[] = { NULL, "fewer channels out than in",
                                        "as many channels, one more nonlinearity",
                                        "more channels out than in" };
    int64_t n[4] = { 0 }, macs[4] = { 0 };
    char text[32];
    for (size_t i = 0; i < a->n_layers; i++) {
        n[a->layers[i].role]++;
        macs[a->layers[i].role] += a->layers[i].macs;
    }
    if (!n[PH_ROLE_SHRINK] && !n[PH_ROLE_KEEP] && !n[PH_ROLE_GROW]) return;
    fputs("\n1x1 convolutions\n", f);
    for (int role = PH_ROLE_SHRINK; role <= PH_ROLE_GROW; role++)
        if (n[role])
            fprintf(f, "  %3" PRId64 " %-7s %15s MACs %5.1f%%   %s\n", n[role],
                    ph_role_name((enum ph_role)role), grouped(macs[role], text),
                    percent(macs[role], a->totals.macs), what[role]);
}

static void put_saving(FILE *f, const ph_saving *s)
{
    char reduction[128], consumer[128], with[32], without[32];
    fprintf(f, "  %s (%" PRId64 " to %" PRId64 " channels) before %s",
            shortened(s->reduction, 40, reduction, sizeof reduction), s->c_in, s->c_reduced,
            shortened(s->consumer, 40, consumer, sizeof consumer));
    if (s->n_consumers > 1) fprintf(f, " and %zu more", s->n_consumers - 1);
    fprintf(f, "\n    parameters %15s with it, %15s without: %.2f times\n",
            grouped(s->parameters_with, with), grouped(s->parameters_without, without),
            (double)s->parameters_without / (double)s->parameters_with);
    fprintf(f, "    MACs       %15s with it, %15s without: %.2f times\n",
            grouped(s->macs_with, with), grouped(s->macs_without, without),
            (double)s->macs_without / (double)s->macs_with);
}

static void put_totals(FILE *f, const ph_account *a)
{
    char text[32];
    const ph_totals *t = &a->totals;
    fprintf(f, "\ntotal: %" PRId64 " layers, %s parameters", t->layers, grouped(t->parameters, text));
    fprintf(f, " (%.1f MB), %s MACs", 1e-6 * (double)t->parameter_bytes, grouped(t->macs, text));
    fprintf(f, ", %.1f MB of activations\n1 MAC = 2 FLOP\n", 1e-6 * (double)t->activation_bytes);
}

void phi_account_text(const ph_account *a, FILE *f)
{
    char name[128], inputs[256];
    fprintf(f, "%s: %s\n\n", shortened(a->model, 60, name, sizeof name),
            shortened(a->inputs, 120, inputs, sizeof inputs));
    fprintf(f, "%-*s %-*s %-*s %12s %15s %6s %s\n", NAME_WIDTH, "layer", OP_WIDTH, "operator",
            SHAPE_WIDTH, "output", "parameters", "MACs", "share", "1x1");
    for (size_t i = 0; i < a->n_layers; i++) put_layer(f, a, &a->layers[i]);
    put_totals(f, a);
    put_roles(f, a);
    if (!a->n_savings) return;
    fputs("\nWhat the 1x1 reductions save (each with the convolutions that read it)\n", f);
    for (size_t i = 0; i < a->n_savings; i++) put_saving(f, &a->savings[i]);
}
