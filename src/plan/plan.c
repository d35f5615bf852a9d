/* SPDX-License-Identifier: MIT */
/*
 * Graph -> plan: choose what runs, in which memory layout, and make weights ready.
 */
#include <math.h>

#include "base/rng.h"
#include "plan/chain.h"
#include "plan/fuse.h"
#include "plan/measure.h"
#include "plan/pack.h"
#include "plan/place.h"
#include "plan/plan.h"
#include "plan/portions.h"
#include "plan/rewrite.h"
#include "plan/slices.h"
#include "plan/strides.h"

/* What is known while a plan is being built. */
typedef struct builder {
    ph_plan *p;
    const ph_graph *g;
    phi_fusion *fusion;
    phi_slice *slice;       /* [n_values], or NULL: no slices */
    int32_t *slot;          /* [n_values] where the value is as its node left it, or -1 */
    int32_t *plain, *image; /* [n_values] a copy of it in that layout, or -1 */
    bool prefers_image;     /* some operator wants images channels-last */
    ph_error *err;
} builder;

/* --- Slots --------------------------------------------------------------------------------------- */

static enum ph_status add_slot(builder *b, const phi_slot *slot, int32_t *out)
{
    ph_plan *p = b->p;
    if (p->n_slots >= INT32_MAX ||
        !phi_grow(&p->mem, (void **)&p->slots, p->n_slots, &p->slots_capacity, sizeof *p->slots))
        return phi_fail_nomem(b->err);
    p->slots[p->n_slots] = *slot;
    *out = (int32_t)p->n_slots++;
    return PH_OK;
}

static enum ph_status arena_slot(builder *b, const phi_type *type, ph_value value, bool image,
                                 int32_t *out)
{
    phi_slot slot = { .kind = PHI_SLOT_ARENA, .view = { .type = *type }, .value = value,
                      .bytes = phi_type_bytes(type), .whole = -1 };
    (image ? phi_strides_channels_last : phi_strides_plain)(type, slot.view.strides);
    return add_slot(b, &slot, out);
}

static enum ph_status constant_slot(builder *b, const ph_tensor *t, ph_value value,
                                    ph_tensor *owned, int32_t *out)
{
    const phi_slot slot = { .kind = PHI_SLOT_CONSTANT, .view = phi_view_of(t), .value = value,
                            .bytes = t->bytes, .owned = owned, .left = t->left ? t : NULL,
                            .whole = -1 };
    enum ph_status st = add_slot(b, &slot, out);
    if (st) ph_tensor_free(owned);
    return st;
}

/* A slot for a result: a slice of a wider one, which is made if it is the first, or its own. */
static enum ph_status result_slot(builder *b, const phi_type *type, ph_value value, bool image,
                                  int32_t *out)
{
    const ph_value whole = b->slice ? b->slice[value].whole : PH_NONE;
    if (b->slot[value] >= 0) { /* made when its first slice was */
        *out = b->slot[value];
        return PH_OK;
    }
    if (whole == PH_NONE) return arena_slot(b, type, value, image, out);
    const phi_type *wide = &b->p->facts->value[whole].type;
    enum ph_status st = result_slot(b, wide, whole, true, &b->slot[whole]);
    if (st) return st;
    const phi_slot *of = &b->p->slots[b->slot[whole]];
    phi_slot slot = { .kind = PHI_SLOT_ARENA, .view = of->view, .value = value,
                      .bytes = phi_type_bytes(type), .first = of->first,
                      .whole = of->whole < 0 ? b->slot[whole] : of->whole };
    slot.first += (size_t)b->slice[value].first * ph_dtype_size(type->dtype);
    slot.view.type = *type;
    return add_slot(b, &slot, out);
}

static const phi_view *slot_view(const builder *b, int32_t slot) { return &b->p->slots[slot].view; }

/* --- Steps ---------------------------------------------------------------------------------------- */

