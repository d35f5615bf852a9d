/* SPDX-License-Identifier: MIT */
/*
 * What 1x1 reductions save: the modules they stand in, as they are and without them. The three
 * readings are explained in docs/account.md.
 */
#include "graph/account.h"

/* A sum that stays unknown once it is. */
static bool add_macs(int64_t *sum, int64_t x)
{
    if (*sum != PH_UNKNOWN && x != PH_UNKNOWN) return phi_add_i64(*sum, x, sum);
    *sum = PH_UNKNOWN;
    return true;
}

/* x / from * to, where `from` divides x. */
static bool scale(int64_t x, int64_t from, int64_t to, int64_t *y)
{
    *y = PH_UNKNOWN;
    return x == PH_UNKNOWN || phi_mul_i64(from ? x / from : 0, to, y);
}

/* What the savings of a graph are put together from. */
typedef struct modules {
    const phi_counter *c;
    ph_saving *saving;      /* [n_nodes] by reduction */
    ph_module_cost *larger; /* [n_nodes] its first reading */
    size_t *first;          /* [n_nodes] its first larger consumer */
    uint32_t *readers;      /* [n_values] of a value and of what hands its channels on */
    size_t *reader;         /* [n_values] the last of them, a node */
} modules;

/* --- Channels -------------------------------------------------------------------------------- */

/* Does what comes before the node still feed, channel by channel, what comes after it? */
static bool hands_channels_on(const phi_counter *c, const phi_node *n)
{
    if (!n->op || !n->op->keeps_channels || n->n_in < 1 || n->n_out < 1) return false;
    if (n->in[0] == PH_NONE || n->out[0] == PH_NONE) return false;
    const phi_type *x = &c->f->value[n->in[0]].type, *y = &c->f->value[n->out[0]].type;
    return x->rank >= 2 && y->rank >= 2 && x->dims[1] == y->dims[1]; /* padding may add some */
}

/* For each value, the one it is before operators that hand channels on. */
static void find_origins(const phi_counter *c)
{
    const ph_graph *g = c->g;
    for (size_t v = 0; v < g->n_values; v++)
        c->origin[v] = (ph_value)v;
    for (size_t i = 0; i < g->n_nodes; i++) {
        const phi_node *n = &g->nodes[i];
        if (hands_channels_on(c, n)) c->origin[n->out[0]] = c->origin[n->in[0]];
    }
}

static void find_readers(const modules *m)
{
    const ph_graph *g = m->c->g;
    for (size_t i = 0; i < g->n_nodes; i++) {
        const phi_node *n = &g->nodes[i];
        for (size_t k = hands_channels_on(m->c, n) ? 1 : 0; k < n->n_in; k++) {
            if (n->in[k] == PH_NONE) continue;
            m->readers[m->c->origin[n->in[k]]]++;
            m->reader[m->c->origin[n->in[k]]] = i;
        }
    }
    for (size_t i = 0; i < g->n_outputs; i++)
        m->readers[m->c->origin[g->outputs[i]]]++;
}

/* The only node that reads the results of node i, or SIZE_MAX. */
static size_t only_reader(const modules *m, size_t i)
{
    const ph_value y = m->c->g->nodes[i].out[0];
    return y != PH_NONE && m->readers[y] == 1 ? m->reader[y] : SIZE_MAX;
}

/* The reduction whose channels node i reads, if i is a convolution of one group: a node, or
 * SIZE_MAX. */
static size_t reduction_of(const phi_counter *c, size_t i)
{
    const phi_node *n = &c->g->nodes[i];
    if (c->known[i] || !phi_conv_weights(c, n) || n->in[0] == PH_NONE) return SIZE_MAX;
    const int32_t p = c->g->values[c->origin[n->in[0]]].producer;
    if (p < 0 || c->known[p] || phi_role_of(c, &c->g->nodes[p]) != PH_ROLE_SHRINK) return SIZE_MAX;
    return (size_t)p;
}

/* --- Readings -------------------------------------------------------------------------------- */

/* Add consumer `i`, as it is and as it would be on the wide input. Everything in it but the bias is
 * proportional to its input channels. */
static bool add_consumer(const phi_counter *c, size_t i, const ph_saving *s, ph_module_cost *m)
{
    const phi_node *n = &c->g->nodes[i];
    const int64_t weights = phi_type_count(phi_conv_weights(c, n));
    const int64_t with = phi_conv_parameters(c, n), bias = with - weights;
    int64_t wide_weights, wide_macs;
    return scale(weights, s->c_reduced, s->c_in, &wide_weights) &&
           scale(c->macs[i], s->c_reduced, s->c_in, &wide_macs) &&
           phi_add_i64(m->parameters_with, with, &m->parameters_with) &&
           phi_add_i64(m->parameters_without, wide_weights, &m->parameters_without) &&
           phi_add_i64(m->parameters_without, bias, &m->parameters_without) &&
           add_macs(&m->macs_with, c->macs[i]) && add_macs(&m->macs_without, wide_macs);
}

/* The module of one reduction alone. */
static ph_module_cost reduction_cost(const phi_counter *c, size_t r)
{
    return (ph_module_cost){.parameters_with = phi_conv_parameters(c, &c->g->nodes[r]),
                            .macs_with = c->macs[r]};
}

/* Both sides are known, or none. */
static void settle(ph_module_cost *m)
{
    if (m->macs_with == PH_UNKNOWN || m->macs_without == PH_UNKNOWN)
        m->macs_with = m->macs_without = PH_UNKNOWN;
}

static void start_saving(const phi_counter *c, size_t r, ph_saving *s)
{
    const phi_type *w = phi_conv_weights(c, &c->g->nodes[r]);
    *s = (ph_saving){.c_in = w->dims[1], .c_reduced = w->dims[0], .all = reduction_cost(c, r)};
}

