/* SPDX-License-Identifier: MIT */
/*
 * JSON documents that the program prints. Failures to add are noticed by cli_json_write.
 */
#ifndef PINHOLE_CLI_JSON_H
#define PINHOLE_CLI_JSON_H

#include "util.h"

#include <jansson.h>

void cli_json_int(json_t *object, const char *key, int64_t value);
void cli_json_real(json_t *object, const char *key, double value); /* null if it is not finite */
void cli_json_text(json_t *object, const char *key, const char *text);
void cli_json_set(json_t *object, const char *key, json_t *value); /* takes `value` */

/* Write and free `root` (may be NULL after a failure); "-" is stdout. CLI_OK or an exit status. */
int cli_json_write(json_t *root, const char *path);

#endif /* PINHOLE_CLI_JSON_H */