static enum ph_status add_step(builder *b, const phi_op *op, const phi_node *node, size_t n_in,
                               size_t n_out, phi_step **out)
{
    ph_plan *p = b->p;
    if (!phi_grow(&p->mem, (void **)&p->steps, p->n_steps, &p->steps_capacity, sizeof *p->steps))
        return phi_fail_nomem(b->err);
    phi_step *step = &p->steps[p->n_steps];
    *step = (phi_step){ .op = op, .node = node, .n_in = n_in, .n_out = n_out, .add = -1,
                        .chain = 1, .lo = -INFINITY, .hi = INFINITY, .stream = node ? phi_stream(node->name) : 0,
                        .in = phi_calloc(&p->mem, n_in, sizeof *step->in),
                        .out = phi_calloc(&p->mem, n_out, sizeof *step->out) };
    p->n_steps++; /* from here on the plan frees it */
    *out = step;
    return step->in && step->out ? PH_OK : phi_fail_nomem(b->err);
}

/* A copy of `from` in another layout, by a step of its own. */
static enum ph_status convert(builder *b, int32_t from, bool image, int32_t *out)
{
    const phi_type type = slot_view(b, from)->type;
    phi_step *step;
    enum ph_status st = arena_slot(b, &type, b->p->slots[from].value, image, out);
    if (!st) st = add_step(b, phi_op_find("Identity"), NULL, 1, 1, &step);
    if (st) return st;
    step->in[0] = from;
    step->out[0] = *out;
    return PH_OK;
}

/* Where `value` is, as it is; a constant gets its slot now. */
static enum ph_status slot_of(builder *b, ph_value value, int32_t *out)
{
    enum ph_status st = PH_OK;
    const ph_tensor *constant = b->p->facts->value[value].constant;
    if (b->slot[value] < 0 && constant)
        st = constant_slot(b, constant, value, NULL, &b->slot[value]);
    *out = b->slot[value];
    if (!st && *out < 0)
        st = phi_fail(b->err, PH_ERR_INTERNAL, b->g->values[value].name,
                      "value '%s' has no slot", b->g->values[value].name);
    return st;
}

/* Where `value` is in the wanted layout, made if need be; an image may be a slice if `slices`. */
static enum ph_status slot_in_layout(builder *b, ph_value value, bool image, bool slices,
                                     int32_t *out)
{
    enum ph_status st = slot_of(b, value, out);
    if (st) return st;
    const phi_view *v = slot_view(b, *out);
    int64_t pitch;
    if (image && slices && phi_view_is_pixels(v, &pitch)) return PH_OK;
    if (image ? phi_view_is_channels_last(v) : phi_view_is_plain(v)) return PH_OK;
    int32_t *copy = image ? &b->image[value] : &b->plain[value];
    if (*copy < 0) st = convert(b, *out, image, copy);
    *out = *copy;
    return st;
}

static bool wants_image(const phi_op *op, size_t i)
{
    return op->layout == PHI_LAYOUT_IMAGE && (op->image_in >> (i < 31 ? i : 31) & 1);
}

static enum ph_status bind_inputs(builder *b, const phi_node *n, const phi_fusion *fusion,
                                  int32_t *in)
{
    enum ph_status st = PH_OK;
    for (size_t k = 0; k < n->n_in && !st; k++) {
        in[k] = -1;
        if ((fusion->scale && (k == 1 || k == 2)) || n->in[k] == PH_NONE)
            continue; /* folded ones: bind_folded */
        st = n->op->layout == PHI_LAYOUT_ANY ? slot_of(b, n->in[k], &in[k])
                                             : slot_in_layout(b, n->in[k], wants_image(n->op, k),
                                                              n->op->slices, &in[k]);
    }
    return st;
}

/* Weights to scale, and what the bias has become, get slots of their own. */
static enum ph_status bind_folded(builder *b, const phi_node *n, phi_fusion *fusion, int32_t *in)
{
    if (!fusion->scale) return PH_OK;
    const ph_tensor *weight = b->p->facts->value[n->in[1]].constant;
    ph_tensor *bias = fusion->bias;
    enum ph_status st = constant_slot(b, weight, PH_NONE, NULL, &in[1]);
    if (st) return st;
    b->p->slots[in[1]].scale = fusion->scale;
    fusion->scale = NULL;
    fusion->bias = NULL;
    return constant_slot(b, bias, PH_NONE, bias, &in[2]);
}

