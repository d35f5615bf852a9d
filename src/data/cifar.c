/* SPDX-License-Identifier: MIT */
/*
 * CIFAR-10, binary version: files of records of 1 + 3072 bytes, the label and then 32 x 32 red,
 * green and blue values, row by row. As distributed each file holds 10,000 records; any whole
 * number of them is read.
 * Krizhevsky 2009, www.cs.toronto.edu/~kriz/cifar.html, "Binary version".
 */
#include "data/dataset.h"
#include "base/file.h"

#include <sys/stat.h>

#define CIFAR_IMAGE_BYTES ((size_t)3 * 32 * 32)
#define CIFAR_RECORD_BYTES (1 + CIFAR_IMAGE_BYTES)
#define CIFAR_MAX_COUNT ((size_t)10000000)
#define CIFAR_MAX_FILES 5

static const char *const train_files[CIFAR_MAX_FILES] = {"data_batch_1.bin", "data_batch_2.bin",
                                                         "data_batch_3.bin", "data_batch_4.bin",
                                                         "data_batch_5.bin"};
static const char *const test_files[] = {"test_batch.bin"};

typedef struct cifar_file {
    char *path;
    unsigned char *data;
    size_t n_records;
} cifar_file;

/* `dir`, or the folder of that name that the archive unpacks to, if it is there; phi_alloc'ed. */
static char *find_folder(const ph_dataset *d, const char *dir)
{
    char *sub = phi_dataset_path(d, dir, "cifar-10-batches-bin", "");
    struct stat info;
    if (!sub || (stat(sub, &info) == 0 && S_ISDIR(info.st_mode))) return sub;
    phi_free(&d->mem, sub);
    return phi_strdup(&d->mem, dir);
}

static enum ph_status read_file(const ph_dataset *d, const char *dir, const char *name,
                                cifar_file *f, ph_error *err)
{
    size_t n = 0;
    f->path = phi_dataset_path(d, dir, name, "");
    if (!f->path) return phi_fail_nomem(err);
    enum ph_status st = phi_file_read(&d->mem, f->path, &f->data, &n, err);
    if (st) return st;
    if (n == 0 || n % CIFAR_RECORD_BYTES != 0)
        return phi_fail(err, PH_ERR_FORMAT, f->path,
                        "%s: %zu bytes, wanted a whole number of records of %zu bytes", f->path, n,
                        CIFAR_RECORD_BYTES);
    f->n_records = n / CIFAR_RECORD_BYTES;
    return PH_OK;
}

/* Append the records of `f` to the `d->count` images that are there; room is there, too. */
static enum ph_status append_records(ph_dataset *d, const cifar_file *f, ph_error *err)
{
    for (size_t i = 0; i < f->n_records; i++) {
        const unsigned char *record = f->data + i * CIFAR_RECORD_BYTES;
        if (record[0] >= d->n_classes)
            return phi_fail(err, PH_ERR_FORMAT, f->path,
                            "%s: label of record %zu is %u, wanted 0 to %zu", f->path, i,
                            (unsigned)record[0], d->n_classes - 1);
        d->labels[d->count] = record[0];
        memcpy(d->images + d->count * CIFAR_IMAGE_BYTES, record + 1, CIFAR_IMAGE_BYTES);
        d->count++;
    }
    return PH_OK;
}

static enum ph_status gather(ph_dataset *d, const char *dir, size_t n_files,
                             const cifar_file *files, ph_error *err)
{
    size_t total = 0, bytes = 0;
    for (size_t i = 0; i < n_files; i++)
        if (!phi_add_size(total, files[i].n_records, &total) || total > CIFAR_MAX_COUNT)
            return phi_fail(err, PH_ERR_FORMAT, dir, "%s: more than %zu images", dir,
                            CIFAR_MAX_COUNT);
    if (!phi_mul_size(total, CIFAR_IMAGE_BYTES, &bytes))
        return phi_fail(err, PH_ERR_OVERFLOW, dir, "%s: %zu images are too much", dir, total);
    d->images = phi_alloc(&d->mem, bytes);
    d->labels = phi_alloc(&d->mem, total);
    if (!d->images || !d->labels) return phi_fail_nomem(err);
    enum ph_status st = PH_OK;
    for (size_t i = 0; i < n_files && !st; i++)
        st = append_records(d, &files[i], err);
    return st;
}

enum ph_status phi_cifar10_read(ph_dataset *d, const char *dir, enum ph_split split, ph_error *err)
{
    const char *const *names = split == PH_SPLIT_TEST ? test_files : train_files;
    size_t n_files = split == PH_SPLIT_TEST ? PHI_COUNT(test_files) : PHI_COUNT(train_files);
    cifar_file files[CIFAR_MAX_FILES] = {{NULL, NULL, 0}};
    char *folder = find_folder(d, dir);
    enum ph_status st = folder ? PH_OK : phi_fail_nomem(err);
    for (size_t i = 0; i < n_files && !st; i++)
        st = read_file(d, folder, names[i], &files[i], err);
    if (!st) st = gather(d, folder, n_files, files, err);
    for (size_t i = 0; i < n_files; i++) {
        phi_free(&d->mem, files[i].path);
        phi_free(&d->mem, files[i].data);
    }
    phi_free(&d->mem, folder);
    d->chw[0] = 3;
    d->chw[1] = d->chw[2] = 32;
    return st;
}
