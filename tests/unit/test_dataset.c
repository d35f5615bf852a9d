/* SPDX-License-Identifier: MIT */
/* Reading data sets: good files, and every way to be broken that the formats offer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pinhole/pinhole.h"
#include "data/dataset.h"
#include "sweep.h"
#include "tiny_data.h"

enum { COUNT = 23, H = 6, W = 5, IMAGE_BYTES = 16 + COUNT * H * W, LABEL_BYTES = 8 + COUNT };

#define TRAIN_IMAGES "train-images-idx3-ubyte"
#define TRAIN_LABELS "train-labels-idx1-ubyte"

/* A folder with a small data set; tests break a copy of the bytes and write it. */
typedef struct fixture {
    char dir[TINY_PATH], spec[TINY_PATH + 32];
    uint8_t images[IMAGE_BYTES + 1], labels[LABEL_BYTES + 1];
} fixture;

static void write_both(const fixture *f)
{
    assert_true(tiny_write(f->dir, TRAIN_IMAGES, f->images, IMAGE_BYTES));
    assert_true(tiny_write(f->dir, TRAIN_LABELS, f->labels, LABEL_BYTES));
}

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    if (!f || !tiny_folder(f->dir)) return -1;
    snprintf(f->spec, sizeof f->spec, "fashion-mnist:%s", f->dir);
    tiny_images(COUNT, H, W, f->images, f->labels);
    write_both(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    tiny_remove(f->dir);
    free(f);
    return 0;
}

/* Opening fails with `status`, and the one-line message holds each of the words (NULL ends). */
static void refused(const char *spec, enum ph_split split, enum ph_status status, ...)
{
    ph_error err = {0};
    ph_dataset *d = NULL;
    enum ph_status st = ph_dataset_open(NULL, spec, split, &d, &err);
    if (st != status)
        fail_msg("%s, wanted %s: %s", ph_status_name(st), ph_status_name(status), err.message);
    assert_null(d);
    assert_int_equal(err.status, status);
    assert_null(strchr(err.message, '\n'));
    va_list words;
    va_start(words, status);
    for (const char *word; (word = va_arg(words, const char *));)
        if (!strstr(err.message, word)) fail_msg("no '%s' in: %s", word, err.message);
    va_end(words);
    assert_int_equal(ph_dataset_open(NULL, spec, split, &d, NULL), status);
}

/* --- IDX ------------------------------------------------------------------------------------- */

static void check_contents(const fixture *f)
{
    ph_error err = {0};
    ph_dataset *d = NULL;
    int64_t chw[3];
    if (ph_dataset_open(NULL, f->spec, PH_SPLIT_TRAIN, &d, &err)) fail_msg("%s", err.message);
    ph_dataset_shape(d, chw);
    assert_int_equal(ph_dataset_count(d), COUNT);
    assert_int_equal(chw[0], 1);
    assert_int_equal(chw[1], H);
    assert_int_equal(chw[2], W);
    assert_int_equal(ph_dataset_n_classes(d), 10);
    assert_string_equal(ph_dataset_class(d, 9), "Ankle boot");
    assert_string_equal(ph_dataset_class(d, 10), "?");
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(ph_dataset_label(d, i), f->labels[8 + i]);
        assert_memory_equal(ph_dataset_image(d, i), f->images + 16 + i * H * W, H * W);
    }
    float x[3 * H * W];
    ph_dataset_floats(d, 2, 3, x);
    for (size_t i = 0; i < 3 * H * W; i++)
        assert_true(x[i] == (float)f->images[16 + 2 * H * W + i] / 255.0f);
    ph_dataset_free(d);
}

static void idx_plain(void **state)
{
    check_contents(*state);
}

static void remove_plain(const fixture *f)
{
    char path[2 * TINY_PATH];
    snprintf(path, sizeof path, "%s/" TRAIN_IMAGES, f->dir);
    unlink(path);
    snprintf(path, sizeof path, "%s/" TRAIN_LABELS, f->dir);
    unlink(path);
}

