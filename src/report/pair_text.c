/* SPDX-License-Identifier: MIT */
/* Two networks side by side, for people. */
#include <inttypes.h>
#include <math.h>

#include "report/pair.h"

/* Widths: what a row is about, a number, a ratio. */
enum { LABEL = 36, NUMBER = 15, RATIO = 7, NARROW = 11, WIDE = 14, LAYER = 30 };

typedef struct side_by_side {
    const phi_pair *p;
    phi_cells c;
} side_by_side;

static void put_number(side_by_side *t, int width, int64_t n)
{
    char buf[PHI_GROUPED_BYTES];
    fprintf(t->c.f, " %*s", width, n ? phi_grouped(n, buf) : "-");
}

static void put_ratio(side_by_side *t, int64_t a, int64_t b, bool last)
{
    char buf[PHI_GROUPED_BYTES];
    const char *ratio =
        a == PH_UNKNOWN || b == PH_UNKNOWN ? "?" : phi_ratio((double)a, (double)b, buf);
    if (last && !*ratio) return;
    fprintf(t->c.f, " %*s", RATIO, ratio);
}

/* --- Totals ---------------------------------------------------------------------------------- */

static void put_total(side_by_side *t, const char *what, int64_t a, int64_t b)
{
    if (!a && !b) return;
    fprintf(t->c.f, "%-*s", LABEL, what);
    put_number(t, NUMBER, a);
    put_number(t, NUMBER, b);
    put_ratio(t, a, b, true);
    fputc('\n', t->c.f);
}

static void put_intensities(side_by_side *t, const ph_totals *a, const ph_totals *b)
{
    char buf[PHI_GROUPED_BYTES];
    const double x = phi_intensity(a->macs, a->moved_bytes),
                 y = phi_intensity(b->macs, b->moved_bytes);
    if (x > 0 && y > 0)
        fprintf(t->c.f, "%-*s %*.1f %*.1f %*s\n", LABEL, "FLOP for each byte moved", NUMBER, x,
                NUMBER, y, RATIO, phi_ratio(x, y, buf));
}

static void put_totals(side_by_side *t)
{
    const ph_account *x = t->p->of[0], *y = t->p->of[1];
    const ph_totals *a = &x->totals, *b = &y->totals;
    fprintf(t->c.f, "%-*s %*s %*s %*s\n", LABEL, "", NUMBER, "A", NUMBER, "B", RATIO, "B / A");
    put_total(t, "layers", a->layers, b->layers);
    put_total(t, "parameters", a->parameters, b->parameters);
    put_total(t, "  the weights alone", a->weights, b->weights);
    if (a->statistics || b->statistics)
        put_total(t, "  with running statistics", a->parameters + a->statistics,
                  b->parameters + b->statistics);
    if (a->classifier_parameters || b->classifier_parameters)
        put_total(t, "  without the classifiers", a->parameters - a->classifier_parameters,
                  b->parameters - b->classifier_parameters);
    put_total(t, "bytes of parameters", a->parameter_bytes, b->parameter_bytes);
    put_total(t, "MACs", a->macs, b->macs);
    if (a->classifier_macs || b->classifier_macs)
        put_total(t, "  without the classifiers", a->macs - a->classifier_macs,
                  b->macs - b->classifier_macs);
    put_total(t, "bytes of activations", a->activation_bytes, b->activation_bytes);
    if (x->planned && y->planned) {
        put_total(t, "  as a run places them", a->arena_bytes, b->arena_bytes);
        put_total(t, "  most in use at a time", a->peak_live_bytes, b->peak_live_bytes);
    }
    put_total(t, "bytes moved", a->moved_bytes, b->moved_bytes);
    put_intensities(t, a, b);
    put_total(t, "lower bound in ns", (int64_t)llround(1e9 * a->bound_seconds),
              (int64_t)llround(1e9 * b->bound_seconds));
    put_total(t, "layers not understood", a->unknown_nodes, b->unknown_nodes);
    put_total(t, "layers whose MACs are not known", a->unknown_macs, b->unknown_macs);
}

/* The layers of a classifier, to say what is left out. */
static void put_classifier(side_by_side *t, const char *words, const ph_account *a)
{
    size_t n = 0;
    for (size_t i = 0; i < a->n_layers; i++) {
        if (!a->layers[i].classifier) continue;
        if (n == 0) {
            fputs(words, t->c.f);
            phi_put_layer_name(&t->c, a->layers[i].name, 30);
        }
        n++;
    }
    if (n > 1) fprintf(t->c.f, " and %zu more", n - 1);
    fputc('\n', t->c.f);
}

