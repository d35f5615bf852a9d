/* SPDX-License-Identifier: MIT */
/*
 * Will a graph run, and if not, what are all the reasons? Inference goes through all nodes and past
 * every problem; this file turns what it meets into findings.
 */
#include <stdio.h>

#include "graph/graph.h"

enum { ASSUMED_CHANNELS = 3, ASSUMED_SIZE = 224, LINE = 1024 };

struct ph_survey {
    ph_allocator mem;
    ph_finding *findings;
    size_t n, capacity;
    bool assumed; /* some input's shape was */
};

/* While it is made. */
typedef struct surveyor {
    ph_survey *s;
    const ph_graph *g;
    const ph_plan_desc *desc;
    ph_shape_hint *hints; /* desc's, then assumed ones */
    size_t n_hints;
    bool *seen;   /* [n_values] scratch */
    bool *wanted; /* [n_values] inputs that shapes depend on and whose values are not given */
    size_t n_skipped;
    ph_error *err;
} surveyor;

/* --- Findings --------------------------------------------------------------------------------- */

static enum ph_status add(surveyor *v, enum ph_status status, const char *kind,
                          const phi_node *node, const char *message)
{
    ph_survey *s = v->s;
    if (!phi_grow(&s->mem, (void **)&s->findings, s->n, &s->capacity, sizeof *s->findings))
        return phi_fail_nomem(v->err);
    ph_finding *f = &s->findings[s->n];
    *f = (ph_finding){.status = status,
                      .kind = kind,
                      .node = phi_strdup(&s->mem, node ? node->name : NULL),
                      .op = phi_strdup(&s->mem, node ? node->op_type : NULL),
                      .message = phi_strdup(&s->mem, message)};
    s->n++; /* from here on the survey frees it */
    return f->message && (!node || (f->node && f->op)) ? PH_OK : phi_fail_nomem(v->err);
}

static enum ph_status note(surveyor *v, const char *format, ...) PHI_PRINTF(2, 3);
static enum ph_status note(surveyor *v, const char *format, ...)
{
    char line[LINE];
    va_list list;
    va_start(list, format);
    vsnprintf(line, sizeof line, format, list);
    va_end(list);
    phi_clean(line);
    return add(v, PH_OK, "note", NULL, line);
}

/* --- Open shapes ------------------------------------------------------------------------------ */

static bool has_shape(const surveyor *v, const phi_value *input)
{
    const bool only = ph_graph_n_inputs(v->g) == 1;
    for (size_t i = 0; i < v->desc->n_hints; i++) {
        const char *name = v->desc->hints[i].name;
        if (name ? strcmp(name, input->name) == 0 : only) return true;
    }
    for (size_t i = 0; i < v->desc->n_values; i++) {
        const char *name = v->desc->values[i].name;
        if (name ? strcmp(name, input->name) == 0 : only) return true;
    }
    return false;
}

/* [n,c,h,w], unless the last dimension says that it is the channels. */
static int64_t assumed_dim(const phi_value *input, int d)
{
    const int64_t last = input->dims[input->rank - 1];
    const bool channels_last = input->rank >= 3 && last > 0 && last <= 4;
    if (d == 0 || input->rank < 3) return 1;
    return d == 1 && !channels_last ? ASSUMED_CHANNELS : ASSUMED_SIZE;
}

/* An input whose shape is open beyond the batch gets one that images often have. */
static enum ph_status assume(surveyor *v, const phi_value *input)
{
    ph_shape_hint h = {.name = input->name, .rank = (size_t)input->rank};
    char shape[PHI_TYPE_TEXT];
    bool open = false;
    for (int d = 0; d < input->rank; d++) {
        h.dims[d] = input->dims[d] < 0 ? assumed_dim(input, d) : input->dims[d];
        open |= d > 0 && input->dims[d] < 0;
    }
    if (!open) return PH_OK;
    v->hints[v->n_hints++] = h;
    v->s->assumed = true;
    return note(v, "input '%s' leaves its shape open: looked at as %s (--shape says another)",
                input->name, phi_dims_text(input->rank, h.dims, shape, sizeof shape));
}

static enum ph_status assume_shapes(surveyor *v)
{
    enum ph_status st = PH_OK;
    if (v->desc->n_hints) memcpy(v->hints, v->desc->hints, v->desc->n_hints * sizeof *v->hints);
    v->n_hints = v->desc->n_hints;
    for (size_t i = 0; i < v->g->n_inputs && !st; i++) {
        const phi_value *input = &v->g->values[v->g->inputs[i]];
        if (!input->constant && input->rank > 0 && !has_shape(v, input)) st = assume(v, input);
    }
    return st;
}

/* --- Problems --------------------------------------------------------------------------------- */

