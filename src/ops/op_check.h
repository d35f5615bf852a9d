/* SPDX-License-Identifier: MIT */
/*
 * Checks that shape rules have in common.
 */
#ifndef PHI_OP_CHECK_H
#define PHI_OP_CHECK_H

#include "graph/op.h"

/* Input i is there (PH_ERR_ARG) and of this type (PH_ERR_UNSUPPORTED, naming both types). A 16-bit
 * float will do for float32 if the operator widens. */
enum ph_status phi_need_dtype(const phi_infer *c, size_t i, enum ph_dtype dtype);

/* Input i is a float32 vector of `count` elements. `what` is its name in messages: "scale". */
enum ph_status phi_need_vector(const phi_infer *c, size_t i, const char *what, int64_t count);

/* Does anybody read output i of the node? */
bool phi_output_wanted(const struct phi_node *node, size_t i);

/* How many rows of `cost` operations each make a task worth handing out. */
int64_t phi_rows_a_task(int64_t cost);

#endif /* PHI_OP_CHECK_H */