/* Does a node of layout ANY leave `type` channels-last? If its first image-like input is. One of a
 * single pixel or channel, such as the gate of a squeeze-and-excitation, is so either way: it does
 * not decide. */
static bool leaves_image(const builder *b, const phi_node *n, const int32_t *in, size_t n_in,
                         const phi_type *type)
{
    int64_t pitch;
    if (n->op->layout == PHI_LAYOUT_IMAGE) return true;
    if (n->op->layout == PHI_LAYOUT_PLAIN) return false;
    for (size_t k = 0; k < n_in; k++) {
        if (in[k] < 0 || b->p->slots[in[k]].kind == PHI_SLOT_CONSTANT) continue;
        const phi_view *v = slot_view(b, in[k]);
        if (v->type.rank != type->rank || type->rank < 3) continue;
        const bool image = phi_view_is_pixels(v, &pitch), plain = phi_view_is_plain(v);
        if (!image || !plain) return image;
    }
    return false;
}

static enum ph_status emit_node(builder *b, size_t i)
{
    const phi_node *n = &b->g->nodes[i];
    phi_fusion *fusion = &b->fusion[i];
    const size_t n_in = fusion->scale && n->n_in < 3 ? 3 : n->n_in;
    int32_t in[PHI_MAX_IN + 3];
    enum ph_status st = bind_inputs(b, n, fusion, in);
    if (!st) st = bind_folded(b, n, fusion, in);
    int32_t add = -1;
    if (!st && fusion->add != PH_NONE)
        st = slot_in_layout(b, fusion->add, true, true, &add);
    phi_step *step;
    if (!st) st = add_step(b, n->op, n, n_in, n->n_out, &step);
    if (st) return st;
    memcpy(step->in, in, n_in * sizeof *in);
    step->params = b->p->facts->params[i];
    step->add = add;
    step->lo = fusion->lo;
    step->hi = fusion->hi;
    const phi_type *in_types[PHI_MAX_IN];
    const ph_tensor *constant[PHI_MAX_IN];
    phi_type out_types[PHI_MAX_OUT];
    phi_infer c;
    phi_facts_node(b->p->facts, i, &c, in_types, constant, out_types);
    for (size_t k = 0; k < n->n_out && !st; k++) {
        const ph_value v = k == 0 ? fusion->result : n->out[k];
        if (v == PH_NONE) {
            step->out[k] = -1;
            continue;
        }
        const phi_type *type = &b->p->facts->value[v].type;
        st = result_slot(b, type, v, leaves_image(b, n, in, n_in, type), &step->out[k]);
        b->slot[v] = step->out[k];
    }
    return st;
}

/* Does every input of the node lie where the node would put it? Then there is nothing to do. */
static bool is_in_place(const builder *b, const phi_node *n)
{
    if (!b->slice || !n->op->as_concat || n->out[0] == PH_NONE || b->slot[n->out[0]] < 0)
        return false;
    int64_t first = 0;
    for (size_t k = 0; k < n->n_in; k++) {
        const phi_slice *s = &b->slice[n->in[k]], *own = &b->slice[n->out[0]];
        const bool here = s->whole == n->out[0] && s->first == first;
        const bool beside = own->whole != PH_NONE && s->whole == own->whole &&
                            s->first == own->first + first;
        if (!here && !beside) return false;
        first += b->p->facts->value[n->in[k]].type.dims[1];
    }
    return true;
}

/* The slots of a value that is a slice are made when its parts are; see to it that they are. */
static enum ph_status emit(builder *b, size_t i)
{
    const phi_node *n = &b->g->nodes[i];
    const ph_value v = n->n_out ? n->out[0] : PH_NONE;
    if (b->slice && n->op->as_concat && v != PH_NONE && b->slice[v].whole != PH_NONE) {
        enum ph_status st = result_slot(b, &b->p->facts->value[v].type, v, true, &b->slot[v]);
        if (st) return st;
    }
    return is_in_place(b, n) ? PH_OK : emit_node(b, i);
}