static void idx_gzipped(void **state)
{
    fixture *f = *state;
    remove_plain(f);
    assert_true(tiny_write_gz(f->dir, TRAIN_IMAGES ".gz", f->images, IMAGE_BYTES));
    assert_true(tiny_write_gz(f->dir, TRAIN_LABELS ".gz", f->labels, LABEL_BYTES));
    check_contents(f);
    tiny_images(COUNT, H, W, f->images, f->labels);
    f->spec[strlen(f->spec)] = '/'; /* a slash behind the folder */
    check_contents(f);
}

/* More than the first piece that the reader makes room for. */
static void idx_large(void **state)
{
    fixture *f = *state;
    enum { N = 3000, SIDE = 28 };
    uint8_t *images = malloc(16 + N * SIDE * SIDE), *labels = malloc(8 + N);
    tiny_images(N, SIDE, SIDE, images, labels);
    assert_true(tiny_write(f->dir, TRAIN_IMAGES, images, 16 + N * SIDE * SIDE));
    assert_true(tiny_write(f->dir, TRAIN_LABELS, labels, 8 + N));
    ph_dataset *d = NULL;
    assert_int_equal(ph_dataset_open(NULL, f->spec, PH_SPLIT_TRAIN, &d, NULL), PH_OK);
    assert_memory_equal(ph_dataset_image(d, 0), images + 16, N * SIDE * SIDE);
    ph_dataset_free(d);
    free(images);
    free(labels);
}

static void idx_truncated(void **state)
{
    fixture *f = *state;
    tiny_write(f->dir, TRAIN_IMAGES, f->images, IMAGE_BYTES - 1);
    refused(f->spec, PH_SPLIT_TRAIN, PH_ERR_FORMAT, TRAIN_IMAGES, "689 bytes", "690", NULL);
    tiny_write(f->dir, TRAIN_IMAGES, f->images, 15);
    refused(f->spec, PH_SPLIT_TRAIN, PH_ERR_FORMAT, TRAIN_IMAGES, "15 bytes", "16", NULL);
    tiny_write(f->dir, TRAIN_IMAGES, f->images, 0);
    refused(f->spec, PH_SPLIT_TRAIN, PH_ERR_FORMAT, TRAIN_IMAGES, "0 bytes", NULL);
    tiny_write(f->dir, TRAIN_IMAGES, f->images, IMAGE_BYTES);
    tiny_write(f->dir, TRAIN_LABELS, f->labels, LABEL_BYTES - 3);
    refused(f->spec, PH_SPLIT_TRAIN, PH_ERR_FORMAT, TRAIN_LABELS, "20 bytes", "23", NULL);
}

static void idx_too_long(void **state)
{
    fixture *f = *state;
    tiny_write(f->dir, TRAIN_IMAGES, f->images, IMAGE_BYTES + 1);
    refused(f->spec, PH_SPLIT_TRAIN, PH_ERR_FORMAT, TRAIN_IMAGES, "690", NULL);
    tiny_write(f->dir, TRAIN_IMAGES, f->images, IMAGE_BYTES);
    tiny_write(f->dir, TRAIN_LABELS, f->labels, LABEL_BYTES + 1);
    refused(f->spec, PH_SPLIT_TRAIN, PH_ERR_FORMAT, TRAIN_LABELS, "23", NULL);
}

static void idx_magic(void **state)
{
    fixture *f = *state;
    f->images[2] = 0x0d; /* floats */
    write_both(f);
    refused(f->spec, PH_SPLIT_TRAIN, PH_ERR_FORMAT, TRAIN_IMAGES, "0x00000d03", "0x00000803", NULL);
    tiny_write(f->dir, TRAIN_IMAGES, f->labels, LABEL_BYTES); /* the wrong file */
    refused(f->spec, PH_SPLIT_TRAIN, PH_ERR_FORMAT, "0x00000801", "0x00000803", NULL);
}

