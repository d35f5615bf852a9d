/* SPDX-License-Identifier: MIT */
/*
 * Files for the tests of the program, and a look into JSON.
 *
 *   cli_helper idx DIR TRAIN TEST        a data set of 28x28 images in IDX files
 *   cli_helper npy FILE TYPE DIMS        float32 or int64, 0, 1/8, 2/8, ... or 0, 1, 2, ...
 *   cli_helper pb FILE NAME NPY [ADD]    the tensor of an .npy file as an ONNX TensorProto, with
 *                                        ADD added to its last element
 *   cli_helper json FILE PATH            the value at a PATH such as layers[0].name
 */
#include <pinhole/pinhole.h>

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static int fail(const char *what)
{
    fprintf(stderr, "cli_helper: %s\n", what);
    return 1;
}

static FILE *open_in(const char *dir, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    if (!f) exit(fail(path));
    return f;
}

/* --- IDX ------------------------------------------------------------------------------------ */

enum { SIDE = 28, CLASSES = 10 };

static void put_u32(FILE *f, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8) {
        putc((int)(value >> shift & 255), f);
    }
}

/* A bright bar whose height above the bottom is the class, over noise. */
static void put_image(FILE *f, int label, uint32_t *state)
{
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
            *state = *state * 1664525u + 1013904223u;
            int noise = (int)(*state >> 27);
            bool bar = y / 2 == 2 + label && x > 3 && x < 24;
            putc(noise + (bar ? 200 : 0), f);
        }
    }
}

static void put_split(const char *dir, const char *split, uint32_t n, uint32_t seed)
{
    char name[64];
    snprintf(name, sizeof name, "%s-images-idx3-ubyte", split);
    FILE *images = open_in(dir, name);
    snprintf(name, sizeof name, "%s-labels-idx1-ubyte", split);
    FILE *labels = open_in(dir, name);
    put_u32(images, 0x803);
    put_u32(images, n);
    put_u32(images, SIDE);
    put_u32(images, SIDE);
    put_u32(labels, 0x801);
    put_u32(labels, n);
    for (uint32_t i = 0; i < n; i++) {
        int label = (int)((i * 7 + i / CLASSES) % CLASSES);
        put_image(images, label, &seed);
        putc(label, labels);
    }
    fclose(images);
    fclose(labels);
}

static int make_idx(const char *dir, const char *train, const char *test)
{
    put_split(dir, "train", (uint32_t)atoi(train), 1);
    put_split(dir, "t10k", (uint32_t)atoi(test), 2);
    return 0;
}

/* --- Tensors -------------------------------------------------------------------------------- */

static int make_npy(const char *path, const char *type, const char *text)
{
    int64_t dims[PH_MAX_RANK];
    size_t rank = 0;
    ph_error err = {0};
    ph_tensor *t;
    for (char *end; *text && rank < PH_MAX_RANK; text = *end ? end + 1 : end) {
        dims[rank++] = strtoll(text, &end, 10);
    }
    enum ph_dtype dtype = strcmp(type, "int64") == 0 ? PH_INT64 : PH_FLOAT32;
    if (ph_tensor_new(NULL, dtype, rank, dims, &t, &err)) return fail(err.message);
    for (int64_t i = 0; i < ph_tensor_count(t); i++) {
        if (dtype == PH_INT64) {
            ((int64_t *)ph_tensor_data(t))[i] = i;
        } else {
            ((float *)ph_tensor_data(t))[i] = (float)(i % 64) / 8.0f;
        }
    }
    enum ph_status st = ph_tensor_write_npy(t, path, &err);
    ph_tensor_free(t);
    return st ? fail(err.message) : 0;
}

static void put_varint(FILE *f, uint64_t value)
{
    for (; value >= 128; value >>= 7) {
        putc((int)(value & 127) | 128, f);
    }
    putc((int)value, f);
}

/* TensorProto: dims = 1, data_type = 2, name = 8, raw_data = 9. Little-endian hosts only. */
static int make_pb(const char *path, const char *name, const char *npy, const char *add)
{
    ph_error err = {0};
    ph_tensor *t;
    if (ph_tensor_read_npy(NULL, npy, &t, &err)) return fail(err.message);
    FILE *f = fopen(path, "wb");
    if (!f) return fail(path);
    if (add && ph_tensor_dtype(t) == PH_FLOAT32) {
        ((float *)ph_tensor_data(t))[ph_tensor_count(t) - 1] += strtof(add, NULL);
    }
    for (size_t i = 0; i < ph_tensor_rank(t); i++) {
        putc(1 << 3, f);
        put_varint(f, (uint64_t)ph_tensor_dims(t)[i]);
    }
    putc(2 << 3, f);
    put_varint(f, (uint64_t)ph_tensor_dtype(t));
    putc(8 << 3 | 2, f);
    put_varint(f, strlen(name));
    fputs(name, f);
    putc(9 << 3 | 2, f);
    put_varint(f, ph_tensor_bytes(t));
    fwrite(ph_tensor_const_data(t), 1, ph_tensor_bytes(t), f);
    ph_tensor_free(t);
    return fclose(f) ? fail(path) : 0;
}

/* --- JSON ----------------------------------------------------------------------------------- */

static json_t *step(json_t *at, char **path)
{
    char *p = *path;
    if (*p == '[') {
        size_t index = strtoul(p + 1, &p, 10);
        *path = p + (*p == ']');
        return json_array_get(at, index);
    }
    p += *p == '.';
    size_t n = strcspn(p, ".[");
    char key[128];
    snprintf(key, sizeof key, "%.*s", (int)n, p);
    *path = p + n;
    return json_object_get(at, key);
}

static int read_json(const char *file, char *path)
{
    json_error_t error;
    json_t *root = json_load_file(file, 0, &error), *at = root;
    if (!root) return fail(error.text);
    while (at && *path) {
        at = step(at, &path);
    }
    if (at) json_dumpf(at, stdout, JSON_ENCODE_ANY | JSON_COMPACT);
    bool found = at != NULL;
    json_decref(root);
    return found ? 0 : fail("no such value");
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "idx") == 0 && argc == 5) return make_idx(argv[2], argv[3], argv[4]);
    if (strcmp(what, "npy") == 0 && argc == 5) return make_npy(argv[2], argv[3], argv[4]);
    if (strcmp(what, "pb") == 0 && argc == 5) return make_pb(argv[2], argv[3], argv[4], NULL);
    if (strcmp(what, "pb") == 0 && argc == 6) return make_pb(argv[2], argv[3], argv[4], argv[5]);
    if (strcmp(what, "json") == 0 && argc == 4) return read_json(argv[2], argv[3]);
    return fail("wrong arguments");
}
