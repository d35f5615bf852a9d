/* SPDX-License-Identifier: MIT */
#include "graph/op.h"

#define PHI_OP(symbol) extern const phi_op symbol;
#include "ops/op_list.def"
#undef PHI_OP

static const phi_op *const ops[] = {
#define PHI_OP(symbol) &symbol,
#include "ops/op_list.def"
#undef PHI_OP
};

const phi_op *phi_op_at(size_t i) { return i < PHI_COUNT(ops) ? ops[i] : NULL; }

const phi_op *phi_op_find(const char *name)
{
    for (size_t i = 0; i < PHI_COUNT(ops); i++)
        if (strcmp(ops[i]->name, name) == 0) return ops[i];
    return NULL;
}

const char *ph_op_name(size_t i, int *since, int *until)
{
    const phi_op *op = phi_op_at(i);
    if (!op) return NULL;
    if (since) *since = op->since;
    if (until) *until = op->until;
    return op->name;
}