static void idx_sizes(void **state)
{
    fixture *f = *state;
    tiny_word(f->images + 4, 0);
    write_both(f);
    refused(f->spec, PH_SPLIT_TRAIN, PH_ERR_FORMAT, TRAIN_IMAGES, "count 0", NULL);
    tiny_word(f->images + 4, 0xffffffff);
    write_both(f);
    refused(f->spec, PH_SPLIT_TRAIN, PH_ERR_FORMAT, TRAIN_IMAGES, "4294967295", NULL);
    tiny_word(f->images + 4, COUNT);
    tiny_word(f->images + 8, 0);
    write_both(f);
    refused(f->spec, PH_SPLIT_TRAIN, PH_ERR_FORMAT, TRAIN_IMAGES, "0 x 5", NULL);
    tiny_word(f->images + 8, H);
    tiny_word(f->images + 12, 0x80000000);
    write_both(f);
    refused(f->spec, PH_SPLIT_TRAIN, PH_ERR_FORMAT, TRAIN_IMAGES, "6 x 2147483648", NULL);
    tiny_word(f->images + 4, 10000000); /* 160 TB announced: refused without asking for them */
    tiny_word(f->images + 8, 4096);
    tiny_word(f->images + 12, 4096);
    write_both(f);
    refused(f->spec, PH_SPLIT_TRAIN, PH_ERR_FORMAT, TRAIN_IMAGES, "690 bytes", "167772160000000",
            NULL);
}

static void idx_labels(void **state)
{
    fixture *f = *state;
    f->labels[8 + 17] = 10;
    write_both(f);
    refused(f->spec, PH_SPLIT_TRAIN, PH_ERR_FORMAT, TRAIN_LABELS, "label 17 is 10", "0 to 9", NULL);
    tiny_images(COUNT, H, W, f->images, f->labels);
    tiny_word(f->labels + 4, COUNT - 1);
    write_both(f);
    refused(f->spec, PH_SPLIT_TRAIN, PH_ERR_FORMAT, TRAIN_LABELS, "22 labels for 23 images", NULL);
}

static void idx_broken_gzip(void **state)
{
    fixture *f = *state;
    uint8_t zipped[4 * IMAGE_BYTES];
    char path[2 * TINY_PATH];
    remove_plain(f);
    assert_true(tiny_write_gz(f->dir, TRAIN_IMAGES ".gz", f->images, IMAGE_BYTES));
    assert_true(tiny_write_gz(f->dir, TRAIN_LABELS ".gz", f->labels, LABEL_BYTES));
    snprintf(path, sizeof path, "%s/" TRAIN_IMAGES ".gz", f->dir);
    FILE *file = fopen(path, "rb");
    size_t n = fread(zipped, 1, sizeof zipped, file);
    fclose(file);
    for (size_t cut = 1; cut < n; cut++) { /* cut off anywhere */
        assert_true(tiny_write(f->dir, TRAIN_IMAGES ".gz", zipped, cut));
        refused(f->spec, PH_SPLIT_TRAIN, PH_ERR_FORMAT, TRAIN_IMAGES ".gz", NULL);
    }
    zipped[n - 6] ^= 1; /* the checksum */
    assert_true(tiny_write(f->dir, TRAIN_IMAGES ".gz", zipped, n));
    refused(f->spec, PH_SPLIT_TRAIN, PH_ERR_FORMAT, TRAIN_IMAGES ".gz", NULL);
}

static void idx_missing(void **state)
{
    fixture *f = *state;
    refused(f->spec, PH_SPLIT_TEST, PH_ERR_NOT_FOUND, f->dir, "t10k-images-idx3-ubyte", NULL);
    refused("fashion-mnist:/nowhere/at/all", PH_SPLIT_TRAIN, PH_ERR_NOT_FOUND, "/nowhere/at/all",
            NULL);
    remove_plain(f);
    char path[2 * TINY_PATH];
    snprintf(path, sizeof path, "%s/" TRAIN_IMAGES, f->dir);
    assert_int_equal(mkdir(path, 0700), 0);
    refused(f->spec, PH_SPLIT_TRAIN, PH_ERR_IO, TRAIN_IMAGES, "not a regular file", NULL);
}