/* --- Ports ---------------------------------------------------------------------------------------- */

static void fill_port(const builder *b, ph_value v, ph_port *port)
{
    const phi_type *t = &b->p->facts->value[v].type;
    *port = (ph_port){ .name = b->g->values[v].name, .dtype = t->dtype, .rank = (size_t)t->rank,
                       .count = phi_type_count(t), .bytes = phi_type_bytes(t) };
    memcpy(port->dims, t->dims, (size_t)t->rank * sizeof *t->dims);
}

static enum ph_status add_inputs(builder *b)
{
    ph_plan *p = b->p;
    p->inputs = phi_calloc(&p->mem, b->g->n_inputs, sizeof *p->inputs);
    p->input_slots = phi_calloc(&p->mem, b->g->n_inputs, sizeof *p->input_slots);
    if (!p->inputs || !p->input_slots) return phi_fail_nomem(b->err);
    enum ph_status st = PH_OK;
    for (size_t i = 0; i < b->g->n_inputs && !st; i++) {
        const ph_value v = b->g->inputs[i];
        const phi_type *t = &p->facts->value[v].type;
        if (p->facts->value[v].constant) continue;
        fill_port(b, v, &p->inputs[p->n_inputs]);
        st = arena_slot(b, t, v, b->prefers_image && t->rank >= 3, &b->slot[v]);
        p->input_slots[p->n_inputs++] = b->slot[v];
    }
    return st;
}

static enum ph_status add_outputs(builder *b)
{
    ph_plan *p = b->p;
    p->n_outputs = b->g->n_outputs;
    p->outputs = phi_calloc(&p->mem, p->n_outputs, sizeof *p->outputs);
    p->output_slots = phi_calloc(&p->mem, p->n_outputs, sizeof *p->output_slots);
    if (!p->outputs || !p->output_slots) return phi_fail_nomem(b->err);
    enum ph_status st = PH_OK;
    for (size_t i = 0; i < p->n_outputs && !st; i++) {
        fill_port(b, b->g->outputs[i], &p->outputs[i]);
        st = slot_of(b, b->g->outputs[i], &p->output_slots[i]);
    }
    return st;
}

/* --- The whole ---------------------------------------------------------------------------------------- */

static bool any_image_op(const ph_graph *g, const phi_fusion *fusion)
{
    for (size_t i = 0; i < g->n_nodes; i++)
        if (fusion[i].live && g->nodes[i].op->layout == PHI_LAYOUT_IMAGE) return true;
    return false;
}

static enum ph_status emit_all(builder *b, bool fuse)
{
    ph_plan *p = b->p;
    const size_t n = b->g->n_values;
    enum ph_status st = phi_fuse(p->facts, fuse, &b->fusion, b->err);
    if (st) return st;
    int32_t **maps[3] = { &b->slot, &b->plain, &b->image };
    for (size_t m = 0; m < 3; m++) {
        *maps[m] = phi_calloc(&p->mem, n, sizeof **maps[m]);
        if (!*maps[m]) return phi_fail_nomem(b->err);
        for (size_t v = 0; v < n; v++) (*maps[m])[v] = -1;
    }
    b->prefers_image = any_image_op(b->g, b->fusion);
    if (fuse) st = phi_find_slices(p->facts, b->fusion, b->prefers_image, &b->slice, b->err);
    if (!st) st = add_inputs(b);
    for (size_t i = 0; i < b->g->n_nodes && !st; i++)
        if (b->fusion[i].live && !b->fusion[i].absorbed) st = emit(b, i);
    return st ? st : add_outputs(b);
}

typedef enum ph_status rewriter(const phi_facts *facts, ph_graph **out, ph_error *err);

/* Go on with another graph that says the same, if `rewrite` finds one. */
static enum ph_status rewrite_with(builder *b, rewriter *rewrite)
{
    ph_plan *p = b->p;
    ph_graph *better;
    enum ph_status st = rewrite(p->facts, &better, b->err);
    if (st || !better) return st;
    p->rewritten[p->n_rewritten] = better;
    p->read_facts[p->n_rewritten++] = p->facts;
    p->facts = NULL;
    p->graph = b->g = better;
    return phi_infer_graph(better, 0, NULL, true, &p->facts, b->err);
}

