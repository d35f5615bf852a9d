/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a checkpoint of a small training: an error that leaves the trainer as it was, or one
 * that goes on from there. An input that begins with "patch" changes a good checkpoint, made here:
 * pairs of an offset (two bytes, big-endian) and a byte follow.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define N_IMAGES 8

static const char text[] = "network tiny\ninput x 1x4x4\nconv 1x1 2\nrelu\nconv 4x4 10\n";

static struct {
    ph_dataset *data;
    unsigned char *good; /* a checkpoint after one epoch of two */
    size_t n_good;
} start;

static void put(const char *path, const unsigned char *bytes, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    fuzz_must(fd >= 0 && write(fd, bytes, n) == (ssize_t)n, "a file can be written", NULL);
    close(fd);
}

/* Eight images of 4 x 4, by way of IDX files. */
static void make_data(void)
{
    char dir[] = "/tmp/fuzz-checkpoint-XXXXXX", path[2][96], spec[96];
    unsigned char images[16 + N_IMAGES * 16] = {0, 0, 8, 3, 0, 0, 0, N_IMAGES, 0, 0, 0, 4, 0, 0, 0, 4};
    unsigned char labels[8 + N_IMAGES] = {0, 0, 8, 1, 0, 0, 0, N_IMAGES};
    ph_error err = {0};
    enum ph_status st;

    for (size_t i = 0; i < N_IMAGES; i++) {
        memset(images + 16 + 16 * i, (int)(31 * i), 16);
        labels[8 + i] = (unsigned char)i;
    }
    fuzz_must(mkdtemp(dir) != NULL, "the system gives us a folder", NULL);
    snprintf(path[0], sizeof path[0], "%s/train-images-idx3-ubyte", dir);
    snprintf(path[1], sizeof path[1], "%s/train-labels-idx1-ubyte", dir);
    snprintf(spec, sizeof spec, "fashion-mnist:%s", dir);
    put(path[0], images, sizeof images);
    put(path[1], labels, sizeof labels);
    st = ph_dataset_open(NULL, spec, PH_SPLIT_TRAIN, &start.data, &err);
    fuzz_must(st == PH_OK, "the data set opens", &err);
    unlink(path[0]);
    unlink(path[1]);
    rmdir(dir);
}

static ph_trainer *new_trainer(const ph_allocator *mem, ph_graph **g)
{
    const ph_train_desc desc = {.n_epochs = 2, .batch = 4, .optimizer = PH_ADAM, .n_threads = 1};
    ph_trainer *t = NULL;
    ph_error err = {0};
    enum ph_status st = ph_net_parse(mem, text, strlen(text), "tiny", 1, g, &err);

    if (!st) st = ph_trainer_new(*g, start.data, &desc, &t, &err);
    fuzz_must(st == PH_OK, "there is a trainer", &err);
    return t;
}

static void make_start(void)
{
    ph_graph *g;
    fuzz_file f;
    ph_error err = {0};
    ph_trainer *t;

    make_data();
    t = new_trainer(NULL, &g);
    fuzz_must(ph_trainer_epoch(t, NULL, &err) == PH_OK, "it trains", &err);
    fuzz_file_open(&f, NULL, 0);
    fuzz_must(ph_trainer_save(t, f.path, &err) == PH_OK, "it is saved", &err);
    start.good = fuzz_file_bytes(&f, &start.n_good);
    fuzz_file_close(&f);
    ph_trainer_free(t);
    ph_graph_free(g);
}

/* Resume from the bytes. Whether that went well. */
static int resume(const unsigned char *bytes, size_t n)
{
    ph_graph *g;
    fuzz_file f;
    ph_error err = {0};
    ph_trainer *t = new_trainer(fuzz_memory(), &g);
    enum ph_status st;

    fuzz_file_open(&f, bytes, n);
    st = ph_trainer_resume(t, f.path, &err);
    fuzz_file_close(&f);
    if (st) {
        fuzz_must_explain(st, &err);
        fuzz_must(ph_trainer_epochs_done(t) == 0, "a refusal leaves the trainer alone", &err);
    }
    if (ph_trainer_epochs_done(t) < 2) { /* weights of any value: they may not stay finite */
        enum ph_status trained = ph_trainer_epoch(t, NULL, &err);
        fuzz_must(trained == PH_OK || (st == PH_OK && trained == PH_ERR_ARG), "it goes on", &err);
    }
    ph_trainer_free(t);
    ph_graph_free(g);
    fuzz_memory_check();
    return st == PH_OK;
}

/* What the mutator begins with. */
size_t fuzz_begin(uint8_t *data, size_t max_size)
{
    if (start.n_good > max_size) return 0;
    memcpy(data, start.good, start.n_good);
    return start.n_good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!start.good) {
        make_start();
        fuzz_must(resume(start.good, start.n_good), "a good checkpoint is good", NULL);
    }
    if (size < 5 || memcmp(data, "patch", 5) != 0) {
        (void)resume(data, size);
        return 0;
    }
    unsigned char *bytes = malloc(start.n_good);
    fuzz_must(bytes != NULL, "there is memory", NULL);
    memcpy(bytes, start.good, start.n_good);
    for (size_t i = 5; i + 3 <= size; i += 3)
        bytes[((size_t)data[i] << 8 | data[i + 1]) % start.n_good] = data[i + 2];
    (void)resume(bytes, start.n_good);
    free(bytes);
    return 0;
}