static void unknown_kind(void **state)
{
    (void)state;
    const char *specs[] = {"",        "mnist:x",    "fashion-mnist",   "fashion-mnist:",
                           "cifar10", "cifar100:x", "fashion-mnistx:y"};
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++)
        refused(specs[i], PH_SPLIT_TRAIN, PH_ERR_ARG, "fashion-mnist:DIR", NULL);
    refused("cifar10:x", (enum ph_split)7, PH_ERR_ARG, "7", NULL);
}

/* --- CIFAR-10 -------------------------------------------------------------------------------- */

enum { RECORD = 3073, PER_FILE = 3 };

static void fill_cifar(int file, uint8_t *records)
{
    for (int i = 0; i < PER_FILE; i++) {
        records[i * RECORD] = (uint8_t)((file * PER_FILE + i) % 10);
        for (int k = 1; k < RECORD; k++)
            records[i * RECORD + k] = (uint8_t)(file * 31 + i * 7 + k % 251);
    }
}

static void write_cifar(const char *dir, int n_files)
{
    uint8_t records[PER_FILE * RECORD];
    for (int i = 0; i < n_files; i++) {
        char name[32];
        snprintf(name, sizeof name, i < 5 ? "data_batch_%d.bin" : "test_batch.bin", i + 1);
        fill_cifar(i, records);
        assert_true(tiny_write(dir, name, records, sizeof records));
    }
}

static void check_cifar(const char *spec, enum ph_split split)
{
    ph_dataset *d = NULL;
    ph_error err = {0};
    int64_t chw[3];
    if (ph_dataset_open(NULL, spec, split, &d, &err)) fail_msg("%s", err.message);
    int first = split == PH_SPLIT_TRAIN ? 0 : 5, n = split == PH_SPLIT_TRAIN ? 5 : 1;
    assert_int_equal(ph_dataset_count(d), n * PER_FILE);
    ph_dataset_shape(d, chw);
    assert_true(chw[0] == 3 && chw[1] == 32 && chw[2] == 32);
    assert_string_equal(ph_dataset_class(d, 0), "airplane");
    assert_string_equal(ph_dataset_class(d, 9), "truck");
    for (int i = 0; i < n * PER_FILE; i++) {
        uint8_t records[PER_FILE * RECORD];
        fill_cifar(first + i / PER_FILE, records);
        const uint8_t *record = records + i % PER_FILE * RECORD;
        assert_int_equal(ph_dataset_label(d, (size_t)i), record[0]);
        assert_memory_equal(ph_dataset_image(d, (size_t)i), record + 1, RECORD - 1);
    }
    ph_dataset_free(d);
}

static void cifar_good(void **state)
{
    fixture *f = *state;
    char sub[2 * TINY_PATH];
    snprintf(f->spec, sizeof f->spec, "cifar10:%s", f->dir);
    write_cifar(f->dir, 6);
    check_cifar(f->spec, PH_SPLIT_TRAIN);
    check_cifar(f->spec, PH_SPLIT_TEST);
    tiny_remove(f->dir); /* once more, one folder down as the archive has it */
    assert_int_equal(mkdir(f->dir, 0700), 0);
    snprintf(sub, sizeof sub, "%s/cifar-10-batches-bin", f->dir);
    assert_int_equal(mkdir(sub, 0700), 0);
    write_cifar(sub, 6);
    check_cifar(f->spec, PH_SPLIT_TRAIN);
    check_cifar(f->spec, PH_SPLIT_TEST);
}

static void cifar_broken(void **state)
{
    fixture *f = *state;
    uint8_t records[PER_FILE * RECORD + 1];
    snprintf(f->spec, sizeof f->spec, "cifar10:%s", f->dir);
    write_cifar(f->dir, 4);
    refused(f->spec, PH_SPLIT_TRAIN, PH_ERR_NOT_FOUND, "data_batch_5.bin", NULL);
    refused(f->spec, PH_SPLIT_TEST, PH_ERR_NOT_FOUND, "test_batch.bin", NULL);
    write_cifar(f->dir, 6);
    memset(records, 0, sizeof records);
    const size_t sizes[] = {0, 1, RECORD - 1, RECORD + 1, PER_FILE * RECORD + 1};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_true(tiny_write(f->dir, "data_batch_2.bin", records, sizes[i]));
        refused(f->spec, PH_SPLIT_TRAIN, PH_ERR_FORMAT, "data_batch_2.bin", "3073", NULL);
    }
    records[2 * RECORD] = 10;
    assert_true(tiny_write(f->dir, "data_batch_2.bin", records, PER_FILE * RECORD));
    refused(f->spec, PH_SPLIT_TRAIN, PH_ERR_FORMAT, "data_batch_2.bin", "record 2 is 10", NULL);
}

