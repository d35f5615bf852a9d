/* SPDX-License-Identifier: MIT */
#include "graph/names.h"

#include "base/rng.h"

static size_t home(const struct phi_names *names, const char *name)
{
    const uint64_t h = phi_stream(name);
    return (size_t)(h ^ (h >> 32)) & (names->n_slots - 1);
}

size_t phi_names_find(const struct phi_names *names, phi_name_at *at, const void *owner,
                      const char *name)
{
    if (!names->n_slots) return SIZE_MAX;
    for (size_t s = home(names, name); names->slot[s]; s = (s + 1) & (names->n_slots - 1))
        if (strcmp(at(owner, names->slot[s] - 1), name) == 0) return names->slot[s] - 1;
    return SIZE_MAX;
}

static void put(struct phi_names *names, const char *name, uint32_t entry)
{
    size_t s = home(names, name);
    while (names->slot[s]) s = (s + 1) & (names->n_slots - 1);
    names->slot[s] = entry;
}

bool phi_names_add(const ph_allocator *mem, struct phi_names *names, phi_name_at *at,
                   const void *owner, size_t i)
{
    if (2 * (names->n_used + 1) > names->n_slots) {
        struct phi_names grown = { .n_slots = names->n_slots ? 2 * names->n_slots : 64 };
        grown.slot = phi_calloc(mem, grown.n_slots, sizeof *grown.slot);
        if (!grown.slot) return false;
        for (size_t s = 0; s < names->n_slots; s++)
            if (names->slot[s]) put(&grown, at(owner, names->slot[s] - 1), names->slot[s]);
        grown.n_used = names->n_used;
        phi_free(mem, names->slot);
        *names = grown;
    }
    put(names, at(owner, i), (uint32_t)i + 1);
    names->n_used++;
    return true;
}

void phi_names_free(const ph_allocator *mem, struct phi_names *names)
{
    phi_free(mem, names->slot);
    *names = (struct phi_names){ 0 };
}
