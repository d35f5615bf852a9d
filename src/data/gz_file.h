/* SPDX-License-Identifier: MIT */
/* Files that may be gzipped (RFC 1952), read from the beginning to the end. */
#ifndef PHI_GZ_FILE_H
#define PHI_GZ_FILE_H

#include "base/base.h"

typedef struct phi_gz phi_gz;

/* The open regular file `fd` (taken, also on failure). All memory, zlib's too, is from `mem`: the
 * buffer and at most 64 KiB of state, whatever is in the file. `path` is borrowed, for messages. */
enum ph_status phi_gz_open(const ph_allocator *mem, int fd, const char *path, phi_gz **out,
                           ph_error *err);
void phi_gz_close(phi_gz *gz);

/* Up to `want` bytes of what the file holds, unpacked; *got is less only at the end of the file, and
 * then the checksum has been compared. PH_ERR_FORMAT: broken, cut, or followed by something else. */
enum ph_status phi_gz_read(phi_gz *gz, unsigned char *to, size_t want, size_t *got, ph_error *err);

#endif /* PHI_GZ_FILE_H */