/* --- Everything ------------------------------------------------------------------------------ */

static enum ph_status open_and_free(const ph_allocator *mem, void *spec)
{
    ph_dataset *d = NULL;
    enum ph_status st = ph_dataset_open(mem, spec, PH_SPLIT_TRAIN, &d, NULL);
    if (!st) ph_dataset_free(d);
    return st;
}

static void out_of_memory(void **state)
{
    fixture *f = *state;
    assert_true(sweep(open_and_free, f->spec, 100) > 3);
    snprintf(f->spec, sizeof f->spec, "cifar10:%s", f->dir);
    write_cifar(f->dir, 6);
    assert_true(sweep(open_and_free, f->spec, 100) > 8);
    ph_dataset_free(NULL);
}

static void crc_sees_every_part(void **state)
{
    fixture *f = *state;
    uint32_t crc[4];
    for (int i = 0; i < 4; i++) {
        tiny_images(COUNT, H, W, f->images, f->labels);
        if (i == 1) f->images[IMAGE_BYTES - 1] ^= 1;
        if (i == 2) f->labels[8] = (uint8_t)(9 - f->labels[8]);
        if (i == 3) { /* the same bytes, but columns for rows */
            tiny_word(f->images + 8, W);
            tiny_word(f->images + 12, H);
        }
        write_both(f);
        ph_dataset *d = NULL;
        assert_int_equal(ph_dataset_open(NULL, f->spec, PH_SPLIT_TRAIN, &d, NULL), PH_OK);
        crc[i] = phi_dataset_crc(d);
        ph_dataset_free(d);
        for (int k = 0; k < i; k++)
            assert_int_not_equal(crc[i], crc[k]);
    }
}

/* The data set itself: its documented numbers. */
static void fashion_mnist(void **state)
{
    (void)state;
    const char *dir = "/usr/share/datasets/fashion-mnist";
    if (access(dir, R_OK) != 0) {
        print_message("skipped: %s is not there (Debian package dataset-fashion-mnist)\n", dir);
        skip();
    }
    for (int split = 0; split < 2; split++) {
        ph_dataset *d = NULL;
        ph_error err = {0};
        size_t count = split ? 10000 : 60000, of_class[10] = {0};
        if (ph_dataset_open(NULL, "fashion-mnist:/usr/share/datasets/fashion-mnist",
                            (enum ph_split)split, &d, &err))
            fail_msg("%s", err.message);
        assert_int_equal(ph_dataset_count(d), count);
        double sum = 0;
        for (size_t i = 0; i < count; i++) {
            of_class[ph_dataset_label(d, i)]++;
            for (size_t k = 0; k < 784; k++)
                sum += ph_dataset_image(d, i)[k];
        }
        for (size_t k = 0; k < 10; k++)
            assert_int_equal(of_class[k], count / 10);
        double mean = sum / 255 / 784 / (double)count;
        assert_true(mean > 0.285 && mean < 0.288);
        assert_string_equal(ph_dataset_class(d, ph_dataset_label(d, 0)), "Ankle boot");
        ph_dataset_free(d);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(idx_plain),           TEST(idx_gzipped),
        TEST(idx_large),           TEST(idx_truncated),
        TEST(idx_too_long),        TEST(idx_magic),
        TEST(idx_sizes),           TEST(idx_labels),
        TEST(idx_broken_gzip),     TEST(idx_missing),
        TEST(unknown_kind),        TEST(cifar_good),
        TEST(cifar_broken),        TEST(out_of_memory),
        TEST(crc_sees_every_part), cmocka_unit_test(fashion_mnist),
    };
    return cmocka_run_group_tests_name("dataset", tests, NULL, NULL);
}
