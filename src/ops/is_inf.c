/* SPDX-License-Identifier: MIT */
/* IsInf: is x infinite, of a sign that is asked for? */
#include <math.h>

#include "ops/formula.h"

typedef struct params {
    bool negative, positive;
} params;

static const phi_attr_rule attrs[] = {
    {.name = "detect_negative", .kind = PH_ATTR_INT, .first = 10},
    {.name = "detect_positive", .kind = PH_ATTR_INT, .first = 10},
    {.name = NULL},
};

#define KERNELS(name, expr)                                                                        \
    PHI_UNARY_LOOP(name##_f32, float, uint8_t, expr)                                               \
    PHI_UNARY_LOOP(name##_f64, double, uint8_t, expr)                                              \
    static const phi_kernels name = {.f32 = name##_f32, .f64 = name##_f64, .truth = true};
KERNELS(none, ((void)u, 0))
KERNELS(above, isinf(u) && u > 0)
KERNELS(below, isinf(u) && u < 0)
KERNELS(either, isinf(u) != 0)

static const phi_formula family = {.types = PHI_TYPES_FLOAT, .kernels = {.truth = true}};

static enum ph_status infer(phi_infer *c)
{
    params *p = c->params;
    p->negative = phi_attr_int(c->node, "detect_negative", 1) != 0;
    p->positive = phi_attr_int(c->node, "detect_positive", 1) != 0;
    return phi_formula_infer(c);
}

static enum ph_status forward(const phi_exec *e, ph_error *err)
{
    const params *p = e->params;
    const phi_view *x = &e->in[0];
    const phi_kernels *k = p->negative   ? p->positive ? &either : &below
                           : p->positive ? &above
                                         : &none;
    (void)err;
    phi_apply(e->pool, &e->out[0], 1, &x, phi_wide_of(x->type.dtype), k);
    return PH_OK;
}

const phi_op phi_op_is_inf = {
    .name = "IsInf",
    .since = 10,
    .attrs = attrs,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .keeps_channels = true,
    .layout = PHI_LAYOUT_ANY,
    .params_bytes = sizeof(params),
    .family = &family,
    .infer = infer,
    .forward = forward,
};
