/* SPDX-License-Identifier: MIT */
/*
 * Checks of a graph as a whole: order, missing values, operators that are not known.
 */
#include <stdio.h>

#include "graph/graph.h"

/* --- Lists in messages --------------------------------------------------------------------------- */

/* A list written into a fixed buffer: grows until it is full, then only counts. */
typedef struct list {
    char text[PH_ERROR_MESSAGE_BYTES - 256];
    size_t used, n_items, n_left_out;
} list;

static void list_add(list *l, const char *separator, const char *item)
{
    const int k = snprintf(l->text + l->used, sizeof l->text - l->used, "%s%s", separator, item);
    l->n_items++;
    if (k > 0 && (size_t)k < sizeof l->text - l->used)
        l->used += (size_t)k;
    else
        l->n_left_out++;
    l->text[l->used] = 0;
}

/* --- Order ----------------------------------------------------------------------------------- */

enum { NEW, OPEN, DONE };

typedef struct sorter {
    const ph_graph *g;
    unsigned char *state; /* [n_nodes] */
    uint32_t *next_in;    /* [n_nodes] the input to look at next */
    uint32_t *stack, *order; /* [n_nodes] */
    size_t n_order;
} sorter;

bool phi_value_is_given(const phi_value *v) { return phi_value_is_constant(v) || v->is_input; }

/* Value `v`, which node n reads, comes from nowhere: that, and all others of which the same is true,
 * each at its first reader. */
static enum ph_status missing_value(const ph_graph *g, const phi_node *n, const phi_value *v,
                                    ph_error *err)
{
    list others = { .n_items = 0 };
    char item[256], more[64] = "";
    bool *seen = phi_calloc(&g->mem, g->n_values, sizeof *seen);
    if (!seen) return phi_fail_nomem(err);
    seen[v - g->values] = true;
    for (size_t i = 0; i < g->n_nodes; i++)
        for (size_t k = 0; k < g->nodes[i].n_in; k++) {
            const ph_value in = g->nodes[i].in[k];
            if (in == PH_NONE || seen[in] || g->values[in].producer >= 0) continue;
            seen[in] = true;
            if (phi_value_is_given(&g->values[in])) continue;
            snprintf(item, sizeof item, "'%.100s' of %.40s '%.80s'", g->values[in].name,
                     g->nodes[i].op_type, g->nodes[i].name);
            list_add(&others, others.n_items ? ", " : "; nor are ", item);
        }
    phi_free(&g->mem, seen);
    if (others.n_left_out) snprintf(more, sizeof more, " and %zu more", others.n_left_out);
    return phi_fail(err, PH_ERR_GRAPH, n->name,
                    "%s '%s': its input '%s' is no input, constant or result of another node%s%s",
                    n->op_type, n->name, v->name, others.n_items ? others.text : "", more);
}

/* Emit `root` behind everything it needs: depth first, with a stack of our own. */
static enum ph_status visit(sorter *s, uint32_t root, ph_error *err)
{
    size_t depth = 0;
    s->stack[depth++] = root;
    s->state[root] = OPEN;
    while (depth) {
        const uint32_t at = s->stack[depth - 1];
        const phi_node *n = &s->g->nodes[at];
        if (s->next_in[at] == n->n_in) {
            s->state[at] = DONE;
            s->order[s->n_order++] = at;
            depth--;
            continue;
        }
        const ph_value in = n->in[s->next_in[at]++];
        if (in == PH_NONE) continue;
        const phi_value *v = &s->g->values[in];
        if (v->producer < 0) {
            if (!phi_value_is_given(v)) return missing_value(s->g, n, v, err);
            continue;
        }
        const uint32_t producer = (uint32_t)v->producer;
        if (s->state[producer] == OPEN)
            return phi_fail(err, PH_ERR_GRAPH, n->name,
                            "%s '%s': its input '%s' depends on its own result (a cycle)",
                            n->op_type, n->name, v->name);
        if (s->state[producer] == NEW) {
            s->state[producer] = OPEN;
            s->stack[depth++] = producer;
        }
    }
    return PH_OK;
}

