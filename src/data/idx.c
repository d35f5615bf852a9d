/* SPDX-License-Identifier: MIT */
/*
 * IDX files, the format of MNIST and Fashion-MNIST: big-endian words magic, count, (rows, columns),
 * then bytes. Magic 0x00000803 is unsigned bytes in three dimensions, 0x00000801 in one.
 * LeCun, "The MNIST database", yann.lecun.com/exdb/mnist, "File formats".
 *
 * Files may be plain or gzipped. A header is believed only as far as data follows it: the buffer
 * grows with what was read, so that a short file cannot ask for a lot of memory.
 */
#include "data/dataset.h"
#include "data/gz_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define IDX_MAGIC_IMAGES 0x00000803u
#define IDX_MAGIC_LABELS 0x00000801u
#define IDX_MAX_COUNT 10000000u
#define IDX_MAX_SIDE 4096u
#define IDX_FIRST_CHUNK ((size_t)1 << 20)

typedef struct idx_file {
    phi_gz *gz;
    char *path;
} idx_file;

/* A regular file for reading; -1 and errno otherwise (EINVAL: not a regular file). */
static int open_regular(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) return -1;
    struct stat info;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) return fd;
    close(fd);
    errno = EINVAL;
    return -1;
}

/* Open DIR/NAME, or else DIR/NAME.gz. On failure f->gz is NULL; f->path is freed by idx_close. */
static enum ph_status idx_open(const ph_dataset *d, const char *dir, const char *name, idx_file *f,
                               ph_error *err)
{
    int fd = -1;
    for (int zipped = 0; zipped < 2 && fd < 0; zipped++) {
        phi_free(&d->mem, f->path);
        f->path = phi_dataset_path(d, dir, name, zipped ? ".gz" : "");
        if (!f->path) return phi_fail_nomem(err);
        fd = open_regular(f->path);
        if (fd < 0 && errno != ENOENT)
            return phi_fail(err, PH_ERR_IO, f->path, "%s: %s", f->path,
                            errno == EINVAL ? "not a regular file" : strerror(errno));
    }
    if (fd < 0)
        return phi_fail(err, PH_ERR_NOT_FOUND, dir, "%s: neither %s nor %s.gz is there", dir, name,
                        name);
    return phi_gz_open(&d->mem, fd, f->path, &f->gz, err);
}

static void idx_close(const ph_dataset *d, idx_file *f)
{
    phi_gz_close(f->gz);
    phi_free(&d->mem, f->path);
    *f = (idx_file){NULL, NULL};
}

/* The big-endian words of the header: [n_words], the magic number first. */
static enum ph_status idx_header(idx_file *f, uint32_t magic, size_t n_words, uint32_t *word,
                                 ph_error *err)
{
    unsigned char bytes[16];
    size_t got = 0;
    enum ph_status st = phi_gz_read(f->gz, bytes, 4 * n_words, &got, err);
    if (st) return st;
    if (got < 4 * n_words)
        return phi_fail(err, PH_ERR_FORMAT, f->path,
                        "%s: %zu bytes, too short for the header of %zu bytes", f->path, got,
                        4 * n_words);
    for (size_t i = 0; i < n_words; i++)
        word[i] = (uint32_t)bytes[4 * i] << 24 | (uint32_t)bytes[4 * i + 1] << 16 |
                  (uint32_t)bytes[4 * i + 2] << 8 | (uint32_t)bytes[4 * i + 3];
    if (word[0] != magic)
        return phi_fail(err, PH_ERR_FORMAT, f->path,
                        "%s: magic number 0x%08x, wanted 0x%08x (IDX, unsigned bytes, %s)", f->path,
                        (unsigned)word[0], (unsigned)magic,
                        magic == IDX_MAGIC_IMAGES ? "3 dimensions" : "1 dimension");
    if (word[1] == 0 || word[1] > IDX_MAX_COUNT)
        return phi_fail(err, PH_ERR_FORMAT, f->path, "%s: count %u, wanted 1 to %u", f->path,
                        (unsigned)word[1], IDX_MAX_COUNT);
    return PH_OK;
}

/* Is the file at its end, in one piece? (At the end of gzipped data the checksum is compared.) */
static enum ph_status idx_end(idx_file *f, size_t want, ph_error *err)
{
    unsigned char extra;
    size_t got = 0;
    enum ph_status st = phi_gz_read(f->gz, &extra, 1, &got, err);
    if (st) return st;
    if (got)
        return phi_fail(err, PH_ERR_FORMAT, f->path,
                        "%s: goes on after the %zu bytes that its header announces", f->path, want);
    return PH_OK;
}

