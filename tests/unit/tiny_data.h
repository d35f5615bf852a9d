/* SPDX-License-Identifier: MIT */
/* Data sets of a few bytes for tests, in a scratch folder below the current one. */
#ifndef TINY_DATA_H
#define TINY_DATA_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define TINY_PATH 512

/* A new folder; its name into dir. */
static inline bool tiny_folder(char dir[TINY_PATH])
{
    snprintf(dir, TINY_PATH, "tiny-XXXXXX");
    return mkdtemp(dir) != NULL;
}

/* Remove the folder and all below it. */
static inline void tiny_remove(const char *dir)
{
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        char path[2 * TINY_PATH];
        struct stat info;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        int n = snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (n < 0 || (size_t)n >= sizeof path) continue;
        if (lstat(path, &info) == 0 && S_ISDIR(info.st_mode))
            tiny_remove(path);
        else
            unlink(path);
    }
    if (d) closedir(d);
    rmdir(dir);
}

static inline bool tiny_write(const char *dir, const char *name, const void *bytes, size_t n)
{
    char path[2 * TINY_PATH];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    if (!f) return false;
    bool ok = fwrite(bytes, 1, n, f) == n;
    return fclose(f) == 0 && ok;
}

static inline bool tiny_write_gz(const char *dir, const char *name, const void *bytes, size_t n)
{
    char path[2 * TINY_PATH];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    gzFile f = gzopen(path, "wb");
    if (!f) return false;
    bool ok = n == 0 || gzwrite(f, bytes, (unsigned)n) == (int)n;
    return gzclose(f) == Z_OK && ok;
}

static inline void tiny_word(uint8_t *to, uint32_t word)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(word >> (24 - 8 * i));
}

/*
 * `count` images of h x w whose classes can be told apart: class k is bright in row k % h and
 * column k % w, over noise. images [16 + count*h*w], labels [8 + count] with their IDX headers.
 */
static inline void tiny_images(uint32_t count, uint32_t h, uint32_t w, uint8_t *images,
                               uint8_t *labels)
{
    uint32_t state = 12345;
    tiny_word(images, 0x803);
    tiny_word(images + 4, count);
    tiny_word(images + 8, h);
    tiny_word(images + 12, w);
    tiny_word(labels, 0x801);
    tiny_word(labels + 4, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t label = i * 7 % 10;
        labels[8 + i] = (uint8_t)label;
        for (uint32_t p = 0; p < h * w; p++) {
            state = state * 1664525u + 1013904223u;
            bool bright = p / w == label % h || p % w == label * 3 % w;
            images[16 + i * h * w + p] = (uint8_t)((state >> 26) + (bright ? 150 : 0));
        }
    }
}

#endif /* TINY_DATA_H */
