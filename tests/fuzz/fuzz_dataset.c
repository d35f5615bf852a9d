/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a data set: an error, or images and labels that can be looked at.
 *
 * The first byte says which kind, and whether gzipped: 0 IDX, 1 IDX.gz, 2 CIFAR-10. For IDX the next
 * two bytes (big-endian) are the size of the file of labels, which comes before that of images.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char dir[64];

static void remove_dir(void)
{
    static const char *const names[] = {"t10k-images-idx3-ubyte", "t10k-images-idx3-ubyte.gz",
                                        "t10k-labels-idx1-ubyte", "t10k-labels-idx1-ubyte.gz",
                                        "test_batch.bin"};
    char path[128];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    rmdir(dir);
}

static void make_dir(void)
{
    if (dir[0]) return;
    snprintf(dir, sizeof dir, "/dev/shm/fuzz-dataset-XXXXXX");
    if (!mkdtemp(dir)) snprintf(dir, sizeof dir, "/tmp/fuzz-dataset-XXXXXX");
    if (dir[1] == 't') fuzz_must(mkdtemp(dir) != NULL, "the system gives us a folder", NULL);
    atexit(remove_dir);
}

/* Make DIR/NAME, and unmake DIR/OTHER. */
static void put(const char *name, const char *other, const uint8_t *data, size_t size)
{
    char path[128];
    int fd;

    snprintf(path, sizeof path, "%s/%s", dir, other);
    unlink(path);
    snprintf(path, sizeof path, "%s/%s", dir, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    fuzz_must(fd >= 0 && write(fd, data, size) == (ssize_t)size, "it can be written", NULL);
    close(fd);
}

static void put_idx(int gz, const uint8_t *data, size_t size)
{
    static const char *const images[] = {"t10k-images-idx3-ubyte", "t10k-images-idx3-ubyte.gz"};
    static const char *const labels[] = {"t10k-labels-idx1-ubyte", "t10k-labels-idx1-ubyte.gz"};
    size_t n = size < 2 ? 0 : (size_t)data[0] << 8 | data[1];

    data += size < 2 ? size : 2;
    size -= size < 2 ? size : 2;
    if (n > size) n = size;
    put(labels[gz], labels[!gz], data, n);
    put(images[gz], images[!gz], data + n, size - n);
}

static void look_at(const ph_dataset *d)
{
    const size_t n = ph_dataset_count(d);
    int64_t chw[3];
    size_t count;
    float *x;

    ph_dataset_shape(d, chw);
    count = (size_t)(chw[0] * chw[1] * chw[2]);
    x = malloc(count * sizeof *x);
    fuzz_must(n > 0 && count > 0 && x, "a data set that opens has images", NULL);
    for (size_t i = 0; i < n; i++) {
        fuzz_must(ph_dataset_label(d, i) < ph_dataset_n_classes(d), "labels are in range", NULL);
        if (i && i + 1 < n) continue;
        ph_dataset_floats(d, i, 1, x);
        for (size_t k = 0; k < count; k++)
            fuzz_must(x[k] == (float)ph_dataset_image(d, i)[k] / 255.0f,
                      "floats are the bytes in 0 .. 1", NULL);
    }
    free(x);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char spec[96];
    ph_dataset *d;
    ph_error err = {0};
    enum ph_status st;
    const unsigned kind = size ? data[0] % 3 : 0;

    make_dir();
    if (kind == 2)
        put("test_batch.bin", "none", size ? data + 1 : data, size ? size - 1 : 0);
    else
        put_idx(kind == 1, size ? data + 1 : data, size ? size - 1 : 0);
    snprintf(spec, sizeof spec, "%s:%s", kind == 2 ? "cifar10" : "fashion-mnist", dir);
    st = ph_dataset_open(fuzz_memory(), spec, PH_SPLIT_TEST, &d, &err);
    if (st) {
        fuzz_must_explain(st, &err);
    } else {
        look_at(d);
        ph_dataset_free(d);
    }
    fuzz_memory_check();
    return 0;
}