/* Could `value` be computed from inputs of the graph before running? Marks them as wanted. */
static bool comes_from_inputs(surveyor *v, ph_value value)
{
    const ph_graph *g = v->g;
    phi_graph_trace(g, value, v->seen);
    for (size_t i = 0; i < g->n_nodes; i++) {
        const phi_node *n = &g->nodes[i];
        bool made = false;
        for (size_t k = 0; k < n->n_out; k++)
            made |= n->out[k] != PH_NONE && v->seen[n->out[k]];
        if (made && (!n->op || n->op->layout == PHI_LAYOUT_IMAGE)) return false;
    }
    for (size_t i = 0; i < g->n_inputs; i++) {
        const ph_value input = g->inputs[i];
        if (v->seen[input] && !g->values[input].constant) v->wanted[input] = true;
    }
    return true;
}

static enum ph_status on_problem(void *user, const phi_problem *p)
{
    surveyor *v = user;
    if (p->unknown != PH_NONE && comes_from_inputs(v, p->unknown)) return PH_OK;
    return add(v, p->status, p->kind, p->node < 0 ? NULL : &v->g->nodes[p->node], p->err->message);
}

static enum ph_status on_skipped(void *user, size_t node)
{
    (void)node;
    ((surveyor *)user)->n_skipped++;
    return PH_OK;
}

static enum ph_status note_wanted(surveyor *v)
{
    enum ph_status st = PH_OK;
    for (size_t i = 0; i < v->g->n_inputs && !st; i++)
        if (v->wanted[v->g->inputs[i]])
            st = note(v,
                      "shapes depend on the value of input '%s', which must be known when a plan "
                      "is made ('pinhole run' sees to it)",
                      v->g->values[v->g->inputs[i]].name);
    if (!st && v->n_skipped)
        st = note(v,
                  "%zu of %zu nodes could not be looked at, because the shapes of their inputs "
                  "are not known",
                  v->n_skipped, v->g->n_nodes);
    return st;
}

/* --- The whole -------------------------------------------------------------------------------- */

static enum ph_status survey(surveyor *v)
{
    ph_error found = {.status = PH_OK};
    phi_facts *facts = NULL;
    enum ph_status st = phi_graph_check_structure(v->g, &found);
    if (st) return add(v, st, "structure", NULL, found.message);
    st = assume_shapes(v);
    if (st) return st;
    const phi_infer_desc desc = {.n_hints = v->n_hints,
                                 .hints = v->hints,
                                 .n_values = v->desc->n_values,
                                 .values = v->desc->values,
                                 .problem = on_problem,
                                 .skipped = on_skipped,
                                 .user = v};
    st = phi_infer_graph_with(v->g, &desc, &facts, &found);
    if (!st)
        phi_facts_free(facts);
    else if (st == PH_ERR_NOMEM || st == PH_ERR_INTERNAL)
        return phi_fail(v->err, st, found.where, "%s", found.message);
    else
        st = add(v, st, "input", NULL, found.message); /* a name in desc that is none */
    return st ? st : note_wanted(v);
}

enum ph_status ph_survey_new(const ph_graph *g, const ph_plan_desc *desc, ph_survey **out,
                             ph_error *err)
{
    static const ph_plan_desc nothing;
    if (!desc) desc = &nothing;
    ph_survey *s = phi_calloc(&g->mem, 1, sizeof *s);
    if (!s) return phi_fail_nomem(err);
    s->mem = g->mem;
    surveyor v = {.s = s,
                  .g = g,
                  .desc = desc,
                  .err = err,
                  .hints = phi_calloc(&g->mem, desc->n_hints + g->n_inputs, sizeof *v.hints),
                  .seen = phi_calloc(&g->mem, g->n_values, sizeof *v.seen),
                  .wanted = phi_calloc(&g->mem, g->n_values, sizeof *v.wanted)};
    const bool ready = v.hints && v.seen && v.wanted;
    enum ph_status st = ready ? survey(&v) : phi_fail_nomem(err);
    phi_free(&g->mem, v.hints);
    phi_free(&g->mem, v.seen);
    phi_free(&g->mem, v.wanted);
    if (st)
        ph_survey_free(s);
    else
        *out = s;
    return st;
}

void ph_survey_free(ph_survey *s)
{
    if (!s) return;
    const ph_allocator mem = s->mem;
    for (size_t i = 0; i < s->n; i++) {
        phi_free(&mem, (void *)s->findings[i].node);
        phi_free(&mem, (void *)s->findings[i].op);
        phi_free(&mem, (void *)s->findings[i].message);
    }
    phi_free(&mem, s->findings);
    phi_free(&mem, s);
}

size_t ph_survey_n_findings(const ph_survey *s)
{
    return s->n;
}
const ph_finding *ph_survey_finding(const ph_survey *s, size_t i)
{
    return &s->findings[i];
}

enum ph_status ph_survey_status(const ph_survey *s)
{
    enum ph_status result = PH_OK;
    for (size_t i = 0; i < s->n; i++) {
        const ph_finding *f = &s->findings[i];
        if (f->status == PH_OK) continue;
        const bool by_shape = s->assumed && f->status == PH_ERR_SHAPE;
        if (f->status != PH_ERR_UNSUPPORTED && !by_shape) return f->status;
        if (!result || f->status == PH_ERR_UNSUPPORTED) result = f->status;
    }
    return result;
}
