/* SPDX-License-Identifier: MIT */
/*
 * Names of images: from the command line, from folders, from a list that may still be being
 * written.
 */
#include "classify.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_MAX_BYTES = 1 << 16, POLL_MS = 100 };

struct source {
    char **path; /* [n], known from the start */
    size_t n, capacity, at;
    int fd; /* of the list, or -1 */
    const char *list;
    char separator;
    char *text; /* [used] of the list, not yet given out; [NAME_MAX_BYTES] */
    size_t begin, used;
    bool at_end;
    int status;
};

static int cannot_read(const char *path, int error)
{
    return cli_error(CLI_INPUT, "cannot read '%s': %s", path, strerror(error));
}

static int add_path(source *s, const char *path)
{
    if (s->n == s->capacity) {
        size_t more = s->capacity ? 2 * s->capacity : 64;
        char **bigger = realloc(s->path, more * sizeof *bigger);
        if (!bigger) return cli_nomem();
        s->path = bigger;
        s->capacity = more;
    }
    s->path[s->n] = strdup(path);
    return s->path[s->n++] ? CLI_OK : cli_nomem();
}

/* --- Folders ---------------------------------------------------------------------------------- */

static bool is_image_name(const char *name)
{
    static const char *const endings[] = {".jpg", ".jpeg", ".png"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < CLI_COUNT(endings); i++) {
        if (strcasecmp(dot, endings[i]) == 0) return true;
    }
    return false;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* Everything below it; links to folders are not followed. */
static int add_folder(source *s, char *folder)
{
    char *const roots[] = {folder, NULL};
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
    int status = walk ? CLI_OK : cannot_read(folder, errno);
    size_t before = s->n;
    for (FTSENT *e; status == CLI_OK && (e = fts_read(walk)) != NULL;) {
        if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR) {
            status = cannot_read(e->fts_path, e->fts_errno);
        }
        bool file = e->fts_info == FTS_F || e->fts_info == FTS_SL;
        if (file && is_image_name(e->fts_name)) status = add_path(s, e->fts_path);
    }
    if (walk) fts_close(walk);
    if (status == CLI_OK && s->n == before) {
        status = cli_error(CLI_INPUT, "no image (.jpg, .jpeg, .png) in folder '%s'", folder);
    }
    return status;
}

/* --- Lists ------------------------------------------------------------------------------------ */

static int open_list(source *s, const char *list)
{
    if (s->fd >= 0) return cli_usage("one list of images, not two");
    s->list = strcmp(list, "-") == 0 ? "standard input" : list;
    s->fd = strcmp(list, "-") == 0 ? dup(STDIN_FILENO) : open(list, O_RDONLY | O_CLOEXEC);
    if (s->fd < 0) return cannot_read(list, errno);
    s->text = malloc(NAME_MAX_BYTES);
    return s->text ? CLI_OK : cli_nomem();
}

/* Wait for more of the list; false at its end, on an error, and once *stop is set. */
static bool read_more(source *s, const atomic_bool *stop)
{
    struct pollfd p = {.fd = s->fd, .events = POLLIN};
    memmove(s->text, s->text + s->begin, s->used - s->begin);
    s->used -= s->begin;
    s->begin = 0;
    while (!*stop) {
        int ready = poll(&p, 1, POLL_MS);
        if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
        ssize_t n = read(s->fd, s->text + s->used, NAME_MAX_BYTES - s->used);
        if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (n < 0) s->status = cannot_read(s->list, errno);
        if (n <= 0) return false;
        s->used += (size_t)n;
        return true;
    }
    return false;
}

/* A name without its end, a line's also without '\r'; NULL after a failure. */
static char *take_name(source *s, size_t n)
{
    const char *from = s->text + s->begin;
    if (s->separator == '\n' && n > 0 && from[n - 1] == '\r') n--;
    char *name = strndup(from, n);
    if (!name) s->status = cli_nomem();
    return name;
}

/* The next name that is not empty. */
static char *next_of_list(source *s, const atomic_bool *stop)
{
    while (s->status == CLI_OK) {
        size_t n = s->used - s->begin;
        char *end = memchr(s->text + s->begin, s->separator, n);
        if (!end && !s->at_end && n == NAME_MAX_BYTES) {
            s->status = cli_error(CLI_INPUT, "%s: a name of more than %d bytes", s->list,
                                  (int)NAME_MAX_BYTES);
            break;
        }
        if (!end && !s->at_end) {
            s->at_end = !read_more(s, stop);
            if (*stop) break;
            continue;
        }
        if (!end && n == 0) break;
        size_t length = end ? (size_t)(end - s->text) - s->begin : n;
        char *name = take_name(s, length);
        s->begin += length + (end != NULL);
        if (name && *name) return name;
        free(name);
    }
    return NULL;
}

/* A list in a file is read at once, so that it is known how many images there are. */
static int read_whole_list(source *s)
{
    const atomic_bool never = false;
    struct stat st;
    if (fstat(s->fd, &st) != 0 || !S_ISREG(st.st_mode)) return CLI_OK;
    for (char *name; (name = next_of_list(s, &never)) != NULL; free(name)) {
        if (s->status == CLI_OK) s->status = add_path(s, name);
    }
    close(s->fd);
    s->fd = -1;
    return s->status;
}

/* --- The whole -------------------------------------------------------------------------------- */

static int add_operand(source *s, const classify_options *o, char *operand)
{
    struct stat st;
    if (strcmp(operand, "-") == 0) return open_list(s, operand);
    if (o->stream && stat(operand, &st) == 0 && S_ISDIR(st.st_mode)) return add_folder(s, operand);
    return add_path(s, operand);
}

int source_new(const classify_options *o, size_t n, char **operands, source **out)
{
    source *s = calloc(1, sizeof *s);
    *out = NULL;
    if (!s) return cli_nomem();
    s->fd = -1;
    s->separator = o->null ? '\0' : '\n';
    int status = o->list ? open_list(s, o->list) : CLI_OK;
    for (size_t i = 0; status == CLI_OK && i < n; i++) {
        status = add_operand(s, o, operands[i]);
    }
    if (status == CLI_OK && s->fd >= 0) status = read_whole_list(s);
    if (status != CLI_OK) {
        source_free(s);
        return status;
    }
    *out = s;
    return CLI_OK;
}

void source_free(source *s)
{
    if (!s) return;
    for (size_t i = s->at; i < s->n; i++) {
        free(s->path[i]);
    }
    free(s->path);
    free(s->text);
    if (s->fd >= 0) close(s->fd);
    free(s);
}

char *source_next(source *s, const atomic_bool *stop)
{
    if (*stop) return NULL;
    if (s->at < s->n) return s->path[s->at++];
    return s->fd < 0 ? NULL : next_of_list(s, stop);
}

size_t source_total(const source *s)
{
    return s->fd < 0 ? s->n : SIZE_MAX;
}

int source_status(const source *s)
{
    return s->status;
}
