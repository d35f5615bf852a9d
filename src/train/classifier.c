/* SPDX-License-Identifier: MIT */
/*
 * What a network must look like to be trained on, or evaluated with, a data set of labelled images.
 */
#include "train/trainer.h"

static enum ph_status check_input(const ph_graph *g, const ph_dataset *d, phi_classifier *c,
                                  ph_error *err)
{
    if (ph_graph_n_inputs(g) != 1 || g->n_outputs != 1)
        return phi_fail(err, PH_ERR_SHAPE, g->name,
                        "graph '%s' has %zu inputs and %zu outputs, wanted one of each", g->name,
                        ph_graph_n_inputs(g), g->n_outputs);
    const phi_value *v = &g->values[ph_graph_input(g, 0)];
    c->input = v->name;
    bool fits = v->rank < 0 || v->rank == 4;
    for (int i = 0; i < 3 && fits && v->rank == 4; i++)
        fits = v->dims[i + 1] == -1 || v->dims[i + 1] == d->chw[i];
    if (fits) return PH_OK;
    char dims[PHI_TYPE_TEXT];
    return phi_fail(err, PH_ERR_SHAPE, v->name,
                    "input '%s' is %s, but the images are [n,%lld,%lld,%lld]", v->name,
                    phi_dims_text(v->rank, v->dims, dims, sizeof dims), (long long)d->chw[0],
                    (long long)d->chw[1], (long long)d->chw[2]);
}

enum ph_status phi_classifier_find(const ph_graph *g, const ph_dataset *d, phi_classifier *out,
                                   ph_error *err)
{
    phi_classifier c = {.logits = PH_NONE};
    enum ph_status st = check_input(g, d, &c, err);
    if (st) return st;
    c.logits = ph_graph_output(g, 0);
    int32_t producer = g->values[c.logits].producer;
    if (producer >= 0 && g->nodes[producer].op) {
        const phi_node *node = &g->nodes[producer];
        if (strcmp(node->op->name, "Softmax") == 0) c.head = PHI_HEAD_SOFTMAX;
        if (strcmp(node->op->name, "LogSoftmax") == 0) c.head = PHI_HEAD_LOG_SOFTMAX;
        if (c.head != PHI_HEAD_LOGITS) {
            c.softmax = node;
            c.logits = node->n_in > 0 ? node->in[0] : PH_NONE;
        }
    }
    *out = c;
    return PH_OK;
}

ph_shape_hint phi_classifier_hint(const ph_dataset *d, size_t n)
{
    ph_shape_hint hint = {.name = NULL, .rank = 4};
    hint.dims[0] = (int64_t)n;
    for (int i = 0; i < 3; i++)
        hint.dims[i + 1] = d->chw[i];
    return hint;
}

/* A softmax at the end must run over the classes. Before opset 13 it took all dimensions from
 * `axis` on together, which from 1 on are the classes. */
static enum ph_status check_softmax(const ph_plan *p, const phi_classifier *c, ph_error *err)
{
    if (!c->softmax) return PH_OK;
    int64_t rank = (int64_t)p->outputs[0].rank;
    int64_t axis = phi_attr_int(c->softmax, "axis", phi_graph_opset_of(p->graph, "") < 13 ? 1 : -1);
    if (axis == 1 || axis == 1 - rank) return PH_OK;
    return phi_fail(err, PH_ERR_SHAPE, c->softmax->name,
                    "%s '%s' runs along axis %lld of %lld, but the classes lie along axis 1",
                    c->softmax->op_type, c->softmax->name, (long long)axis, (long long)rank);
}

static bool output_fits(const ph_port *out, int64_t n, int64_t classes)
{
    if (out->dtype != PH_FLOAT32 || (out->rank != 2 && out->rank != 4)) return false;
    return out->dims[0] == n && out->dims[1] == classes && out->count == n * classes;
}

enum ph_status phi_classifier_check(const ph_plan *p, const phi_classifier *c, const ph_dataset *d,
                                    size_t n, ph_error *err)
{
    const ph_port *in = &p->inputs[0], *out = &p->outputs[0];
    if (in->dtype != PH_FLOAT32)
        return phi_fail(err, PH_ERR_TYPE, in->name, "input '%s' is %s, wanted float32", in->name,
                        ph_dtype_name(in->dtype));
    char dims[PHI_TYPE_TEXT];
    if (!output_fits(out, (int64_t)n, (int64_t)d->n_classes))
        return phi_fail(err, PH_ERR_SHAPE, out->name,
                        "output '%s' is %s %s, wanted float32 [%zu,%zu] or [%zu,%zu,1,1] for %zu "
                        "images and %zu classes",
                        out->name, ph_dtype_name(out->dtype),
                        phi_dims_text((int)out->rank, out->dims, dims, sizeof dims), n,
                        d->n_classes, n, d->n_classes, n, d->n_classes);
    return check_softmax(p, c, err);
}
