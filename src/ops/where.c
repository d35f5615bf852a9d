/* SPDX-License-Identifier: MIT */
/* Where: x where the condition holds, y elsewhere; all three broadcast together. */
#include "graph/loop.h"
#include "ops/elements.h"

static enum ph_status infer(phi_infer *c)
{
    char ta[PHI_TYPE_TEXT], tb[PHI_TYPE_TEXT], tc[PHI_TYPE_TEXT];
    phi_type out;
    enum ph_status st = phi_need_types(c, 0, PHI_TYPES_BOOL);
    if (!st) st = phi_need_types(c, 1, PHI_TYPES_ALL);
    if (!st) st = phi_need_types(c, 2, PHI_TYPES_ALL);
    if (st) return st;
    if (c->in[1]->dtype != c->in[2]->dtype)
        return phi_op_fail(c, PH_ERR_TYPE, "inputs 1 and 2 are %s and %s, wanted is one type",
                           ph_dtype_name(c->in[1]->dtype), ph_dtype_name(c->in[2]->dtype));
    if (!phi_broadcast_types(c->in[1], c->in[2], &out) ||
        !phi_broadcast_types(&out, c->in[0], &c->out[0]))
        return phi_op_fail(c, PH_ERR_SHAPE, "%s, %s and %s cannot be broadcast together",
                           phi_type_text(c->in[0], ta, sizeof ta),
                           phi_type_text(c->in[1], tb, sizeof tb),
                           phi_type_text(c->in[2], tc, sizeof tc));
    return PH_OK;
}

/* ptrs {y, condition, x0, x1} */
#define DEFINE_SELECT(name, type)                                                                  \
    static void name(void *arg, int64_t n, void *const *p, const int64_t *s)                       \
    {                                                                                              \
        type *y = p[0];                                                                            \
        const unsigned char *c = p[1];                                                             \
        const type *a = p[2], *b = p[3];                                                           \
        (void)arg;                                                                                 \
        for (int64_t i = 0; i < n; i++)                                                            \
            y[i * s[0]] = c[i * s[1]] ? a[i * s[2]] : b[i * s[3]];                                 \
    }
DEFINE_SELECT(select_1, uint8_t)
DEFINE_SELECT(select_2, uint16_t)
DEFINE_SELECT(select_4, uint32_t)
DEFINE_SELECT(select_8, uint64_t)

static enum ph_status forward(const phi_exec *e, ph_error *err)
{
    phi_view in[3];
    const phi_view *views[4] = {&e->out[0], &in[0], &in[1], &in[2]};
    const size_t size = ph_dtype_size(e->out[0].type.dtype);
    (void)err;
    for (int i = 0; i < 3; i++)
        in[i] = phi_view_broadcast(&e->in[i], &e->out[0].type);
    phi_loop(e->pool, 4, views,
             size == 1   ? select_1
             : size == 2 ? select_2
             : size == 4 ? select_4
                         : select_8,
             NULL);
    return PH_OK;
}

const phi_op phi_op_where = {
    .name = "Where",
    .passes = PHI_PASSES_ELEMENTS,
    .since = 9,
    .min_in = 3,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .layout = PHI_LAYOUT_ANY,
    .infer = infer,
    .forward = forward,
};
