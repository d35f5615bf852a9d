/* SPDX-License-Identifier: MIT */
/*
 * Outputs of a run as .npy files.
 */
#include "run.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* With ".npy" and a number for collisions this stays under NAME_MAX. */
enum { NAME_BYTES = 200 };

/* The name of a value as the name of a file: one component, visible, printable. */
static void safe_name(const char *name, char out[NAME_BYTES])
{
    size_t n = 0;
    for (; name[n] && n < NAME_BYTES - 1; n++) {
        unsigned char c = (unsigned char)name[n];
        bool bad = c < 0x20 || c == 0x7f || strchr("/\\:*?\"<>|", c) || (n == 0 && c == '.');
        out[n] = bad ? '_' : (char)c;
    }
    out[n] = '\0';
    if (n == 0) snprintf(out, NAME_BYTES, "output");
}

static bool is_taken(char (*names)[NAME_BYTES + 16], size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcasecmp(names[i], name) == 0) return true; /* some file systems ignore case */
    }
    return false;
}

static void unique_name(char (*names)[NAME_BYTES + 16], size_t i, const char *name)
{
    char safe[NAME_BYTES];
    safe_name(name, safe);
    snprintf(names[i], sizeof names[i], "%s", safe);
    for (unsigned k = 2; is_taken(names, i, names[i]); k++) {
        snprintf(names[i], sizeof names[i], "%s_%u", safe, k);
    }
}

static void print_output(const char *name, const ph_tensor *t, const char *path)
{
    char shape[200], plain[256];
    double least = (double)INFINITY, most = (double)-INFINITY, sum = 0.0;
    int64_t n = ph_tensor_count(t);
    for (int64_t i = 0; i < n; i++) {
        double x = run_element(t, i);
        if (x < least) least = x;
        if (x > most) most = x;
        sum += x;
    }
    printf("%s %s %s", cli_plain(name, plain, sizeof plain), ph_dtype_name(ph_tensor_dtype(t)),
           cli_dims(ph_tensor_rank(t), ph_tensor_dims(t), shape, sizeof shape));
    if (n > 0) printf(" min %.6g max %.6g mean %.6g", least, most, sum / (double)n);
    printf(" -> %s\n", path);
}

static int write_output(const char *dir, const char *file, const char *name, const ph_tensor *t)
{
    ph_error err = {0};
    size_t bytes = strlen(dir) + strlen(file) + sizeof "/.npy";
    char *path = malloc(bytes);
    if (!path) return cli_nomem();
    snprintf(path, bytes, "%s/%s.npy", dir, file);
    enum ph_status st = ph_tensor_write_npy(t, path, &err);
    if (!st) print_output(name, t, path);
    free(path);
    return st ? cli_fail(st, &err) : CLI_OK;
}

int run_write_outputs(const ph_graph *g, const char *dir, ph_tensor *const *outputs)
{
    size_t n = ph_graph_n_outputs(g);
    char(*names)[NAME_BYTES + 16] = calloc(n + 1, sizeof *names);
    int status = names ? CLI_OK : cli_nomem();
    if (status == CLI_OK && mkdir(dir, 0777) != 0 && errno != EEXIST) {
        status = cli_error(CLI_INPUT, "cannot make the folder '%s': %s", dir, strerror(errno));
    }
    for (size_t i = 0; status == CLI_OK && i < n; i++) {
        const char *name = ph_value_name(g, ph_graph_output(g, i));
        unique_name(names, i, name);
        status = write_output(dir, names[i], name, outputs[i]);
    }
    free(names);
    return status;
}
