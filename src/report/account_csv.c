/* SPDX-License-Identifier: MIT */
/* RFC 4180: one row a layer, shapes as 1x64x28x28, shares from 0 to 1. */
#include <inttypes.h>
#include <stdio.h>

#include "report/report.h"

/* RFC 4180 has no place for control characters: cleaned, so that a row is a line, too. */
static bool put_field(const ph_allocator *mem, FILE *f, const char *text)
{
    char *s = phi_clean_text(mem, text);
    if (!s) return false;
    const bool quote = strpbrk(s, ",\"") != NULL;
    if (quote) fputc('"', f);
    for (const char *c = s; *c; c++) {
        if (*c == '"') fputc('"', f);
        fputc(*c, f);
    }
    if (quote) fputc('"', f);
    phi_free(mem, s);
    return true;
}

/* With a point whatever the locale. */
static void put_share(FILE *f, int64_t part, int64_t whole)
{
    const double share = whole ? (double)part / (double)whole : 0.0;
    const int millionths = (int)(1e6 * share + 0.5);
    fprintf(f, ",%d.%06d", millionths / 1000000, millionths % 1000000);
}

enum ph_status phi_account_csv(const ph_account *a, FILE *f, ph_error *err)
{
    fputs("name,op,output_shape,parameters,macs,activation_bytes,role,parameters_share,macs_share"
          "\r\n",
          f);
    for (size_t i = 0; i < a->n_layers; i++) {
        const ph_layer_cost *l = &a->layers[i];
        const char *role = ph_role_name(l->role);
        if (!put_field(&a->mem, f, l->name)) return phi_fail_nomem(err);
        fputc(',', f);
        if (!put_field(&a->mem, f, l->op)) return phi_fail_nomem(err);
        fputc(',', f);
        for (size_t d = 0; d < l->output_rank; d++)
            fprintf(f, "%s%" PRId64, d ? "x" : "", l->output_dims[d]);
        fprintf(f, ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%s", l->parameters, l->macs,
                l->activation_bytes, role ? role : "");
        put_share(f, l->parameters, a->totals.parameters);
        put_share(f, l->macs, a->totals.macs);
        fputs("\r\n", f);
    }
    return PH_OK;
}
