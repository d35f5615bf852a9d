/* SPDX-License-Identifier: MIT */
/*
 * What the fuzz targets share. A target is a LLVMFuzzerTestOneInput; with replay.c it becomes a
 * test that runs over a corpus, with libFuzzer it makes inputs of its own.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "pinhole/pinhole.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t fuzz_begin(uint8_t *data, size_t max_size); /* see mutate_onnx.c; a target may have it */

/* Abort with a message, and so a finding, if a property does not hold. */
void fuzz_must(int holds, const char *property, const ph_error *err);

/* An allocator that gives out at most FUZZ_MEMORY bytes at a time: small inputs that ask for a lot
 * of memory are not what we look for. Its state is for one input; fuzz_memory_check() finds leaks.
 */
#define FUZZ_MEMORY ((size_t)64 << 20)
const ph_allocator *fuzz_memory(void);
void fuzz_memory_check(void);

/* An error that the caller asks about: it says why, and is no bug of ours. */
void fuzz_must_explain(enum ph_status st, const ph_error *err);

/* A file without a name on any disk. `path` leads to it for functions that want one. */
typedef struct fuzz_file {
    int fd;
    char path[64];
} fuzz_file;

void fuzz_file_open(fuzz_file *f, const void *data, size_t size);
/* All of it; free with free(). */
unsigned char *fuzz_file_bytes(const fuzz_file *f, size_t *size);
void fuzz_file_close(fuzz_file *f);

/*
 * All that can be done with a graph but training it: check it, account for it and write the account
 * in each format, plan it, and run it once if that takes little memory and time. Every failure must
 * say why and be none of our bugs; what is checked and planned must run (an index out of range in
 * the data excepted).
 */
void fuzz_graph_works(const ph_graph *g);

/* Write `g`, read it, write that: both files must be the same. `g` is freed. */
void fuzz_graph_is_stable(ph_graph *g);

#endif /* FUZZ_H */
