/* SPDX-License-Identifier: MIT */
/*
 * Mod: what is left of a divided by b, with the sign of b (integers), or with that of a as C's fmod
 * (attribute fmod; floats have no other).
 */
#include <math.h>

#include "ops/binary.h"

typedef struct params {
    phi_binary_params shape;
    bool fmod;
} params;

static const phi_attr_rule attrs[] = {
    {.name = "fmod", .kind = PH_ATTR_INT, .first = 10},
    {.name = NULL},
};

/* u % v, which C leaves open for the smallest number and -1 */
static int64_t rest(int64_t u, int64_t v)
{
    return v == -1 ? 0 : u % v;
}

static int64_t modulo(int64_t u, int64_t v)
{
    const int64_t r = rest(u, v);
    return r != 0 && (r < 0) != (v < 0) ? r + v : r;
}

PHI_BINARY_LOOP(f32, float, float, fmodf(u, v))
PHI_BINARY_LOOP(f64, double, double, fmod(u, v))
PHI_BINARY_NOT_ZERO(u64, uint64_t, u % v)
PHI_BINARY_NOT_ZERO(i64, int64_t, modulo(u, v))
PHI_BINARY_NOT_ZERO(i64_fmod, int64_t, rest(u, v))

static const phi_binary family = {.types = PHI_TYPES_NUMBER, .kernels = {PHI_KERNELS_ALL}};
static const phi_kernels like_c = {.f32 = f32, .f64 = f64, .i64 = i64_fmod, .u64 = u64};

static enum ph_status infer(phi_infer *c)
{
    params *p = c->params;
    enum ph_status st = phi_binary_infer(c);
    p->fmod = phi_attr_int(c->node, "fmod", 0) != 0;
    if (!st && !p->fmod && phi_types_have(PHI_TYPES_FLOAT, c->in[0]->dtype))
        return phi_op_fail(c, PH_ERR_ARG, "%s wants the attribute fmod to be 1",
                           ph_dtype_name(c->in[0]->dtype));
    return st;
}

static enum ph_status forward(const phi_exec *e, ph_error *err)
{
    const params *p = e->params;
    return phi_binary_run(e, &p->shape, phi_wide_of(e->in[0].type.dtype),
                          p->fmod ? &like_c : &family.kernels, err);
}

const phi_op phi_op_mod = {
    .name = "Mod",
    .since = 10,
    .attrs = attrs,
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_ANY,
    .params_bytes = sizeof(params),
    .family = &family,
    .infer = infer,
    .forward = forward,
};
