/* SPDX-License-Identifier: MIT */
/*
 * What a file declares about values (value_info), for where inference cannot say more.
 */
#include "graph/infer.h"

/* A hostile file has thousands of inputs; the batch is in the first ones. */
enum { LOOKED_AT = 64 };

/* Do declared shapes hold? Not if an input was given another shape than the file declares. */
static bool declarations_hold(const phi_facts *f)
{
    const ph_graph *g = f->graph;
    for (size_t i = 0; i < g->n_inputs && i < LOOKED_AT; i++) {
        const phi_value *v = &g->values[g->inputs[i]];
        const phi_type *t = &f->value[g->inputs[i]].type;
        for (int d = 0; d < v->rank && d < t->rank && !v->constant; d++)
            if (v->dims[d] >= 0 && v->dims[d] != t->dims[d]) return false;
    }
    return true;
}

/* The size of an open dimension: of the one that has its name in an input, or, for a first one
 * without a name, of the first one that an input leaves open, which is the batch. -1: not known. */
static int64_t size_of_open(const phi_facts *f, const char *symbol, int dimension)
{
    const ph_graph *g = f->graph;
    for (size_t i = 0; i < g->n_inputs && i < LOOKED_AT; i++) {
        const phi_value *v = &g->values[g->inputs[i]];
        const phi_type *t = &f->value[g->inputs[i]].type;
        for (int d = 0; d < v->rank && d < t->rank && !v->constant; d++) {
            if (v->dims[d] >= 0) continue;
            const char *name = v->dim_names[d];
            if (symbol && name ? strcmp(name, symbol) == 0 : d == 0 && dimension == 0)
                return t->dims[d];
        }
    }
    return -1;
}

void phi_declared_type(const phi_facts *f, ph_value value, phi_type *t)
{
    const phi_value *v = &f->graph->values[value];
    *t = (phi_type){ .dtype = v->dtype, .rank = v->rank };
    if (ph_dtype_size(v->dtype) == 0 || !declarations_hold(f)) t->rank = -1;
    for (int d = 0; d < t->rank; d++) {
        t->dims[d] = v->dims[d] >= 0 ? v->dims[d] : size_of_open(f, v->dim_names[d], d);
        if (t->dims[d] < 0) t->rank = -1;
    }
    if (t->rank >= 0 && phi_type_check(t, v->name, NULL)) t->rank = -1;
}
