/* SPDX-License-Identifier: MIT */
/*
 * A hash index from names to positions in an array: open addressing, linear probing.
 */
#ifndef PHI_NAMES_H
#define PHI_NAMES_H

#include "base/base.h"

typedef struct phi_names {
    uint32_t *slot; /* position + 1, or 0 */
    size_t n_slots, n_used;
    uint64_t key[2]; /* of the hash */
} phi_names;

/* The position of `name`, or SIZE_MAX. `at(owner, i)` gives the name at position i. */
typedef const char *phi_name_at(const void *owner, size_t i);
size_t phi_names_find(const phi_names *names, phi_name_at *at, const void *owner, const char *name);

/* Add position `i`, whose name must not be there yet. false: out of memory, nothing changed. */
bool phi_names_add(const ph_allocator *mem, phi_names *names, phi_name_at *at, const void *owner,
                   size_t i);

void phi_names_free(const ph_allocator *mem, phi_names *names);

#endif /* PHI_NAMES_H */
