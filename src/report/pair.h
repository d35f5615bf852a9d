/* SPDX-License-Identifier: MIT */
/* Two accounts side by side. */
#ifndef PHI_PAIR_H
#define PHI_PAIR_H

#include "report/report.h"

/* A line of the alignment: a layer of each, or of one (the other is NULL). */
typedef struct phi_match {
    const ph_layer_cost *a, *b;
} phi_match;

/* Costs summed over some layers of a network. */
typedef struct phi_part {
    int64_t layers, parameters, macs;
    int64_t unknown_macs; /* layers whose MACs are not known */
} phi_part;

/* All layers whose outputs are images of one size. */
enum { PHI_MAX_SIZES = 24 };
typedef struct phi_size {
    size_t rank; /* of the image: 2 for h x w; 0: a vector, or a shape that is not known */
    int64_t dims[PH_MAX_RANK];
    phi_part part[2];
} phi_size;

typedef struct phi_pair {
    const ph_account *of[2];
    phi_match *matches;
    size_t n_matches;
    bool aligned; /* false: too many layers between the equal ends, which stand one after another */
    phi_part kinds[PH_N_KINDS][2];
    phi_size sizes[PHI_MAX_SIZES + 1]; /* largest first; one more than fits: the rest */
    size_t n_sizes;
    bool more_sizes; /* the last one is the rest */
} phi_pair;

/* Sum up and align. false: out of memory. */
bool phi_pair_make(const ph_account *a, const ph_account *b, phi_pair *p);
void phi_pair_free(phi_pair *p);

/* Do the two layers of a line cost the same? */
bool phi_match_is_same(const phi_match *m);

/* "28x28", "vector"; "the rest" for the last one where there are more. */
const char *phi_size_text(const phi_pair *p, size_t i, char buf[PHI_TYPE_TEXT]);

enum ph_status phi_pair_text(const phi_pair *p, FILE *f, ph_error *err);
enum ph_status phi_pair_json(const phi_pair *p, FILE *f, ph_error *err);
enum ph_status phi_pair_csv(const phi_pair *p, FILE *f, ph_error *err);

#endif /* PHI_PAIR_H */
