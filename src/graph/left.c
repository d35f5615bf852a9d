/* SPDX-License-Identifier: MIT */
#include "graph/left.h"

#include <stdatomic.h>

struct phi_left {
    ph_allocator mem;
    atomic_size_t users; /* graphs may be freed on several threads */
    phi_file file;
    char *path;
};

enum ph_status phi_left_new(const ph_allocator *mem, phi_file *file, phi_left **out, ph_error *err)
{
    phi_left *l = phi_calloc(mem, 1, sizeof *l);
    char *path = phi_strdup(mem, file->path);
    if (!l || !path) {
        phi_free(mem, l);
        phi_free(mem, path);
        phi_file_close(file);
        return phi_fail_nomem(err);
    }
    l->mem = phi_allocator(mem);
    atomic_init(&l->users, 1);
    l->file = *file;
    l->file.path = l->path = path;
    *out = l;
    return PH_OK;
}

phi_left *phi_left_share(phi_left *l)
{
    atomic_fetch_add(&l->users, 1);
    return l;
}

void phi_left_drop(phi_left *l)
{
    if (!l || atomic_fetch_sub(&l->users, 1) > 1) return;
    const ph_allocator mem = l->mem;
    phi_file_close(&l->file);
    phi_free(&mem, l->path);
    phi_free(&mem, l);
}

const phi_file *phi_left_file(const phi_left *l)
{
    return &l->file;
}

enum ph_status phi_tensor_leave(const ph_allocator *mem, const phi_type *type, phi_left *l,
                                uint64_t at, ph_tensor **out, ph_error *err)
{
    const enum ph_status st = phi_tensor_hollow(mem, type, out, err);
    if (st) return st;
    (*out)->left = phi_left_share(l);
    (*out)->left_at = at;
    return PH_OK;
}

enum ph_status phi_tensor_read(const ph_tensor *t, size_t first, size_t n, void *to, ph_error *err)
{
    return phi_file_read_at(&t->left->file, t->left_at + first, n, to, err);
}

enum ph_status phi_tensor_fetch(ph_tensor *t, ph_error *err)
{
    if (!t->left) return PH_OK;
    void *data = phi_alloc(&t->mem, t->bytes);
    if (!data) return phi_fail_nomem(err);
    const enum ph_status st = phi_tensor_read(t, 0, t->bytes, data, err);
    if (st) {
        phi_free(&t->mem, data);
        return st;
    }
    t->data = data;
    phi_left_drop(t->left);
    t->left = NULL;
    return PH_OK;
}
