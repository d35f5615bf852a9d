/* SPDX-License-Identifier: MIT */
/*
 * Data sets: which kinds there are, and what can be asked of one once it is in memory.
 */
#include "data/dataset.h"

#include <zlib.h>

/* Names as in the data set's own documentation: github.com/zalandoresearch/fashion-mnist, "Labels",
 * and www.cs.toronto.edu/~kriz/cifar.html. */
static const char *const fashion_classes[] = {"T-shirt/top", "Trouser",   "Pullover", "Dress",
                                              "Coat",        "Sandal",    "Shirt",    "Sneaker",
                                              "Bag",         "Ankle boot"};
static const char *const cifar10_classes[] = {"airplane", "automobile", "bird",  "cat",  "deer",
                                              "dog",      "frog",       "horse", "ship", "truck"};

typedef struct dataset_kind {
    const char *name;
    phi_dataset_reader *read;
    size_t n_classes;
    const char *const *classes;
} dataset_kind;

static const dataset_kind kinds[] = {
    {"fashion-mnist", phi_idx_read, PHI_COUNT(fashion_classes), fashion_classes},
    {"cifar10", phi_cifar10_read, PHI_COUNT(cifar10_classes), cifar10_classes},
};

/* The kind named before the first ':' of `spec`; *dir is what follows. */
static const dataset_kind *find_kind(const char *spec, const char **dir)
{
    for (size_t i = 0; i < PHI_COUNT(kinds); i++) {
        size_t n = strlen(kinds[i].name);
        if (strncmp(spec, kinds[i].name, n) == 0 && spec[n] == ':' && spec[n + 1] != '\0') {
            *dir = spec + n + 1;
            return &kinds[i];
        }
    }
    return NULL;
}

char *phi_dataset_path(const ph_dataset *d, const char *dir, const char *name, const char *suffix)
{
    size_t n = strlen(dir);
    return phi_asprintf(&d->mem, "%s%s%s%s", dir, n > 0 && dir[n - 1] == '/' ? "" : "/", name,
                        suffix);
}

enum ph_status ph_dataset_open(const ph_allocator *mem, const char *spec, enum ph_split split,
                               ph_dataset **out, ph_error *err)
{
    const char *dir = NULL;
    const dataset_kind *kind = find_kind(spec, &dir);
    if (!kind)
        return phi_fail(err, PH_ERR_ARG, spec,
                        "data set '%s': wanted fashion-mnist:DIR or cifar10:DIR", spec);
    if (split != PH_SPLIT_TRAIN && split != PH_SPLIT_TEST)
        return phi_fail(err, PH_ERR_ARG, spec, "data set '%s': %d is no split", spec, (int)split);

    ph_allocator m = phi_allocator(mem);
    ph_dataset *d = phi_calloc(&m, 1, sizeof *d);
    if (!d) return phi_fail_nomem(err);
    d->mem = m;
    d->n_classes = kind->n_classes;
    d->classes = kind->classes;
    enum ph_status st = kind->read(d, dir, split, err);
    if (st) {
        ph_dataset_free(d);
        return st;
    }
    d->image_bytes = (size_t)(d->chw[0] * d->chw[1] * d->chw[2]);
    *out = d;
    return PH_OK;
}

void ph_dataset_free(ph_dataset *d)
{
    if (!d) return;
    ph_allocator mem = d->mem;
    phi_free(&mem, d->images);
    phi_free(&mem, d->labels);
    phi_free(&mem, d);
}

size_t ph_dataset_count(const ph_dataset *d)
{
    return d->count;
}

void ph_dataset_shape(const ph_dataset *d, int64_t chw[3])
{
    for (int i = 0; i < 3; i++)
        chw[i] = d->chw[i];
}

size_t ph_dataset_n_classes(const ph_dataset *d)
{
    return d->n_classes;
}

const char *ph_dataset_class(const ph_dataset *d, size_t label)
{
    return label < d->n_classes ? d->classes[label] : "?";
}

size_t ph_dataset_label(const ph_dataset *d, size_t i)
{
    assert(i < d->count);
    return d->labels[i];
}

const uint8_t *ph_dataset_image(const ph_dataset *d, size_t i)
{
    assert(i < d->count);
    return d->images + i * d->image_bytes;
}

void ph_dataset_floats(const ph_dataset *d, size_t first, size_t n, float *x)
{
    assert(first <= d->count && n <= d->count - first);
    const uint8_t *from = d->images + first * d->image_bytes;
    for (size_t i = 0; i < n * d->image_bytes; i++)
        x[i] = phi_pixel_float(from[i]);
}

uint32_t phi_dataset_crc(const ph_dataset *d)
{
    uint32_t words[5] = {(uint32_t)d->n_classes, (uint32_t)d->count, (uint32_t)d->chw[0],
                         (uint32_t)d->chw[1], (uint32_t)d->chw[2]};
    unsigned char shape[sizeof words]; /* little-endian on every host */
    for (size_t i = 0; i < sizeof shape; i++)
        shape[i] = (unsigned char)(words[i / 4] >> (8 * (i % 4)));
    uLong crc = crc32_z(0, shape, sizeof shape);
    crc = crc32_z(crc, d->labels, d->count);
    return (uint32_t)crc32_z(crc, d->images, d->count * d->image_bytes);
}
