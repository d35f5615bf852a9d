/* SPDX-License-Identifier: MIT */
#include "kernels/kernels.h"

static const phk_kernel kernels[] = {
#define PH_KERNEL(slot, function, needs, mr, nr)                                                   \
    {PHK_##slot, #slot, #function, needs, mr, nr, (phk_any_fn *)function},
#include "kernels/kernels.def"
#undef PH_KERNEL
};

#define PH_KERNEL(slot, function, needs, mr, nr)                                                   \
    _Static_assert((mr) <= PHK_MAX_MR && (nr) <= PHK_MAX_NR, #function);
#include "kernels/kernels.def"
#undef PH_KERNEL

const phk_kernel *phk_kernel_at(size_t i)
{
    return i < PHI_COUNT(kernels) ? &kernels[i] : NULL;
}

const phk_kernel *phk_choose(enum phk_slot slot)
{
    unsigned flags = phi_cpu_flags();
    const phk_kernel *best = NULL;
    for (size_t i = 0; i < PHI_COUNT(kernels); i++)
        if (kernels[i].slot == slot && (kernels[i].needs & ~flags) == 0) best = &kernels[i];
    return best;
}

const char *ph_kernel_name(size_t i, const char **slot)
{
    if (i >= PHK_N_SLOTS) return NULL;
    const phk_kernel *k = phk_choose((enum phk_slot)i);
    if (slot) *slot = k->slot_name;
    return k->name;
}
