/* SPDX-License-Identifier: MIT */
/*
 * Files: read whole, or written whole or not at all.
 */
#ifndef PHI_FILE_H
#define PHI_FILE_H

#include "base/base.h"

/*
 * The whole of a regular file; *data is phi_alloc'ed with one zero byte behind the end. A missing
 * file is PH_ERR_NOT_FOUND, everything else PH_ERR_IO; messages say the path and the system's words.
 */
enum ph_status phi_file_read(const ph_allocator *mem, const char *path, unsigned char **data,
                             size_t *n, ph_error *err);

/* The same, refusing files of more than `max` bytes (PH_ERR_UNSUPPORTED) before any memory is
 * asked for. */
enum ph_status phi_file_read_limit(const ph_allocator *mem, const char *path, size_t max,
                                   unsigned char **data, size_t *n, ph_error *err);

/*
 * `n` bytes at `offset` of the file `name` under the directory of `base_path`, never outside of it:
 * no absolute path, no "..", no symbolic link that leaves it (openat2 with RESOLVE_BENEATH; where
 * the kernel has no openat2, path components are opened one by one with O_NOFOLLOW). For ONNX's
 * external data. n == SIZE_MAX: up to the end of the file.
 * PH_ERR_FORMAT: the name leaves the directory, or the file is too short.
 */
enum ph_status phi_file_read_beneath(const ph_allocator *mem, const char *base_path,
                                     const char *name, uint64_t offset, size_t n,
                                     unsigned char **data, size_t *n_read, ph_error *err);

/* A regular file, open to be read at any place. */
typedef struct phi_file {
    int fd;
    const char *path; /* the caller's */
    uint64_t size;
    int64_t written, written_ns; /* when it last was, in seconds and nanoseconds */
} phi_file;

/* Errors as for phi_file_read_limit, and for phi_file_read_beneath. */
enum ph_status phi_file_open(const char *path, size_t max, phi_file *out, ph_error *err);
enum ph_status phi_file_open_beneath(const ph_allocator *mem, const char *base_path,
                                     const char *name, phi_file *out, ph_error *err);
/* `n` bytes at `offset`; PH_ERR_FORMAT if the file has no such. */
enum ph_status phi_file_has(const phi_file *f, uint64_t offset, size_t n, ph_error *err);
enum ph_status phi_file_read_at(const phi_file *f, uint64_t offset, size_t n, void *to,
                                ph_error *err);
/* PH_ERR_IO if it was written to since it was opened. */
enum ph_status phi_file_unchanged(const phi_file *f, ph_error *err);
void phi_file_close(phi_file *f);

/* What phi_file_read_beneath does without openat2 (here for its test): open `name`, which has no
 * ".." in it, below the open directory `dir`, refusing every symbolic link. -1 and errno. */
int phi_open_beneath_stepwise(int dir, const char *name);

/* Write to a temporary file beside `path`, sync, rename. Keeps the old file on any failure.
 * Devices, pipes and names below /dev and /proc are written into instead. */
enum ph_status phi_file_write(const ph_allocator *mem, const char *path, const void *data, size_t n,
                              ph_error *err);

#endif /* PHI_FILE_H */