/* Facts about the graph to plan for: the caller's, or one with less to do. */
static enum ph_status infer(builder *b, const ph_plan_desc *desc, bool rewrite)
{
    ph_plan *p = b->p;
    const phi_infer_desc known = { .n_hints = desc->n_hints, .hints = desc->hints,
                                   .n_values = desc->n_values, .values = desc->values,
                                   .fold = !p->training };
    enum ph_status st = phi_infer_graph_with(b->g, &known, &p->facts, b->err);
    if (!st && rewrite) st = rewrite_with(b, phi_rewrite);
    if (!st && rewrite) st = rewrite_with(b, phi_push_strides);
    return st;
}

/* The steps, each by the method that is estimated to be the best. */
static enum ph_status outline(const ph_graph *g, const ph_plan_desc *desc, bool training,
                              ph_plan **out, ph_error *err)
{
    ph_plan *p = phi_calloc(&g->mem, 1, sizeof *p);
    if (!p) return phi_fail_nomem(err);
    p->mem = g->mem;
    p->graph = g;
    p->training = training;
    p->exact = training || desc->exact;
    builder b = { .p = p, .g = g, .err = err };
    enum ph_status st = infer(&b, desc, !training && !desc->keep_all);
    if (!st) st = emit_all(&b, !training && !desc->keep_all);
    if (!st) phi_estimate_methods(p);
    phi_free(&p->mem, b.slice);
    phi_free(&p->mem, b.slot);
    phi_free(&p->mem, b.plain);
    phi_free(&p->mem, b.image);
    if (p->facts) phi_fusion_free(p->facts, b.fusion);
    if (st)
        ph_plan_free(p);
    else
        *out = p;
    return st;
}

static enum ph_status build(const ph_graph *g, const ph_plan_desc *desc, bool training, bool pack,
                            ph_plan **out, ph_error *err)
{
    static const ph_plan_desc defaults;
    ph_plan *p = NULL;
    if (!desc) desc = &defaults;
    const bool whole = training || desc->keep_all;
    enum ph_status st = pack || training ? phi_graph_need_weights(g, training, err) : PH_OK;
    if (!st) st = outline(g, desc, training, &p, err);
    if (!st && pack) st = phi_choose_measured(p, desc, err);
    if (!st) st = phi_chain(p, !whole, err);
    if (!st && !whole) st = phi_portions(p, err);
    if (!st) st = phi_place(p, !training, err);
    if (!st && pack && desc->max_weights) st = phi_bound_weights(p, desc->max_weights, err);
    if (!st && pack) st = phi_pack_weights(p, desc->n_threads, err);
    if (st)
        ph_plan_free(p);
    else
        *out = p;
    return st;
}

enum ph_status phi_plan_build(const ph_graph *g, const ph_plan_desc *desc, bool training,
                              ph_plan **out, ph_error *err)
{
    return build(g, desc, training, !training, out, err);
}

enum ph_status phi_plan_layout(const ph_graph *g, const ph_plan_desc *desc, ph_plan **out,
                               ph_error *err)
{
    return build(g, desc, false, false, out, err);
}

enum ph_status phi_plan_outline(const ph_graph *g, const ph_plan_desc *desc, ph_plan **out,
                                ph_error *err)
{
    return outline(g, desc, false, out, err);
}

enum ph_status ph_plan_new(const ph_graph *g, const ph_plan_desc *desc, ph_plan **out,
                           ph_error *err)
{
    return phi_plan_build(g, desc, false, out, err);
}