/* The first two readings of all reductions. */
static enum ph_status sum_readers(const modules *m)
{
    const phi_counter *c = m->c;
    for (size_t i = 0; i < c->g->n_nodes; i++) {
        const size_t r = reduction_of(c, i);
        if (r == SIZE_MAX) continue;
        ph_saving *s = &m->saving[r];
        if (s->n_consumers + s->n_1x1 == 0) {
            start_saving(c, r, s);
            m->larger[r] = s->all;
        }
        bool fits = add_consumer(c, i, s, &s->all);
        if (phi_is_1x1(phi_conv_weights(c, &c->g->nodes[i]))) {
            s->n_1x1++;
        } else {
            if (s->n_consumers++ == 0) m->first[r] = i;
            fits = fits && add_consumer(c, i, s, &m->larger[r]);
        }
        if (!fits) return phi_count_too_large(c, c->g->nodes[r].name);
    }
    return PH_OK;
}

/*
 * The third reading. Without both 1x1 the larger convolution has c_in channels in and c_out out, at
 * the places where the last one has results, and its bias.
 */
static bool add_bottleneck(const modules *m, size_t r, ph_saving *s)
{
    const phi_counter *c = m->c;
    const size_t larger = m->first[r];
    if (s->n_consumers != 1 || s->n_1x1 || only_reader(m, r) != larger) return true;
    const size_t last = only_reader(m, larger);
    if (last == SIZE_MAX || c->known[last] || phi_role_of(c, &c->g->nodes[last]) != PH_ROLE_GROW ||
        c->g->nodes[larger].out[0] != c->origin[c->g->nodes[last].in[0]])
        return true;
    const phi_type *wl = phi_conv_weights(c, &c->g->nodes[larger]),
                   *wg = phi_conv_weights(c, &c->g->nodes[last]);
    ph_module_cost *b = &s->bottleneck;
    const int64_t bias = phi_conv_parameters(c, &c->g->nodes[last]) - phi_type_count(wg);
    const int64_t taps =
        wl->dims[0] && wl->dims[1] ? phi_type_count(wl) / wl->dims[0] / wl->dims[1] : 0;
    int64_t per_input, macs; /* of one tap */
    if (!phi_mul_i64(s->c_in, taps, &per_input)) return false;
    *b = reduction_cost(c, r);
    s->c_out = wg->dims[0];
    s->growth = c->g->nodes[last].name; /* copied later */
    return scale(c->macs[last], wg->dims[1], per_input, &macs) &&
           phi_mul_i64(per_input, s->c_out, &b->parameters_without) &&
           phi_add_i64(b->parameters_without, bias, &b->parameters_without) &&
           phi_add_i64(b->parameters_with, phi_conv_parameters(c, &c->g->nodes[larger]),
                       &b->parameters_with) &&
           phi_add_i64(b->parameters_with, phi_conv_parameters(c, &c->g->nodes[last]),
                       &b->parameters_with) &&
           add_macs(&b->macs_with, c->macs[larger]) && add_macs(&b->macs_with, c->macs[last]) &&
           add_macs(&b->macs_without, macs);
}

/* --- The list -------------------------------------------------------------------------------- */

/* Saving `r` for the account: done, with names of its own. */
static enum ph_status add_saving(const modules *m, size_t r, ph_saving *s)
{
    ph_account *a = m->c->a;
    if (!phi_grow(&a->mem, (void **)&a->savings, a->n_savings, &a->savings_capacity,
                  sizeof *a->savings))
        return phi_fail_nomem(m->c->err);
    settle(&m->larger[r]);
    s->parameters_with = m->larger[r].parameters_with;
    s->parameters_without = m->larger[r].parameters_without;
    s->macs_with = m->larger[r].macs_with;
    s->macs_without = m->larger[r].macs_without;
    settle(&s->all);
    if (!add_bottleneck(m, r, s)) return phi_count_too_large(m->c, m->c->g->nodes[r].name);
    settle(&s->bottleneck);
    const bool grows = s->growth != NULL;
    s->growth = phi_strdup(&a->mem, s->growth);
    s->reduction = phi_strdup(&a->mem, m->c->g->nodes[r].name);
    s->consumer = phi_strdup(&a->mem, m->c->g->nodes[m->first[r]].name);
    a->savings[a->n_savings++] = *s;
    return s->reduction && s->consumer && (s->growth || !grows) ? PH_OK : phi_fail_nomem(m->c->err);
}

enum ph_status phi_add_savings(phi_counter *c)
{
    const ph_allocator *mem = &c->a->mem;
    const size_t n = c->g->n_nodes, n_values = c->g->n_values;
    modules m = {.c = c,
                 .saving = phi_calloc(mem, n, sizeof *m.saving),
                 .larger = phi_calloc(mem, n, sizeof *m.larger),
                 .first = phi_calloc(mem, n, sizeof *m.first),
                 .readers = phi_calloc(mem, n_values, sizeof *m.readers),
                 .reader = phi_calloc(mem, n_values, sizeof *m.reader)};
    enum ph_status st = PH_OK;
    if (m.saving && m.larger && m.first && m.readers && m.reader) {
        find_origins(c);
        find_readers(&m);
        st = sum_readers(&m);
    } else {
        st = phi_fail_nomem(c->err);
    }
    for (size_t i = 0; i < n && !st; i++)
        if (m.saving[i].n_consumers) st = add_saving(&m, i, &m.saving[i]);
    phi_free(mem, m.saving);
    phi_free(mem, m.larger);
    phi_free(mem, m.first);
    phi_free(mem, m.readers);
    phi_free(mem, m.reader);
    return st;
}