/* "8.71 times fewer", "2.18 times as many" */
static void put_times(side_by_side *t, int64_t a, int64_t b)
{
    if (a == b)
        fputs("as many", t->c.f);
    else if (a < b)
        fprintf(t->c.f, "%.2f times fewer", (double)b / (double)a);
    else
        fprintf(t->c.f, "%.2f times as many", (double)a / (double)b);
}

static void put_words(side_by_side *t)
{
    const ph_totals *a = &t->p->of[0]->totals, *b = &t->p->of[1]->totals;
    const bool differ = a->parameters != b->parameters;
    const int64_t ca = differ ? a->classifier_parameters : 0,
                  cb = differ ? b->classifier_parameters : 0;
    fputc('\n', t->c.f);
    if (a->parameters > 0 && b->parameters > 0) {
        fputs("parameters: A has ", t->c.f);
        put_times(t, a->parameters, b->parameters);
        fputs(a->parameters < b->parameters ? " than B\n" : " as B\n", t->c.f);
    }
    if (ca > 0 && ca < a->parameters && b->parameters > 0) {
        fprintf(t->c.f, "%*s", 12, "");
        put_times(t, a->parameters - ca, b->parameters);
        put_classifier(t, " without A's classifier, ", t->p->of[0]);
    }
    if (cb > 0 && cb < b->parameters && a->parameters > 0) {
        fprintf(t->c.f, "%*s", 12, "");
        put_times(t, a->parameters, b->parameters - cb);
        put_classifier(t, " without B's classifier, ", t->p->of[1]);
    }
    if (ca > 0 && cb > 0 && ca < a->parameters && cb < b->parameters) {
        fprintf(t->c.f, "%*s", 12, "");
        put_times(t, a->parameters - ca, b->parameters - cb);
        fputs(" without both\n", t->c.f);
    }
    if (a->macs > 0 && b->macs > 0) {
        fputs("MACs:       A has ", t->c.f);
        put_times(t, a->macs, b->macs);
        fputs(a->macs < b->macs ? " than B\n" : " as B\n", t->c.f);
    }
}

/* --- Parts ----------------------------------------------------------------------------------- */

static void put_parts_header(side_by_side *t, int width, const char *what)
{
    fprintf(t->c.f, "\n%-*s %*s %*s %*s %*s %*s %*s\n", width, what, NARROW, "params A", NARROW,
            "params B", RATIO, "B / A", WIDE, "MACs A", WIDE, "MACs B", RATIO, "B / A");
}

/* Parameters and MACs of the two sides; a missing side is NULL. */
static void put_costs(side_by_side *t, const int64_t *a, const int64_t *b)
{
    for (int i = 0; i < 2; i++) { /* parameters, MACs */
        const int width = i ? WIDE : NARROW;
        put_number(t, width, a ? a[i] : 0);
        if (b || !i) put_number(t, width, b ? b[i] : 0);
        if (a && b)
            put_ratio(t, a[i], b[i], i == 1);
        else if (!i)
            fprintf(t->c.f, " %*s", RATIO, "");
    }
    fputc('\n', t->c.f);
}

static void put_part(side_by_side *t, int width, const char *what, const phi_part part[2])
{
    const int64_t a[2] = {part[0].parameters, part[0].macs},
                  b[2] = {part[1].parameters, part[1].macs};
    fprintf(t->c.f, "%-*s", width, what);
    put_costs(t, a, b);
}

static void put_kinds(side_by_side *t)
{
    static const struct {
        enum ph_kind kind;
        const char *words;
    } rows[] = {
        {PH_KIND_1X1, "1x1 convolutions"},         {PH_KIND_CONV, "larger convolutions"},
        {PH_KIND_GROUPED, "grouped convolutions"}, {PH_KIND_DEPTHWISE, "depthwise convolutions"},
        {PH_KIND_DENSE, "fully connected"},        {PH_KIND_OTHER, "all others"}};
    put_parts_header(t, LAYER, "By kind of layer");
    for (size_t i = 0; i < PHI_COUNT(rows); i++) {
        const phi_part *part = t->p->kinds[rows[i].kind];
        if (part[0].parameters || part[1].parameters || part[0].macs || part[1].macs)
            put_part(t, LAYER, rows[i].words, part);
    }
}

