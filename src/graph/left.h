/* SPDX-License-Identifier: MIT */
/*
 * Elements of tensors that stay in a file until they are wanted. The file is held open and read,
 * not mapped: a file that somebody cuts short is then an error like any other, not a signal.
 */
#ifndef PHI_LEFT_H
#define PHI_LEFT_H

#include "base/file.h"
#include "graph/tensor.h"

/* A file that several tensors have left their elements in; the last one closes it. */
typedef struct phi_left phi_left;

/* Takes `file`, even if it fails; its path is copied. The caller is the first user. */
enum ph_status phi_left_new(const ph_allocator *mem, phi_file *file, phi_left **out, ph_error *err);
phi_left *phi_left_share(phi_left *l); /* one user more */
void phi_left_drop(phi_left *l);       /* one less; NULL is fine */
const phi_file *phi_left_file(const phi_left *l);

/* A tensor whose elements are in the file from byte `at` on, as this machine has them in memory. */
enum ph_status phi_tensor_leave(const ph_allocator *mem, const phi_type *type, phi_left *l,
                                uint64_t at, ph_tensor **out, ph_error *err);
/* `n` bytes of them from byte `first` on; any number of threads. */
enum ph_status phi_tensor_read(const ph_tensor *t, size_t first, size_t n, void *to, ph_error *err);
/* Bring them into memory, if they are not. */
enum ph_status phi_tensor_fetch(ph_tensor *t, ph_error *err);

#endif /* PHI_LEFT_H */
