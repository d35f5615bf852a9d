/* SPDX-License-Identifier: MIT */
/* Runs a fuzz target over files, and over the files in directories: an old crash is a test. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fuzz.h"

/* 1: done, 0: could not be read. */
static size_t replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    unsigned char *bytes;
    size_t n;

    if (!f || fseek(f, 0, SEEK_END) != 0) {
        fprintf(stderr, "cannot read %s\n", path);
        if (f) fclose(f);
        return 0;
    }
    n = (size_t)ftell(f);
    rewind(f);
    bytes = malloc(n ? n : 1); /* no byte more, so that reading past the end is seen */
    if (!bytes || fread(bytes, 1, n, f) != n) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(1);
    }
    fclose(f);
    (void)LLVMFuzzerTestOneInput(bytes, n);
    free(bytes);
    return 1;
}

static size_t replay(const char *path)
{
    char inner[4096];
    size_t n = 0;
    struct stat st;
    DIR *d = opendir(path);

    if (!d) return replay_file(path);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        snprintf(inner, sizeof inner, "%s/%s", path, e->d_name);
        if (stat(inner, &st) != 0 || !S_ISREG(st.st_mode)) continue;
        fprintf(stderr, "%s\n", inner); /* the last line names the one that crashed */
        n += replay_file(inner);
    }
    closedir(d);
    return n;
}

int main(int argc, char **argv)
{
    size_t n = 0;

    for (int i = 1; i < argc; i++)
        n += replay(argv[i]);
    printf("%zu inputs\n", n);
    return n == 0; /* an empty corpus tests nothing */
}
