/* SPDX-License-Identifier: MIT */
/*
 * --measure and --measurements, for the commands that plan a run.
 */
#include "options.h"

static int read_file(const cli_measure *o, ph_measurements **out)
{
    ph_error err = {0};
    enum ph_status st = ph_measurements_read(cli_memory(), o->file, out, &err);
    if (st == PH_ERR_NOT_FOUND && o->measure) st = ph_measurements_new(cli_memory(), out, &err);
    return st ? cli_fail(st, &err) : CLI_OK;
}

/* Others may have measured meanwhile: what is in the file then counts. */
static int write_file(const cli_measure *o, ph_measurements *m)
{
    ph_error err = {0};
    enum ph_status st = ph_measurements_write(m, o->file, &err);
    return st ? cli_fail(st, &err) : CLI_OK;
}

int cli_measure_first(const cli_measure *o, const ph_graph *g, const char *model,
                      ph_plan_desc *desc, ph_measurements **out)
{
    ph_error err = {0};
    enum ph_status st = PH_OK;
    *out = NULL;
    if (!o->measure && !o->file) return CLI_OK;
    if (o->file) {
        int status = read_file(o, out);
        if (status != CLI_OK) return status;
    } else {
        st = ph_measurements_new(cli_memory(), out, &err);
    }
    if (!st && o->measure) st = ph_measurements_add(*out, g, desc, &err);
    if (st) return cli_fail_in(model, st, &err);
    desc->measurements = *out;
    return o->measure && o->file ? write_file(o, *out) : CLI_OK;
}
