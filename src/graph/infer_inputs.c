/* SPDX-License-Identifier: MIT */
/*
 * Where inference starts: shapes and values of a graph's inputs, from what the graph declares and
 * what the caller knows.
 */
#include "graph/graph.h"
#include "graph/infer.h"

/* --- What the caller says --------------------------------------------------------------------- */

/* Is `name` (NULL: the only input) what the caller calls value v? */
static bool is_called(const ph_graph *g, const phi_value *v, const char *name)
{
    return name ? strcmp(name, v->name) == 0 : ph_graph_n_inputs(g) == 1;
}

static const ph_tensor *value_for(const ph_graph *g, const phi_value *v, const phi_infer_desc *d)
{
    for (size_t i = 0; i < d->n_values; i++)
        if (is_called(g, v, d->values[i].name)) return d->values[i].value;
    return NULL;
}

/* The shape given for an input, or that of its known value. */
static bool shape_for(const ph_graph *g, const phi_value *v, const phi_infer_desc *d,
                      ph_shape_hint *h)
{
    const ph_tensor *t = value_for(g, v, d);
    if (t) {
        *h = (ph_shape_hint){.name = v->name, .rank = (size_t)t->type.rank};
        memcpy(h->dims, t->type.dims, sizeof h->dims);
        return true;
    }
    for (size_t i = 0; i < d->n_hints; i++)
        if (is_called(g, v, d->hints[i].name)) {
            *h = d->hints[i];
            return true;
        }
    return false;
}

/* `what` ("a shape", "a value") is about an input. */
static enum ph_status check_name(const ph_graph *g, const char *what, const char *name,
                                 ph_error *err)
{
    if (!name && ph_graph_n_inputs(g) != 1)
        return phi_fail(err, PH_ERR_ARG, NULL,
                        "%s without a name needs a graph with one input; "
                        "'%s' has %zu",
                        what, g->name, ph_graph_n_inputs(g));
    if (!name) return PH_OK;
    const ph_value v = ph_graph_find(g, name);
    if (v != PH_NONE && g->values[v].is_input && !phi_value_is_constant(&g->values[v]))
        return PH_OK;
    return phi_fail(err, PH_ERR_NOT_FOUND, name,
                    "%s is given for '%s', which is no input of graph "
                    "'%s'",
                    what, name, g->name);
}

enum ph_status phi_infer_check_desc(const ph_graph *g, const phi_infer_desc *d, ph_error *err)
{
    enum ph_status st = PH_OK;
    for (size_t i = 0; i < d->n_hints && !st; i++) {
        const char *name = d->hints[i].name;
        if (d->hints[i].rank > PH_MAX_RANK)
            return phi_fail(err, PH_ERR_ARG, name,
                            "shape for '%s': %zu dimensions; at most %d are "
                            "possible",
                            name ? name : "", d->hints[i].rank, PH_MAX_RANK);
        st = check_name(g, "a shape", name, err);
    }
    for (size_t i = 0; i < d->n_values && !st; i++)
        st = check_name(g, "a value", d->values[i].name, err);
    return st;
}

/* --- Shapes ----------------------------------------------------------------------------------- */

static enum ph_status check_given(const phi_value *v, const ph_shape_hint *h, ph_error *err)
{
    char want[PHI_TYPE_TEXT], got[PHI_TYPE_TEXT];
    const int rank = (int)h->rank;
    bool fits = v->rank < 0 || v->rank == rank;
    for (int d = 1; d < rank && fits && v->rank >= 0; d++)
        fits = v->dims[d] < 0 || v->dims[d] == h->dims[d];
    if (fits) return PH_OK;
    return phi_fail(err, PH_ERR_SHAPE, v->name,
                    "input '%s': the shape %s does not fit; it is "
                    "declared as %s (-1 is open)",
                    v->name, phi_dims_text(rank, h->dims, got, sizeof got),
                    phi_dims_text(v->rank, v->dims, want, sizeof want));
}

/* What the dimension called `symbol` is in a shape given for another input, or -1. */
static int64_t dim_of_symbol(const ph_graph *g, const char *symbol, const phi_infer_desc *d)
{
    ph_shape_hint h;
    for (size_t i = 0; symbol && i < g->n_inputs; i++) {
        const phi_value *v = &g->values[g->inputs[i]];
        if (v->constant || v->rank < 0 || !shape_for(g, v, d, &h) || (int)h.rank != v->rank)
            continue;
        for (int k = 0; k < v->rank; k++)
            if (v->dims[k] < 0 && v->dim_names[k] && strcmp(v->dim_names[k], symbol) == 0)
                return h.dims[k];
    }
    return -1;
}

