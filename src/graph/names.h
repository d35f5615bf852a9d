/* SPDX-License-Identifier: MIT */
/* A hash index from names to positions in an array: open addressing, linear probing. */
#ifndef PHI_NAMES_H
#define PHI_NAMES_H

#include "graph/graph.h"

/* The position of `name`, or SIZE_MAX. `at(owner, i)` gives the name at position i. */
typedef const char *phi_name_at(const void *owner, size_t i);
size_t phi_names_find(const struct phi_names *names, phi_name_at *at, const void *owner,
                      const char *name);

/* Add position `i`, whose name must not be there yet. false: out of memory, nothing changed. */
bool phi_names_add(const ph_allocator *mem, struct phi_names *names, phi_name_at *at,
                   const void *owner, size_t i);

void phi_names_free(const ph_allocator *mem, struct phi_names *names);

#endif /* PHI_NAMES_H */
