/* SPDX-License-Identifier: MIT */
/*
 * Files that the program writes, and the model on stdin.
 */
#include "util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int cannot_write(const char *path, int error)
{
    return cli_error(CLI_INPUT, "cannot write '%s': %s", path, strerror(error));
}

/* Give a file made by mkstemp the permissions that open would have given it. */
static void usual_permissions(int fd)
{
    mode_t mask = umask(0);
    umask(mask);
    (void)!fchmod(fd, 0666 & ~mask);
}

/* Replace `path` by a file next to it: the target with links resolved, and a temporary's name. */
static bool name_files(cli_out *out)
{
    char *real = realpath(out->path, NULL);
    out->target = real ? real : strdup(out->path);
    if (!out->target) return false;
    size_t bytes = strlen(out->target) + sizeof ".tmp-XXXXXX";
    out->temporary = malloc(bytes);
    if (!out->temporary) return false;
    snprintf(out->temporary, bytes, "%s.tmp-XXXXXX", out->target);
    return true;
}

static void forget(cli_out *out)
{
    free(out->target);
    free(out->temporary);
    *out = (cli_out){0};
}

int cli_out_open(cli_out *out, const char *path)
{
    struct stat st;
    *out = (cli_out){.path = path};
    if (strcmp(path, "-") == 0) {
        out->f = stdout;
        return CLI_OK;
    }
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        out->f = fopen(path, "w");
        return out->f ? CLI_OK : cannot_write(path, errno);
    }
    if (!name_files(out)) {
        forget(out);
        return cli_nomem();
    }
    int fd = mkstemp(out->temporary);
    if (fd < 0) {
        int error = errno;
        forget(out);
        return cannot_write(path, error);
    }
    usual_permissions(fd);
    out->f = fdopen(fd, "w");
    if (!out->f) {
        close(fd);
        unlink(out->temporary);
        forget(out);
        return cli_nomem();
    }
    return CLI_OK;
}

int cli_out_close(cli_out *out, bool keep)
{
    if (!out->f) return CLI_OK;
    if (out->f == stdout) { /* main looks at stdout's state */
        *out = (cli_out){0};
        return CLI_OK;
    }
    int status = CLI_OK, error = 0;
    if (ferror(out->f)) error = EIO;
    if (fflush(out->f) != 0) error = errno;
    if (fclose(out->f) != 0 && !error) error = errno;
    if (keep && !error && out->temporary && rename(out->temporary, out->target) != 0) error = errno;
    if (out->temporary && (error || !keep)) unlink(out->temporary);
    if (keep && error) status = cannot_write(out->path, error);
    forget(out);
    return status;
}

int cli_check_writable(const char *option, const char *path)
{
    struct stat st;
    if (strcmp(path, "-") == 0) return CLI_OK;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        return cli_error(CLI_INPUT, "option '%s': '%s' is a directory", option, path);
    }
    cli_out out;
    int status = cli_out_open(&out, path);
    if (status != CLI_OK) return status;
    return cli_out_close(&out, false);
}

/* Copy a whole file to stdout. */
static int copy_to_stdout(const char *path)
{
    char buf[1 << 16];
    FILE *f = fopen(path, "rb");
    if (!f) return cli_error(CLI_INPUT, "cannot read '%s': %s", path, strerror(errno));
    for (size_t n; (n = fread(buf, 1, sizeof buf, f)) > 0;) {
        if (fwrite(buf, 1, n, stdout) != n) break; /* main looks at stdout's state */
    }
    fclose(f);
    return CLI_OK;
}

int cli_write_model(const ph_graph *g, const char *path)
{
    ph_error err = {0};
    if (strcmp(path, "-") != 0) {
        enum ph_status st = ph_onnx_write(g, path, &err);
        return st ? cli_fail(st, &err) : CLI_OK;
    }
    if (isatty(STDOUT_FILENO)) return cli_usage("a model is not written to a terminal");
    const char *folder = getenv("TMPDIR");
    char name[4096];
    snprintf(name, sizeof name, "%s/pinhole-XXXXXX", folder && *folder ? folder : "/tmp");
    int fd = mkstemp(name);
    if (fd < 0) return cannot_write(name, errno);
    close(fd);
    enum ph_status st = ph_onnx_write(g, name, &err);
    int status = st ? cli_fail(st, &err) : copy_to_stdout(name);
    unlink(name);
    return status;
}

