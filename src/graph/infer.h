/* SPDX-License-Identifier: MIT */
/* What the files of inference share. */
#ifndef PHI_INFER_H
#define PHI_INFER_H

#include "graph/graph.h"

/* Names and ranks of hints and values. */
enum ph_status phi_infer_check_desc(const ph_graph *g, const phi_infer_desc *d, ph_error *err);

/* The type of input v (an open first dimension is 1 unless `desc` says more); *value is what it
 * holds if that is known, or NULL. */
enum ph_status phi_infer_input(const ph_graph *g, const phi_value *v, const phi_infer_desc *desc,
                               phi_type *t, const ph_tensor **value, ph_error *err);

/* The type that the file declares for a value, open dimensions filled in from the inputs; rank -1 if
 * that leaves anything open, or cannot hold as inputs have other shapes than the file declares. */
void phi_declared_type(const phi_facts *f, ph_value value, phi_type *t);

/*
 * Compute the results of a node, all of whose operands that count are constants; they are facts
 * from then on. `phi_can_fold` says whether that is possible and wanted.
 */
bool phi_can_fold(const phi_facts *f, const phi_infer *c, bool everything);
enum ph_status phi_fold_node(phi_facts *f, const phi_infer *c);

#endif /* PHI_INFER_H */
