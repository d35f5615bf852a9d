/* SPDX-License-Identifier: MIT */
/*
 * What a layer moves, how much arithmetic that feeds, and the time below which no layer goes: the
 * roofline model, Williams, Waterman and Patterson 2009, doi:10.1145/1498765.1498785.
 */
#include <inttypes.h>

#include "report/cells.h"
#include "report/report.h"

enum { NAME_MOST = 34, OP_WIDTH = 12 };

typedef struct roofline {
    const ph_account *a;
    phi_cells c;
    int name, macs, bytes;
    bool bounded;
} roofline;

static void lay_out(roofline *r)
{
    char buf[PHI_GROUPED_BYTES];
    r->name = phi_length("layer"), r->macs = phi_length("MACs");
    r->bytes = phi_length("bytes moved");
    for (size_t i = 0; i < r->a->n_layers; i++) {
        const ph_layer_cost *l = &r->a->layers[i];
        r->name = phi_wider(r->name, l->name);
        r->macs = phi_wider(r->macs, phi_grouped(l->macs, buf));
        r->bytes = phi_wider(r->bytes, phi_grouped(l->moved_bytes, buf));
    }
    if (r->name > NAME_MOST) r->name = NAME_MOST;
}

/* Microseconds in 10 columns, or blanks. */
static void put_time(roofline *r, double seconds)
{
    if (seconds > 0)
        fprintf(r->c.f, " %10.2f", 1e6 * seconds);
    else
        fprintf(r->c.f, " %10s", "-");
}

static void put_row(roofline *r, const ph_layer_cost *l)
{
    char buf[PHI_GROUPED_BYTES];
    phi_put_name_column(&r->c, l->name, r->name + 1);
    const int n = phi_put_op_name(&r->c, l->op, OP_WIDTH);
    fprintf(r->c.f, "%*s %*s", OP_WIDTH - n, "", r->macs,
            l->macs ? phi_grouped(l->macs, buf) : "-");
    if (l->fused) { /* of the moved bytes none is its own */
        fprintf(r->c.f, " %*s\n", r->bytes, "fused");
        return;
    }
    fprintf(r->c.f, " %*s", r->bytes, phi_grouped(l->moved_bytes, buf));
    if (l->macs > 0 && l->moved_bytes > 0)
        fprintf(r->c.f, " %7.1f", phi_intensity(l->macs, l->moved_bytes));
    else
        fprintf(r->c.f, " %7s", "-");
    if (r->bounded) {
        put_time(r, l->arithmetic_seconds);
        put_time(r, l->memory_seconds);
        if (l->bound_seconds > 0)
            fputs(l->arithmetic_seconds >= l->memory_seconds ? " arithmetic" : " memory", r->c.f);
    }
    fputc('\n', r->c.f);
}

static void put_bound(roofline *r)
{
    const ph_account *a = r->a;
    if (!r->bounded) return;
    fprintf(r->c.f, "\nlower bound: %.3f ms", 1e3 * a->totals.bound_seconds);
    if (a->totals.unknown_macs) fputs(" without what is not known", r->c.f);
    fputs(", each layer at the slower of", r->c.f);
    if (a->flop_per_second > 0) fprintf(r->c.f, " %.1f GFLOP/s", 1e-9 * a->flop_per_second);
    if (a->flop_per_second > 0 && a->bytes_per_second > 0) fputs(" and", r->c.f);
    if (a->bytes_per_second > 0) fprintf(r->c.f, " %.1f GB/s", 1e-9 * a->bytes_per_second);
    fputc('\n', r->c.f);
}

enum ph_status phi_account_roofline(const ph_account *a, FILE *f, ph_error *err)
{
    roofline r = {.a = a, .c = {.mem = &a->mem, .f = f}};
    r.bounded = a->flop_per_second > 0 || a->bytes_per_second > 0;
    lay_out(&r);
    fprintf(f, "%-*s %-*s %*s %*s %7s", r.name, "layer", OP_WIDTH, "operator", r.macs, "MACs",
            r.bytes, "bytes moved", "FLOP/B");
    if (r.bounded) fprintf(f, " %10s %10s bound by", "us at peak", "us to move");
    fputc('\n', f);
    for (size_t i = 0; i < a->n_layers; i++)
        put_row(&r, &a->layers[i]);
    put_bound(&r);
    return r.c.no_memory ? phi_fail_nomem(err) : PH_OK;
}
