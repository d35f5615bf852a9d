/* SPDX-License-Identifier: MIT */
/*
 * Reshape: the same elements under another shape. In the wanted shape 0 takes over the input's
 * dimension (unless allowzero says it means zero), one -1 is what is left over.
 */
#include <inttypes.h>

#include "ops/axes.h"
#include "ops/move.h"

static const phi_attr_rule attrs[] = {
    {.name = "consumed_inputs", .kind = PH_ATTR_INTS, .first = 1, .last = 4},
    {.name = "shape", .kind = PH_ATTR_INTS, .first = 1, .last = 4},
    {.name = "allowzero", .kind = PH_ATTR_INT, .first = 14},
    {.name = NULL},
};

/* "[2,0,-1]" */
static const char *wanted_text(const phi_ints *wanted, char *buf, size_t n)
{
    return phi_dims_text((int)wanted->n, wanted->at, buf, n);
}

/* Zeros replaced; *open is the dimension that says -1, or -1. */
static enum ph_status read_dims(const phi_infer *c, const phi_ints *wanted, bool allow_zero,
                                phi_type *out, int *open)
{
    char text[PHI_TYPE_TEXT];
    const phi_type *in = c->in[0];
    *open = -1;
    for (int i = 0; i < out->rank; i++) {
        int64_t d = wanted->at[i];
        if (d < -1)
            return phi_op_fail(c, PH_ERR_ARG, "shape %s has the dimension %" PRId64,
                               wanted_text(wanted, text, sizeof text), d);
        if (d == -1 && *open >= 0)
            return phi_op_fail(c, PH_ERR_ARG, "shape %s leaves more than one dimension open",
                               wanted_text(wanted, text, sizeof text));
        if (d == -1) *open = i;
        if (d == 0 && !allow_zero) {
            if (i >= in->rank)
                return phi_op_fail(c, PH_ERR_SHAPE,
                                   "shape %s takes over dimension %d of an input that has %d",
                                   wanted_text(wanted, text, sizeof text), i, in->rank);
            d = in->dims[i];
        }
        out->dims[i] = d;
    }
    return PH_OK;
}

/* Elements of `out`, the open dimension left out. */
static bool known_count(const phi_type *out, int open, int64_t *count)
{
    bool zero = false;
    *count = 1;
    for (int i = 0; i < out->rank; i++)
        zero = zero || (i != open && out->dims[i] == 0);
    if (zero) *count = 0;
    for (int i = 0; i < out->rank && !zero; i++)
        if (i != open && !phi_mul_i64(*count, out->dims[i], count)) return false;
    return true;
}

static enum ph_status check_wanted(const phi_infer *c, const phi_ints *wanted)
{
    if (!wanted->given) return phi_op_fail(c, PH_ERR_ARG, "the shape is missing");
    if (wanted->n <= PH_MAX_RANK) return PH_OK;
    return phi_op_fail(c, PH_ERR_UNSUPPORTED, "shape has %zu dimensions, at most %d are possible",
                       wanted->n, PH_MAX_RANK);
}

static enum ph_status infer(phi_infer *c)
{
    char from[PHI_TYPE_TEXT], text[PHI_TYPE_TEXT];
    phi_ints wanted;
    enum ph_status st = phi_need_input(c);
    if (st) return st;
    st = phi_ints_read(c, "shape", 1, 5, &wanted);
    if (st) return st;
    st = check_wanted(c, &wanted);
    if (st) return st;
    const phi_type *in = c->in[0];
    int64_t have = phi_type_count(in), known;
    int open;
    phi_type out = {.dtype = in->dtype, .rank = (int)wanted.n};
    st = read_dims(c, &wanted, phi_attr_int(c->node, "allowzero", 0) != 0, &out, &open);
    if (st) return st;
    bool fits = known_count(&out, open, &known);
    if (fits && open >= 0) {
        fits = known != 0 && have % known == 0;
        out.dims[open] = fits ? have / known : 0;
    } else {
        fits = fits && known == have;
    }
    if (!fits)
        return phi_op_fail(
            c, PH_ERR_SHAPE, "%s has %" PRId64 " elements, shape %s cannot hold them",
            phi_type_text(in, from, sizeof from), have, wanted_text(&wanted, text, sizeof text));
    c->out[0] = out;
    return PH_OK;
}

const phi_op phi_op_reshape = {
    .name = "Reshape",
    .since = 1,
    .attrs = attrs,
    .min_in = 1,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_PLAIN,
    .infer = infer,
    .forward = phi_move_forward,
    .backward = phi_move_backward,
    .as_identity = phi_same_type,
};