/* Rearrange nodes as s->order says. The name index maps to positions, so it is made anew. */
static enum ph_status apply_order(ph_graph *g, const sorter *s, ph_error *err)
{
    bool same = true;
    for (size_t i = 0; i < g->n_nodes; i++) same &= s->order[i] == i;
    if (same) return PH_OK;
    phi_node *moved = phi_calloc(&g->mem, g->nodes_capacity, sizeof *moved);
    if (!moved) return phi_fail_nomem(err);
    for (size_t i = 0; i < g->n_nodes; i++) moved[i] = g->nodes[s->order[i]];
    phi_free(&g->mem, g->nodes);
    g->nodes = moved;
    uint32_t *position = s->stack; /* free by now: old index -> new */
    for (size_t i = 0; i < g->n_nodes; i++) position[s->order[i]] = (uint32_t)i;
    for (size_t v = 0; v < g->n_values; v++)
        if (g->values[v].producer >= 0)
            g->values[v].producer = (int32_t)position[g->values[v].producer];
    for (size_t k = 0; k < g->node_names.n_slots; k++)
        if (g->node_names.slot[k]) g->node_names.slot[k] = position[g->node_names.slot[k] - 1] + 1;
    return PH_OK;
}

enum ph_status phi_graph_sort(ph_graph *g, ph_error *err)
{
    const size_t n = g->n_nodes;
    sorter s = { .g = g,
                 .state = phi_calloc(&g->mem, n, 1),
                 .next_in = phi_calloc(&g->mem, n, sizeof *s.next_in),
                 .stack = phi_calloc(&g->mem, n, sizeof *s.stack),
                 .order = phi_calloc(&g->mem, n, sizeof *s.order) };
    enum ph_status st = PH_OK;
    if (!s.state || !s.next_in || !s.stack || !s.order) st = phi_fail_nomem(err);
    for (size_t i = 0; i < n && !st; i++)
        if (s.state[i] == NEW) st = visit(&s, (uint32_t)i, err);
    if (!st) st = apply_order(g, &s, err);
    if (!st) st = phi_graph_settle(g, err);
    phi_free(&g->mem, s.state);
    phi_free(&g->mem, s.next_in);
    phi_free(&g->mem, s.stack);
    phi_free(&g->mem, s.order);
    return st;
}

enum ph_status phi_graph_check_structure(const ph_graph *g, ph_error *err)
{
    if (!g->n_outputs)
        return phi_fail(err, PH_ERR_GRAPH, g->name, "graph '%s' has no outputs", g->name);
    for (size_t i = 0; i < g->n_nodes; i++) {
        const phi_node *n = &g->nodes[i];
        for (size_t k = 0; k < n->n_in; k++) {
            if (n->in[k] == PH_NONE) continue;
            const phi_value *v = &g->values[n->in[k]];
            if (v->producer < 0 && !phi_value_is_given(v)) return missing_value(g, n, v, err);
            if (v->producer >= (int32_t)i)
                return phi_fail(err, PH_ERR_GRAPH, n->name,
                                "%s '%s': its input '%s' is made by a later node", n->op_type,
                                n->name, v->name);
        }
    }
    for (size_t i = 0; i < g->n_outputs; i++) {
        const phi_value *v = &g->values[g->outputs[i]];
        if (v->producer < 0 && !phi_value_is_given(v))
            return phi_fail(err, PH_ERR_GRAPH, v->name, "output '%s' is made by no node", v->name);
    }
    return PH_OK;
}

/* --- Operators --------------------------------------------------------------------------------- */

static const phi_attr_rule *find_rule(const phi_op *op, const char *name, int64_t opset)
{
    for (const phi_attr_rule *r = op->attrs; r && r->name; r++)
        if (strcmp(r->name, name) == 0 && opset >= r->first && (!r->last || opset <= r->last))
            return r;
    return NULL;
}

static bool opset_is_known(const phi_op *op, int64_t opset)
{
    return opset >= op->since && (!op->until || opset <= op->until);
}

/* The k-th reason why a node cannot be handled, as the group it is listed under; NULL if there is no
 * such reason. Attributes mean something only for an operator that is known. */
