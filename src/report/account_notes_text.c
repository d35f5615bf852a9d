/* SPDX-License-Identifier: MIT */
/* What others say, beside what is counted here. */
#include <inttypes.h>
#include <math.h>

#include "report/cells.h"
#include "report/report.h"

double phi_intensity(int64_t macs, int64_t moved_bytes)
{
    return macs > 0 && moved_bytes > 0 ? 2.0 * (double)macs / (double)moved_bytes : 0.0;
}

void phi_put_heading(phi_cells *c, const ph_account *a, int indent)
{
    const int n = phi_put_layer_name(c, a->model, PHI_LINE / 2);
    fputs(": ", c->f);
    phi_put_layer_name(c, a->inputs, PHI_LINE - n - 2 - indent);
    fputc('\n', c->f);
    const char *const lines[] = {a->title, a->paper};
    for (size_t i = 0; i < PHI_COUNT(lines); i++) {
        if (!lines[i]) continue;
        fprintf(c->f, "%*s", indent, "");
        phi_put_wrapped(c, lines[i], indent, indent);
    }
}

size_t phi_other_counts(const ph_account *a, phi_other_count counts[PHI_OTHER_COUNTS])
{
    const ph_totals *t = &a->totals;
    const phi_other_count all[PHI_OTHER_COUNTS] = {
        {"weights", "the weights alone, without biases and norms", t->weights},
        {"with_statistics", "with the running statistics of norms", t->parameters + t->statistics},
        {"without_classifier", "without the classifier", t->parameters - t->classifier_parameters},
    };
    size_t n = 0;
    for (size_t i = 0; i < PHI_OTHER_COUNTS; i++)
        if (all[i].parameters > 0 && all[i].parameters != t->parameters) counts[n++] = all[i];
    return n;
}

bool phi_agrees(const phi_published *p, int64_t counted)
{
    return p->is_read && fabs(p->value - (double)counted) <= p->half_digit;
}

/* " = x", "1,234 more (0.5 %)" */
static void put_difference(phi_cells *c, const phi_published *p, int64_t counted)
{
    char buf[PHI_GROUPED_BYTES];
    const double difference = (double)counted - p->value;
    if (difference == 0) {
        fputs(", the same", c->f);
    } else if (phi_agrees(p, counted)) {
        fputs(", the same to the digits printed", c->f);
    } else {
        fprintf(c->f, ", %s %s", phi_grouped((int64_t)llround(fabs(difference)), buf),
                difference > 0 ? "more" : "fewer");
        if (p->value > 0) fprintf(c->f, " (%+.2f %%)", 100 * difference / p->value);
    }
}

static void put_figure(phi_cells *c, const ph_account *a, const char *what, const phi_published *p,
                       int64_t counted, bool complete)
{
    char buf[PHI_GROUPED_BYTES];
    if (!p->text) return;
    int used = fprintf(c->f, "  %-10s published: ", what);
    phi_put_wrapped(c, p->text, used, 24);
    used = fprintf(c->f, "  %-10s counted:   %s", "", phi_grouped(counted, buf));
    if (p->is_read && complete) put_difference(c, p, counted);
    fputc('\n', c->f);
    phi_other_count other[PHI_OTHER_COUNTS];
    const size_t n = p == &a->parameters ? phi_other_counts(a, other) : 0;
    for (size_t i = 0; i < n; i++)
        if (!phi_agrees(p, counted) && phi_agrees(p, other[i].parameters))
            fprintf(c->f, "  %-10s %s: %s agree\n", "", other[i].words,
                    phi_grouped(other[i].parameters, buf));
}

bool phi_has_published(const ph_account *a)
{
    return a->parameters.text || a->macs.text || a->n_notes;
}

static bool has_note(const ph_account *a, const char *note)
{
    for (size_t i = 0; a && i < a->n_notes; i++)
        if (strcmp(a->notes[i], note) == 0) return true;
    return false;
}

void phi_put_published(phi_cells *c, const ph_account *a, const ph_account *before)
{
    put_figure(c, a, "parameters", &a->parameters, a->totals.parameters, true);
    put_figure(c, a, "MACs", &a->macs, a->totals.macs, a->totals.unknown_macs == 0);
    for (size_t i = 0; i < a->n_notes; i++) {
        if (has_note(before, a->notes[i])) continue;
        fputs("  - ", c->f);
        phi_put_wrapped(c, a->notes[i], 4, 4);
    }
}

void phi_put_notes(phi_cells *c, const ph_account *a)
{
    char buf[PHI_GROUPED_BYTES];
    phi_other_count other[PHI_OTHER_COUNTS];
    const size_t n = phi_other_counts(a, other);
    if (n) fputs("\nParameters counted otherwise\n", c->f);
    for (size_t i = 0; i < n; i++)
        fprintf(c->f, "  %15s %s\n", phi_grouped(other[i].parameters, buf), other[i].words);
    if (phi_has_published(a)) fputs("\nWhat others say\n", c->f);
    phi_put_published(c, a, NULL);
}