/* An open dimension d: as it is elsewhere, or 1 if it is the first. */
static enum ph_status fill_open(const ph_graph *g, const phi_value *v, const phi_infer_desc *desc,
                                int d, int64_t *dim, ph_error *err)
{
    const char *symbol = v->dim_names[d];
    *dim = dim_of_symbol(g, symbol, desc);
    if (*dim < 0 && d == 0) *dim = 1;
    if (*dim >= 0) return PH_OK;
    return phi_fail(err, PH_ERR_SHAPE, v->name,
                    "input '%s' leaves dimension %d%s%s%s open; a shape "
                    "must be given (--shape)",
                    v->name, d, symbol ? " (" : "", symbol ? symbol : "", symbol ? ")" : "");
}

enum ph_status phi_infer_input(const ph_graph *g, const phi_value *v, const phi_infer_desc *desc,
                               phi_type *t, const ph_tensor **value, ph_error *err)
{
    ph_shape_hint h;
    *t = (phi_type){.dtype = v->dtype, .rank = v->rank};
    *value = value_for(g, v, desc);
    if (v->dtype > PH_BFLOAT16)
        return phi_fail(err, PH_ERR_UNSUPPORTED, v->name,
                        "input '%s' is of ONNX type %d, which is not supported", v->name,
                        (int)v->dtype);
    if (ph_dtype_size(v->dtype) == 0)
        return phi_fail(err, PH_ERR_UNSUPPORTED, v->name,
                        "input '%s' is %s%s, which cannot be used", v->name,
                        v->dtype == PH_UNDEFINED ? "" : "of type ",
                        v->dtype == PH_UNDEFINED ? "no tensor" : ph_dtype_name(v->dtype));
    if (*value && (*value)->type.dtype != v->dtype)
        return phi_fail(err, PH_ERR_TYPE, v->name, "input '%s' is %s, its value is %s", v->name,
                        ph_dtype_name(v->dtype), ph_dtype_name((*value)->type.dtype));
    if (shape_for(g, v, desc, &h)) {
        t->rank = (int)h.rank;
        memcpy(t->dims, h.dims, sizeof t->dims);
        enum ph_status st = check_given(v, &h, err);
        return st ? st : phi_type_check(t, v->name, err);
    }
    if (v->rank < 0)
        return phi_fail(err, PH_ERR_SHAPE, v->name,
                        "input '%s' has no declared shape; one must be "
                        "given (--shape)",
                        v->name);
    for (int d = 0; d < v->rank; d++) {
        t->dims[d] = v->dims[d];
        enum ph_status st = v->dims[d] < 0 ? fill_open(g, v, desc, d, &t->dims[d], err) : PH_OK;
        if (st) return st;
    }
    return phi_type_check(t, v->name, err);
}

/* --- For good ----------------------------------------------------------------------------------- */

/* Dimensions called `symbol` are `size` from now on. */
static void set_symbol(ph_graph *g, const char *symbol, int64_t size)
{
    for (size_t i = 0; i < g->n_values; i++) {
        phi_value *v = &g->values[i];
        for (int d = 0; d < v->rank; d++)
            if (v->dims[d] < 0 && v->dim_names[d] && strcmp(v->dim_names[d], symbol) == 0)
                v->dims[d] = size;
    }
}

enum ph_status ph_graph_set_shape(ph_graph *g, const ph_shape_hint *shape, ph_error *err)
{
    const phi_infer_desc desc = {.n_hints = 1, .hints = shape};
    enum ph_status st = phi_infer_check_desc(g, &desc, err);
    if (st) return st;
    const ph_value input = shape->name ? ph_graph_find(g, shape->name) : ph_graph_input(g, 0);
    phi_type type;
    const ph_tensor *none;
    st = phi_infer_input(g, &g->values[input], &desc, &type, &none, err);
    if (st) return st;
    phi_value *v = &g->values[input];
    for (int d = 0; d < v->rank; d++)
        if (v->dims[d] < 0 && v->dim_names[d]) set_symbol(g, v->dim_names[d], type.dims[d]);
    v->rank = type.rank;
    memcpy(v->dims, type.dims, sizeof v->dims);
    return PH_OK;
}