static const char *reason_at(const ph_graph *g, const phi_node *n, size_t k, const char **kind,
                             char *buf, size_t size)
{
    const int64_t opset = phi_graph_opset_of(g, n->domain);
    const bool known = n->op && opset_is_known(n->op, opset);
    if (!known) {
        const char *dot = *n->domain ? "." : "";
        *kind = n->op ? "opset" : "operator";
        if (n->op)
            snprintf(buf, size, "%s in opset %lld", n->op_type, (long long)opset);
        else
            snprintf(buf, size, "%s%s%s", n->domain, dot, n->op_type);
        return k == 0 ? buf : NULL;
    }
    *kind = "attribute";
    for (size_t i = 0; i < n->n_attrs; i++)
        if (!find_rule(n->op, n->attrs[i].name, opset) && k-- == 0) {
            snprintf(buf, size, "attribute '%s' of %s in opset %lld", n->attrs[i].name, n->op_type,
                     (long long)opset);
            return buf;
        }
    return NULL;
}

static const char *reason(const ph_graph *g, const phi_node *n, char *buf, size_t size)
{
    const char *kind;
    return reason_at(g, n, 0, &kind, buf, size);
}

enum ph_status phi_node_supported(const ph_graph *g, const phi_node *n, size_t k, const char **kind,
                                  ph_error *err)
{
    char why[256];
    if (!reason_at(g, n, k, kind, why, sizeof why)) return PH_OK;
    return phi_fail(err, PH_ERR_UNSUPPORTED, n->name, "%s '%s': %s%s is not supported", n->op_type,
                    n->name, strcmp(*kind, "operator") == 0 ? "operator " : "", why);
}

/* List the nodes from `first` on that have the reason `why`, if none before had it. */
static void list_group(const ph_graph *g, size_t first, const char *why, list *l)
{
    char other[256], item[320];
    for (size_t i = 0; i < first; i++)
        if (reason(g, &g->nodes[i], other, sizeof other) && strcmp(other, why) == 0) return;
    size_t n = 0;
    for (size_t i = first; i < g->n_nodes; i++) {
        if (!reason(g, &g->nodes[i], other, sizeof other) || strcmp(other, why) != 0) continue;
        snprintf(item, sizeof item, "%s%s'%s'", n ? "" : why, n ? "" : " (", g->nodes[i].name);
        list_add(l, n ? ", " : l->n_items ? "), " : "", item);
        n++;
    }
}

enum ph_status phi_graph_check_supported(const ph_graph *g, ph_error *err)
{
    list l = { .n_items = 0 };
    size_t n_nodes = 0;
    const char *first = NULL;
    char why[256];
    for (size_t i = 0; i < g->n_nodes; i++) {
        if (!reason(g, &g->nodes[i], why, sizeof why)) continue;
        if (!n_nodes++) first = g->nodes[i].name;
        if (!l.n_left_out) list_group(g, i, why, &l); /* once it is full, count: stays linear */
    }
    if (!n_nodes) return PH_OK;
    char more[64] = "";
    const size_t n_listed = l.n_items - l.n_left_out;
    if (n_nodes > n_listed) snprintf(more, sizeof more, " and %zu more", n_nodes - n_listed);
    return phi_fail(err, PH_ERR_UNSUPPORTED, first, "graph '%.80s': %zu node%s not supported: %s)%s",
                    g->name, n_nodes, n_nodes == 1 ? " is" : "s are", l.text, more);
}

/* What only a shape or a value from outside can decide is no fault of the graph. */
static enum ph_status only_faults(void *user, const phi_problem *p)
{
    (void)user;
    const bool open = p->node < 0 && p->status == PH_ERR_SHAPE; /* none is given that could be wrong */
    return open || p->unknown != PH_NONE ? PH_OK : p->status;
}

enum ph_status ph_graph_check(const ph_graph *g, ph_error *err)
{
    const phi_infer_desc desc = { .problem = only_faults };
    phi_facts *facts;
    enum ph_status st = phi_graph_check_structure(g, err);
    if (!st) st = phi_graph_check_supported(g, err);
    if (!st) st = phi_infer_graph_with(g, &desc, &facts, err);
    if (!st) phi_facts_free(facts);
    return st;
}