void ph_plan_free(ph_plan *p)
{
    if (!p) return;
    const ph_allocator mem = p->mem;
    for (size_t i = 0; i < p->n_steps; i++) {
        phi_free(&mem, p->steps[i].in);
        phi_free(&mem, p->steps[i].out);
    }
    phi_free(&mem, p->packed);
    for (size_t i = 0; i < p->n_slots; i++) {
        ph_tensor_free(p->slots[i].owned);
        phi_free(&mem, p->slots[i].scale);
    }
    phi_free(&mem, p->steps);
    phi_free(&mem, p->passes);
    phi_free(&mem, p->sections);
    phi_free(&mem, p->slots);
    phi_free(&mem, p->inputs);
    phi_free(&mem, p->outputs);
    phi_free(&mem, p->input_slots);
    phi_free(&mem, p->output_slots);
    phi_facts_free(p->facts);
    for (size_t i = p->n_rewritten; i-- > 0;) {
        ph_graph_free(p->rewritten[i]);
        phi_facts_free(p->read_facts[i]);
    }
    phi_free(&mem, p);
}

size_t ph_plan_n_inputs(const ph_plan *p) { return p->n_inputs; }
size_t ph_plan_n_outputs(const ph_plan *p) { return p->n_outputs; }
const ph_port *ph_plan_input(const ph_plan *p, size_t i) { return &p->inputs[i]; }
const ph_port *ph_plan_output(const ph_plan *p, size_t i) { return &p->outputs[i]; }
size_t ph_plan_arena_bytes(const ph_plan *p) { return p->arena_bytes; }
size_t ph_plan_weight_bytes(const ph_plan *p) { return p->weight_bytes; }

/* --- Steps as operators see them ---------------------------------------------------------------------- */

phi_view phi_slot_view(const ph_plan *p, int32_t index, void *arena)
{
    if (index < 0) return PHI_NO_VIEW;
    const phi_slot *slot = &p->slots[index];
    phi_view v = slot->view;
    if (slot->kind == PHI_SLOT_ARENA) v.data = arena ? (char *)arena + slot->offset : NULL;
    return v;
}

phi_type phi_slot_type(const ph_plan *p, const phi_step *step, int32_t index)
{
    const phi_slot *slot = &p->slots[index];
    phi_type type = slot->view.type;
    if (step->images && slot->kind == PHI_SLOT_ARENA) type.dims[0] = p->inputs[0].dims[0];
    return type;
}

phi_view phi_step_view(const ph_plan *p, const phi_step *step, int32_t index, size_t portion,
                       void *arena)
{
    phi_view v = phi_slot_view(p, index, arena);
    if (index < 0 || !step->images || p->slots[index].kind != PHI_SLOT_ARENA ||
        v.type.dims[0] == step->images)
        return v;
    v.type.dims[0] = step->images;
    if (arena)
        v.data = (char *)v.data + portion * (size_t)(step->images * v.strides[0]) *
                                      ph_dtype_size(v.type.dtype);
    return v;
}

void phi_step_views(const ph_plan *p, const phi_step *step, void *arena, phi_view *in,
                    phi_view *out)
{
    for (size_t k = 0; k < step->n_in; k++) in[k] = phi_step_view(p, step, step->in[k], 0, arena);
    for (size_t k = 0; k < step->n_out; k++)
        out[k] = phi_step_view(p, step, step->out[k], 0, arena);
}

phi_exec phi_step_exec(const ph_plan *p, const phi_step *step, const phi_view *in,
                       const phi_view *out, phi_pool *pool)
{
    return (phi_exec){.node = step->node,
                      .params = step->params,
                      .n_in = step->n_in,
                      .n_out = step->n_out,
                      .in = in,
                      .out = out,
                      .pool = pool,
                      .packed = step->packed,
                      .training = p->training,
                      .stream = step->stream,
                      .lo = step->lo,
                      .hi = step->hi,
                      .exact = p->exact,
                      .method = step->method};
}

size_t phi_step_methods(const ph_plan *p, const phi_step *step, bool exact, phi_choice *out)
{
    phi_view in[PHI_MAX_IN], outputs[PHI_MAX_OUT];
    if (!step->op->methods) return 0;
    phi_step_views(p, step, NULL, in, outputs);
    phi_exec e = phi_step_exec(p, step, in, outputs, NULL);
    e.exact = exact;
    return step->op->methods(&e, out);
}