static void put_sizes(side_by_side *t)
{
    char buf[PHI_TYPE_TEXT];
    put_parts_header(t, LAYER, "By size of the output");
    for (size_t i = 0; i < t->p->n_sizes; i++)
        put_part(t, LAYER, phi_size_text(t->p, i, buf), t->p->sizes[i].part);
}

/* --- Layers ---------------------------------------------------------------------------------- */

static bool costs_nothing(const ph_layer_cost *l)
{
    return !l || (l->parameters == 0 && l->macs == 0);
}

/* The name of both, or "a | b". */
static void put_names(side_by_side *t, const phi_match *m)
{
    const char *mark = !m->a ? "B " : !m->b ? "A " : "  ";
    fputs(mark, t->c.f);
    if (!m->a || !m->b || strcmp(m->a->name, m->b->name) == 0) {
        phi_put_name_column(&t->c, m->a ? m->a->name : m->b->name, LAYER - 2);
        return;
    }
    const int half = (LAYER - 2 - 3) / 2;
    const int b = phi_length(m->b->name) < half ? phi_length(m->b->name) : half;
    const int n = phi_put_layer_name(&t->c, m->a->name, LAYER - 2 - 3 - b);
    fputs(" | ", t->c.f);
    phi_put_name_column(&t->c, m->b->name, LAYER - 2 - 3 - n);
}

static void put_match(side_by_side *t, const phi_match *m)
{
    int64_t a[2] = {0}, b[2] = {0};
    if (m->a) a[0] = m->a->parameters, a[1] = m->a->macs;
    if (m->b) b[0] = m->b->parameters, b[1] = m->b->macs;
    put_names(t, m);
    put_costs(t, m->a ? a : NULL, m->b ? b : NULL);
}

static void put_same(side_by_side *t, size_t *n)
{
    if (*n) fprintf(t->c.f, "  (%zu that cost%s the same)\n", *n, *n == 1 ? "s" : "");
    *n = 0;
}

static void put_layers(side_by_side *t)
{
    size_t same = 0, differ = 0;
    for (size_t i = 0; i < t->p->n_matches; i++) {
        const phi_match *m = &t->p->matches[i];
        differ += !(costs_nothing(m->a) && costs_nothing(m->b)) && !phi_match_is_same(m);
    }
    if (!differ) {
        fputs("\nLayer by layer they cost the same.\n", t->c.f);
        return;
    }
    put_parts_header(t, LAYER, "Layers (A, B: only there)");
    if (!t->p->aligned) fputs("  (too many to find out which is which)\n", t->c.f);
    for (size_t i = 0; i < t->p->n_matches; i++) {
        const phi_match *m = &t->p->matches[i];
        if (costs_nothing(m->a) && costs_nothing(m->b)) continue;
        if (phi_match_is_same(m)) {
            same++;
            continue;
        }
        put_same(t, &same);
        put_match(t, m);
    }
    put_same(t, &same);
}

/* --- The whole ------------------------------------------------------------------------------- */

static void put_side(side_by_side *t, const char *letter, const ph_account *a)
{
    fprintf(t->c.f, "%s: ", letter);
    phi_put_heading(&t->c, a, 3);
}

static void put_notes_of(side_by_side *t, const char *letter, const ph_account *a,
                         const ph_account *before)
{
    if (!phi_has_published(a)) return;
    fprintf(t->c.f, "\nWhat others say of %s, ", letter);
    phi_put_layer_name(&t->c, a->model, PHI_LINE / 2);
    fputc('\n', t->c.f);
    phi_put_published(&t->c, a, before);
}

enum ph_status phi_pair_text(const phi_pair *p, FILE *f, ph_error *err)
{
    side_by_side t = {.p = p, .c = {.mem = &p->of[0]->mem, .f = f}};
    put_side(&t, "A", p->of[0]);
    put_side(&t, "B", p->of[1]);
    fputc('\n', f);
    put_totals(&t);
    put_words(&t);
    put_notes_of(&t, "A", p->of[0], NULL);
    put_notes_of(&t, "B", p->of[1], p->of[0]);
    put_kinds(&t);
    put_sizes(&t);
    put_layers(&t);
    return t.c.no_memory ? phi_fail_nomem(err) : PH_OK;
}
