/* SPDX-License-Identifier: MIT */
#include "graph/loop.h"
#include "ops/move.h"

enum ph_status phi_need_input(const phi_infer *c)
{
    if (c->n_in > 0 && c->in[0]) return PH_OK;
    return phi_op_fail(c, PH_ERR_ARG, "input 0 is left out");
}

bool phi_same_type(const phi_infer *c)
{
    return c->in[0] && phi_type_equal(c->in[0], &c->out[0]);
}

bool phi_single_input(const phi_infer *c)
{
    return c->n_in == 1;
}

enum ph_status phi_move_forward(const phi_exec *e, ph_error *err)
{
    (void)err;
    phi_copy_bytes(e->pool, e->out[0].data, e->in[0].data, phi_type_bytes(&e->out[0].type));
    return PH_OK;
}

enum ph_status phi_move_backward(const phi_exec *e, ph_error *err)
{
    (void)err;
    phi_copy_bytes(e->pool, e->din[0].data, e->dout[0].data, phi_type_bytes(&e->dout[0].type));
    return PH_OK;
}

phi_view phi_part(const phi_view *whole, const phi_type *part, int axis, int64_t start)
{
    phi_view v = *whole;
    const int64_t size = (int64_t)ph_dtype_size(part->dtype);
    v.type = *part;
    if (v.data && phi_type_count(part) > 0)
        v.data = (char *)whole->data + start * whole->strides[axis] * size;
    return v;
}
