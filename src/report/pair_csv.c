/* SPDX-License-Identifier: MIT */
/* RFC 4180: a row for each pair of layers; what one network does not have is empty. */
#include "report/pair.h"

static bool put_side(const ph_account *a, FILE *f, const ph_layer_cost *l)
{
    if (!l) {
        fputs(",,,,,,", f);
        return true;
    }
    const char *role = ph_role_name(l->role);
    if (!phi_csv_text(a, f, l->name)) return false;
    fputc(',', f);
    if (!phi_csv_text(a, f, l->op)) return false;
    fputc(',', f);
    phi_csv_shape(f, l);
    fputc(',', f);
    phi_csv_count(f, l->parameters);
    fputc(',', f);
    phi_csv_count(f, l->macs);
    fputc(',', f);
    phi_csv_count(f, l->activation_bytes);
    fprintf(f, ",%s", role ? role : "");
    return true;
}

enum ph_status phi_pair_csv(const phi_pair *p, FILE *f, ph_error *err)
{
    fputs("in,name_a,op_a,output_shape_a,parameters_a,macs_a,activation_bytes_a,role_a,"
          "name_b,op_b,output_shape_b,parameters_b,macs_b,activation_bytes_b,role_b\r\n",
          f);
    for (size_t i = 0; i < p->n_matches; i++) {
        const phi_match *m = &p->matches[i];
        fputs(!m->b ? "a," : !m->a ? "b," : "both,", f);
        if (!put_side(p->of[0], f, m->a)) return phi_fail_nomem(err);
        fputc(',', f);
        if (!put_side(p->of[1], f, m->b)) return phi_fail_nomem(err);
        fputs("\r\n", f);
    }
    return PH_OK;
}
