/* SPDX-License-Identifier: MIT */
/*
 * The few things of JSON that the commands need.
 */
#include "json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* jansson reports failure call by call; one flag is enough, as a document is written right away. */
static bool failed = false;

void cli_json_set(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0) failed = true;
}

void cli_json_int(json_t *object, const char *key, int64_t value)
{
    cli_json_set(object, key, json_integer(value));
}

void cli_json_real(json_t *object, const char *key, double value)
{
    cli_json_set(object, key, isfinite(value) ? json_real(value) : json_null());
}

/* Names of files and classes may be any bytes; what is not UTF-8 becomes '?'. */
void cli_json_text(json_t *object, const char *key, const char *text)
{
    json_t *string = json_string(text);
    char *plain = string ? NULL : strdup(text);
    if (plain) {
        for (char *c = plain; *c; c++) {
            if ((unsigned char)*c >= 0x80) *c = '?';
        }
        string = json_string(plain);
        free(plain);
    }
    cli_json_set(object, key, string);
}

int cli_json_write(json_t *root, const char *path)
{
    cli_out out;
    int status = CLI_OK;
    if (!root || failed) {
        json_decref(root);
        return cli_nomem();
    }
    status = cli_out_open(&out, path);
    if (status == CLI_OK) {
        bool bad = json_dumpf(root, out.f, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) != 0;
        if (bad && !ferror(out.f)) status = cli_nomem();
        fputc('\n', out.f);
        int closed = cli_out_close(&out, status == CLI_OK);
        if (status == CLI_OK) status = closed;
    }
    json_decref(root);
    return status;
}
