/* SPDX-License-Identifier: MIT */
/*
 * What others say a network costs: published figures and notes, from the graph's metadata.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "graph/account.h"

enum { MAX_NOTES = 64 };

/* Units that figures are printed in. */
static double unit(char c)
{
    switch (c) {
    case 'k':
    case 'K':
        return 1e3;
    case 'm':
    case 'M':
        return 1e6;
    case 'b':
    case 'B':
    case 'g':
    case 'G':
        return 1e9;
    default:
        return 0;
    }
}

static const char *skip_digits(const char *s, double *value, int *n_digits)
{
    for (; (*s >= '0' && *s <= '9') || (*s == ',' && s[1] >= '0' && s[1] <= '9'); s++) {
        if (*s == ',') continue;
        *value = 10 * *value + (*s - '0');
        ++*n_digits;
    }
    return s;
}

/*
 * Read a figure at the beginning of `s`: "60965224", "60,965,224", "6.8M", "3.8e9". By hand, since
 * strtod goes by the locale. Returns its end, or NULL if there is none.
 */
static const char *read_figure(const char *s, double *value, double *half_digit)
{
    int digits = 0, decimals = 0, exponent = 0, n = 0;
    double e = 0, factor = 1;
    *value = 0;
    s = skip_digits(s, value, &digits);
    if (*s == '.') s = skip_digits(s + 1, value, &decimals);
    if (digits + decimals == 0 || digits + decimals > 18) return NULL;
    if (*s == 'e' || *s == 'E') {
        s = skip_digits(s + 1, &e, &n);
        if (n == 0 || n > 2) return NULL;
        exponent = (int)e;
    } else if (unit(*s) > 0) {
        factor = unit(*s++);
    }
    if (*s && *s != ' ') return NULL;
    const double digit = factor * pow(10, exponent - decimals);
    *value *= digit;
    *half_digit = 0.5 * digit;
    return s;
}

static enum ph_status add_published(phi_counter *c, const char *key, phi_published *p)
{
    const char *text = ph_graph_metadata(c->g, key);
    if (!text || !*text) return PH_OK;
    p->text = phi_strdup(&c->a->mem, text);
    if (!p->text) return phi_fail_nomem(c->err);
    const char *end = read_figure(text, &p->value, &p->half_digit);
    p->is_read = end != NULL;
    p->n_figure = end ? (size_t)(end - text) : strcspn(text, " ");
    return PH_OK;
}

static enum ph_status add_text(phi_counter *c, const char *key, char **text)
{
    const char *value = ph_graph_metadata(c->g, key);
    if (!value || !*value) return PH_OK;
    *text = phi_strdup(&c->a->mem, value);
    return *text ? PH_OK : phi_fail_nomem(c->err);
}

enum ph_status phi_add_notes(phi_counter *c)
{
    ph_account *a = c->a;
    enum ph_status st = add_text(c, "pinhole.title", &a->title);
    if (!st) st = add_text(c, "pinhole.paper", &a->paper);
    if (!st) st = add_published(c, "pinhole.published.parameters", &a->parameters);
    if (!st) st = add_published(c, "pinhole.published.macs", &a->macs);
    for (int i = 1; i <= MAX_NOTES && !st; i++) {
        char key[32];
        snprintf(key, sizeof key, "pinhole.note.%d", i);
        if (!ph_graph_metadata(c->g, key)) break;
        if (!phi_grow(&a->mem, (void **)&a->notes, a->n_notes, &a->notes_capacity,
                      sizeof *a->notes))
            return phi_fail_nomem(c->err);
        st = add_text(c, key, &a->notes[a->n_notes]);
        if (a->notes[a->n_notes]) a->n_notes++;
    }
    return st;
}

void phi_free_notes(ph_account *a)
{
    phi_free(&a->mem, a->title);
    phi_free(&a->mem, a->paper);
    phi_free(&a->mem, a->parameters.text);
    phi_free(&a->mem, a->macs.text);
    for (size_t i = 0; i < a->n_notes; i++)
        phi_free(&a->mem, a->notes[i]);
    phi_free(&a->mem, a->notes);
}
