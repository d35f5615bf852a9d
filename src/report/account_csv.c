/* SPDX-License-Identifier: MIT */
/* RFC 4180: one row a layer; shapes as 1x64x28x28. */
#include <inttypes.h>
#include <stdio.h>

#include "report/report.h"

static void put_field(FILE *f, const char *s)
{
    if (!strpbrk(s, ",\"\r\n")) {
        fputs(s, f);
        return;
    }
    fputc('"', f);
    for (; *s; s++) {
        if (*s == '"') fputc('"', f);
        fputc(*s, f);
    }
    fputc('"', f);
}

void phi_account_csv(const ph_account *a, FILE *f)
{
    fputs("name,op,output_shape,parameters,macs,activation_bytes,role\r\n", f);
    for (size_t i = 0; i < a->n_layers; i++) {
        const ph_layer_cost *l = &a->layers[i];
        const char *role = ph_role_name(l->role);
        put_field(f, l->name);
        fputc(',', f);
        put_field(f, l->op);
        fputc(',', f);
        for (size_t d = 0; d < l->output_rank; d++)
            fprintf(f, "%s%" PRId64, d ? "x" : "", l->output_dims[d]);
        fprintf(f, ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%s\r\n", l->parameters, l->macs,
                l->activation_bytes, role ? role : "");
    }
}