static enum ph_status fail_nomem(const idx_file *f, size_t want, ph_error *err)
{
    return phi_fail(err, PH_ERR_NOMEM, f->path, "%s: out of memory: its header announces %zu bytes",
                    f->path, want);
}

/* Exactly `want` bytes of body up to the end of the file; *out is phi_alloc'ed. */
static enum ph_status idx_body(const ph_dataset *d, idx_file *f, size_t want, uint8_t **out,
                               ph_error *err)
{
    size_t room = want < IDX_FIRST_CHUNK ? want : IDX_FIRST_CHUNK, have = 0;
    uint8_t *data = phi_alloc(&d->mem, room);
    enum ph_status st = data ? PH_OK : fail_nomem(f, want, err);
    while (!st) {
        size_t got = 0;
        st = phi_gz_read(f->gz, data + have, room - have, &got, err);
        have += got;
        if (st || have < room || room == want) break;
        size_t more = room > want - room ? want : 2 * room;
        uint8_t *bigger = phi_alloc(&d->mem, more);
        if (!bigger) {
            st = fail_nomem(f, want, err);
            break;
        }
        memcpy(bigger, data, have);
        phi_free(&d->mem, data);
        data = bigger;
        room = more;
    }
    if (!st && have < want)
        st = phi_fail(err, PH_ERR_FORMAT, f->path,
                      "%s: %zu bytes behind the header, which announces %zu", f->path, have, want);
    if (!st) st = idx_end(f, want, err);
    if (st)
        phi_free(&d->mem, data);
    else
        *out = data;
    return st;
}

static enum ph_status read_images(ph_dataset *d, const char *dir, const char *name, ph_error *err)
{
    idx_file f = {NULL, NULL};
    uint32_t word[4] = {0};
    size_t bytes = 0;
    enum ph_status st = idx_open(d, dir, name, &f, err);
    if (!st) st = idx_header(&f, IDX_MAGIC_IMAGES, 4, word, err);
    if (!st && (word[2] == 0 || word[2] > IDX_MAX_SIDE || word[3] == 0 || word[3] > IDX_MAX_SIDE))
        st = phi_fail(err, PH_ERR_FORMAT, f.path, "%s: images of %u x %u, wanted 1 to %u each way",
                      f.path, (unsigned)word[2], (unsigned)word[3], IDX_MAX_SIDE);
    if (!st && !phi_mul_size(word[1], (size_t)word[2] * word[3], &bytes))
        st = phi_fail(err, PH_ERR_OVERFLOW, f.path, "%s: %u images of %u x %u are too much", f.path,
                      (unsigned)word[1], (unsigned)word[2], (unsigned)word[3]);
    if (!st) st = idx_body(d, &f, bytes, &d->images, err);
    d->count = word[1];
    d->chw[0] = 1;
    d->chw[1] = word[2];
    d->chw[2] = word[3];
    idx_close(d, &f);
    return st;
}

static enum ph_status check_labels(const ph_dataset *d, const char *path, ph_error *err)
{
    for (size_t i = 0; i < d->count; i++)
        if (d->labels[i] >= d->n_classes)
            return phi_fail(err, PH_ERR_FORMAT, path, "%s: label %zu is %u, wanted 0 to %zu", path,
                            i, (unsigned)d->labels[i], d->n_classes - 1);
    return PH_OK;
}

static enum ph_status read_labels(ph_dataset *d, const char *dir, const char *name, ph_error *err)
{
    idx_file f = {NULL, NULL};
    uint32_t word[2] = {0};
    enum ph_status st = idx_open(d, dir, name, &f, err);
    if (!st) st = idx_header(&f, IDX_MAGIC_LABELS, 2, word, err);
    if (!st && word[1] != d->count)
        st = phi_fail(err, PH_ERR_FORMAT, f.path, "%s: %u labels for %zu images", f.path,
                      (unsigned)word[1], d->count);
    if (!st) st = idx_body(d, &f, word[1], &d->labels, err);
    if (!st) st = check_labels(d, f.path, err);
    idx_close(d, &f);
    return st;
}

enum ph_status phi_idx_read(ph_dataset *d, const char *dir, enum ph_split split, ph_error *err)
{
    bool test = split == PH_SPLIT_TEST;
    enum ph_status st =
        read_images(d, dir, test ? "t10k-images-idx3-ubyte" : "train-images-idx3-ubyte", err);
    if (st) return st;
    return read_labels(d, dir, test ? "t10k-labels-idx1-ubyte" : "train-labels-idx1-ubyte", err);
}
