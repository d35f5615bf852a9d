/* SPDX-License-Identifier: MIT */
/*
 * The file of what was measured, by machine, and what is known of this one.
 *
 *   {"schema": 1, "machines": [
 *     {"processor": "...", "isa": "avx512", "pinhole": "0.1.0", "threads": 2,
 *      "ns": {"Conv c64 ...": {"window gemm": 820000, "Winograd F(4x4,3x3)": 410000}}}]}
 *
 * Members and machines that are not known here stay as they are.
 */
#ifndef PHI_MEASUREMENTS_H
#define PHI_MEASUREMENTS_H

#include "base/base.h"

struct json_t;

typedef struct phi_measurements {
    struct json_t *root;
    struct json_t *ns; /* times on this machine, in root; NULL: none yet */
    size_t n_threads;
    bool missing; /* there was no file */
} phi_measurements;

/*
 * `n_threads`: with which is measured. A file that is missing is PH_ERR_NOT_FOUND, or none at all
 * if `may_be_missing`. PH_ERR_FORMAT, PH_ERR_UNSUPPORTED: it is not such a file.
 */
enum ph_status phi_measurements_read(const ph_allocator *mem, const char *path, bool may_be_missing,
                                     size_t n_threads, phi_measurements *out, ph_error *err);
void phi_measurements_free(phi_measurements *m);

/* Nanoseconds that `method` takes for what `problem` describes; 0: not known. */
int64_t phi_measurements_ns(const phi_measurements *m, const char *problem, const char *method);

/* false: out of memory. */
bool phi_measurements_set(phi_measurements *m, const char *problem, const char *method, int64_t ns);

/* The whole file, or it stays as it was. */
enum ph_status phi_measurements_write(const ph_allocator *mem, const phi_measurements *m,
                                      const char *path, ph_error *err);

#endif /* PHI_MEASUREMENTS_H */