/* --- Models --------------------------------------------------------------------------------- */

/* All of stdin, to be freed with cli_free(); NULL after a message, whose status is in *status. */
static char *read_stdin(size_t *bytes, int *status)
{
    char *text = NULL;
    size_t used = 0, room = 0;
    for (;;) {
        if (used == room) {
            size_t more = room ? 2 * room : (size_t)1 << 16;
            char *bigger = more > room ? cli_alloc(more) : NULL;
            if (bigger && used) memcpy(bigger, text, used);
            cli_free(text);
            text = bigger;
            room = more;
            if (!text) {
                *status = cli_nomem();
                return NULL;
            }
        }
        size_t n = fread(text + used, 1, room - used, stdin);
        if (n == 0) break;
        used += n;
    }
    if (ferror(stdin)) {
        cli_free(text);
        *status = cli_error(CLI_INPUT, "cannot read standard input: %s", strerror(errno));
        return NULL;
    }
    *bytes = used;
    return text;
}

/* Text has no control characters but white space; the first byte of an ONNX file is 0x08. */
static bool looks_like_text(const char *bytes, size_t n)
{
    for (size_t i = 0; i < n && i < 512; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c < 0x20 && c != '\n' && c != '\r' && c != '\t') return false;
    }
    return true;
}

static enum ph_status parse_text(const char *text, size_t bytes, const uint64_t *seed,
                                 ph_graph **out, ph_error *err)
{
    return seed ? ph_net_parse(cli_memory(), text, bytes, "<stdin>", *seed, out, err)
                : ph_net_outline(cli_memory(), text, bytes, "<stdin>", out, err);
}

static int load_stdin(const uint64_t *seed, ph_graph **out)
{
    ph_error err = {0};
    size_t bytes;
    int status;
    char *text = read_stdin(&bytes, &status);
    if (!text) return status;
    enum ph_status st = looks_like_text(text, bytes)
                            ? parse_text(text, bytes, seed, out, &err)
                            : ph_onnx_read_memory(cli_memory(), text, bytes, out, &err);
    cli_free(text);
    return st ? cli_fail_in("<stdin>", st, &err) : CLI_OK;
}

/* How a model is read: ph_model_load, ph_model_open or, `seed` NULL, ph_model_outline. */
static int load(const char *model, const uint64_t *seed, bool open, ph_graph **out)
{
    ph_error err = {0};
    *out = NULL;
    if (strcmp(model, "-") == 0) return load_stdin(seed, out);
    enum ph_status st = !seed  ? ph_model_outline(cli_memory(), model, out, &err)
                        : open ? ph_model_open(cli_memory(), model, *seed, out, &err)
                               : ph_model_load(cli_memory(), model, *seed, out, &err);
    return st ? cli_fail_in(model, st, &err) : CLI_OK;
}

int cli_load_model(const char *model, uint64_t seed, ph_graph **out)
{
    return load(model, &seed, false, out);
}

int cli_open_model(const char *model, ph_graph **out)
{
    const uint64_t seed = 0;
    return load(model, &seed, true, out);
}

int cli_load_outline(const char *model, ph_graph **out)
{
    return load(model, NULL, false, out);
}

int cli_open_data(const char *spec, enum ph_split split, ph_dataset **out)
{
    ph_error err = {0};
    *out = NULL;
    enum ph_status st = ph_dataset_open(cli_memory(), spec, split, out, &err);
    if (st == PH_ERR_ARG) return cli_usage("option '--data': %s", err.message);
    return st ? cli_fail(st, &err) : CLI_OK;
}
