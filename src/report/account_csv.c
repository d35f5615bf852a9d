/* SPDX-License-Identifier: MIT */
/* RFC 4180: one row a layer, shapes as 1x64x28x28, shares from 0 to 1. */
#include <inttypes.h>

#include "report/report.h"

/* RFC 4180 has no place for control characters: cleaned, so that a row is a line, too. */
bool phi_csv_text(const ph_account *a, FILE *f, const char *text)
{
    char *s = phi_clean_text(&a->mem, text ? text : "");
    if (!s) return false;
    const bool quote = strpbrk(s, ",\"") != NULL;
    if (quote) fputc('"', f);
    for (const char *c = s; *c; c++) {
        if (*c == '"') fputc('"', f);
        fputc(*c, f);
    }
    if (quote) fputc('"', f);
    phi_free(&a->mem, s);
    return true;
}

void phi_csv_count(FILE *f, int64_t n)
{
    if (n != PH_UNKNOWN) fprintf(f, "%" PRId64, n);
}

void phi_csv_shape(FILE *f, const ph_layer_cost *l)
{
    for (size_t d = 0; d < l->output_rank; d++)
        fprintf(f, "%s%" PRId64, d ? "x" : "", l->output_dims[d]);
}

/* With a point whatever the locale. */
static void put_share(FILE *f, int64_t part, int64_t whole)
{
    const double share = whole && part != PH_UNKNOWN ? (double)part / (double)whole : 0.0;
    const int millionths = (int)(1e6 * share + 0.5);
    fprintf(f, ",%d.%06d", millionths / 1000000, millionths % 1000000);
}

/* A whole number, so without a point in any locale; empty where nothing is known. */
static void put_nanoseconds(FILE *f, double seconds)
{
    fputc(',', f);
    if (seconds > 0) fprintf(f, "%" PRId64, (int64_t)(1e9 * seconds + 0.5));
}

enum ph_status phi_account_csv(const ph_account *a, FILE *f, ph_error *err)
{
    const bool bounded = a->flop_per_second > 0 || a->bytes_per_second > 0;
    fputs("name,op,output_shape,parameters,macs,activation_bytes,role,parameters_share,macs_share,"
          "moved_bytes,kind,unknown",
          f);
    if (bounded) fputs(",bound_nanoseconds", f);
    fputs("\r\n", f);
    for (size_t i = 0; i < a->n_layers; i++) {
        const ph_layer_cost *l = &a->layers[i];
        const char *role = ph_role_name(l->role);
        if (!phi_csv_text(a, f, l->name)) return phi_fail_nomem(err);
        fputc(',', f);
        if (!phi_csv_text(a, f, l->op)) return phi_fail_nomem(err);
        fputc(',', f);
        phi_csv_shape(f, l);
        fprintf(f, ",%" PRId64 ",", l->parameters);
        phi_csv_count(f, l->macs);
        fputc(',', f);
        phi_csv_count(f, l->activation_bytes);
        fprintf(f, ",%s", role ? role : "");
        put_share(f, l->parameters, a->totals.parameters);
        put_share(f, l->macs, a->totals.macs);
        fputc(',', f);
        phi_csv_count(f, l->moved_bytes);
        fprintf(f, ",%s,", ph_kind_name(l->kind));
        if (!phi_csv_text(a, f, l->unknown)) return phi_fail_nomem(err);
        if (bounded) put_nanoseconds(f, l->bound_seconds);
        fputs("\r\n", f);
    }
    return PH_OK;
}
