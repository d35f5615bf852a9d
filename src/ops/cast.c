/* SPDX-License-Identifier: MIT */
/*
 * Cast: the same numbers as another type. Floats are rounded to the nearest, towards even; floats
 * as integers are cut off (what the new type cannot hold is not defined: the nearest int64 loses
 * its upper bits here); integers as smaller ones lose their upper bits; bool is "not zero".
 */
#include <stdio.h>

#include "graph/graph.h"
#include "ops/cast.h"
#include "ops/elements.h"
#include "ops/move.h"

static const phi_attr_rule attrs[] = {
    {.name = "to", .kind = PH_ATTR_STRING, .first = 1, .last = 5, .required = true},
    {.name = "to", .kind = PH_ATTR_INT, .first = 6, .required = true},
    {.name = "saturate", .kind = PH_ATTR_INT, .first = 19},      /* float8 only */
    {.name = "round_mode", .kind = PH_ATTR_STRING, .first = 24}, /* float8e8m0 only */
    {.name = NULL},
};

enum ph_status phi_cast_infer(phi_infer *c, enum ph_dtype to)
{
    enum ph_status st = phi_need_input(c);
    if (st) return st;
    if (!phi_types_have(PHI_TYPES_ALL, c->in[0]->dtype) || !phi_types_have(PHI_TYPES_ALL, to))
        return phi_op_fail(c, PH_ERR_UNSUPPORTED, "%s to %s (ONNX type %d) is not supported",
                           ph_dtype_name(c->in[0]->dtype), ph_dtype_name(to), (int)to);
    c->out[0] = *c->in[0];
    c->out[0].dtype = to;
    return PH_OK;
}

/* Before opset 6 the type is a word: FLOAT, INT64, ... */
static enum ph_status read_word(const phi_infer *c, int64_t *to)
{
    static const char *const words[] = {
        [PH_FLOAT32] = "FLOAT",   [PH_UINT8] = "UINT8",    [PH_INT8] = "INT8",
        [PH_UINT16] = "UINT16",   [PH_INT16] = "INT16",    [PH_INT32] = "INT32",
        [PH_INT64] = "INT64",     [PH_STRING] = "STRING",  [PH_BOOL] = "BOOL",
        [PH_FLOAT16] = "FLOAT16", [PH_FLOAT64] = "DOUBLE", [PH_UINT32] = "UINT32",
        [PH_UINT64] = "UINT64",
    };
    const char *word = phi_attr_string(c->node, "to", "");
    for (size_t i = 1; i < PHI_COUNT(words); i++) {
        *to = (int64_t)i;
        if (strcmp(words[i], word) == 0) return PH_OK;
    }
    return phi_op_fail(c, PH_ERR_ARG, "to is '%s', which is no type", word);
}

static enum ph_status infer(phi_infer *c)
{
    int64_t to = phi_attr_int(c->node, "to", 0);
    enum ph_status st = c->opset < 6 ? read_word(c, &to) : PH_OK;
    if (st) return st;
    if (to <= PH_UNDEFINED || to > 127)
        return phi_op_fail(c, PH_ERR_ARG, "to is %lld, which is no type", (long long)to);
    return phi_cast_infer(c, (enum ph_dtype)to);
}

typedef struct cast {
    enum ph_dtype from, to;
    enum phi_wide wide;
} cast;

/* ptrs {y, x} */
static void cast_run(void *arg, int64_t n, void *const *p, const int64_t *s)
{
    const cast *k = arg;
    const int64_t from = s[1] * (int64_t)ph_dtype_size(k->from);
    const int64_t to = s[0] * (int64_t)ph_dtype_size(k->to);
    phi_room wide, room;
    for (int64_t i = 0; i < n; i += PHI_RUN) {
        const int64_t now = n - i < PHI_RUN ? n - i : PHI_RUN;
        const size_t size = k->wide == PHI_F32 ? sizeof(float) : sizeof(double);
        int64_t step;
        const char *x =
            phi_widen(k->from, k->wide, now, (const char *)p[1] + i * from, s[1], &wide, &step);
        for (int64_t j = 0; j < now && x != (const char *)&wide; j++)
            memcpy((char *)&room + j * (int64_t)size, x + j * step * (int64_t)size, size);
        phi_narrow(k->to, k->wide, now, x != (const char *)&wide ? &room : &wide,
                   (char *)p[0] + i * to, s[0]);
    }
}

enum ph_status phi_cast_forward(const phi_exec *e, ph_error *err)
{
    cast k = {.from = e->in[0].type.dtype, .to = e->out[0].type.dtype};
    (void)err;
    k.wide = phi_wide_of(k.from);
    if (k.from == k.to)
        phi_copy(e->pool, &e->out[0], &e->in[0]);
    else
        phi_loop(e->pool, 2, (const phi_view *const[]){&e->out[0], &e->in[0]}, cast_run, &k);
    return PH_OK;
}

const phi_op phi_op_cast = {
    .name = "Cast",
    .passes = PHI_PASSES_ELEMENTS,
    .since = 1,
    .attrs = attrs,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .keeps_channels = true,
    .layout = PHI_LAYOUT_ANY,
    .infer = infer,
    .forward = phi_cast_forward,
    .as_identity = phi_same_type,
};
