/* SPDX-License-Identifier: MIT */
/*
 * One walk over the nodes writes the graph anew. While it goes on, a value may exist only as a
 * promise: the Transpose of another one (`base`) by some permutation. Transposes and nodes that
 * hand their input on make promises; nodes that permutations can pass (op->passes) take the bases
 * of their inputs and promise their result; all others have promises kept, by a Transpose in front
 * of them. So two Transposes that undo each other vanish, whatever lies between them.
 */
#include <stdio.h>

#include "graph/loop.h"
#include "plan/rewrite.h"

/* What a value of the old graph is in the new one: element [i0,i1,...] of it is that of `base`
 * whose index has i_k at dimension perm[k]. */
typedef struct promise {
    ph_value base;
    ph_value self; /* the value that has it in the end, if it must */
    bool moved;    /* perm is not the identity */
    bool kept;     /* `self` is made already */
    int rank;
    int perm[PH_MAX_RANK];
} promise;

typedef struct rewriter {
    const phi_facts *f;
    const ph_graph *g;
    ph_graph *to;
    promise *at;                           /* [g->n_values] */
    bool *live;                            /* [g->n_nodes] */
    bool push;                             /* move Transposes behind other nodes */
    int64_t transposed_before, transposed; /* elements moved by Transposes */
    ph_error *err;
} rewriter;

static bool is_known(const rewriter *r, ph_value v)
{
    return r->f->value[v].constant != NULL;
}

static const phi_type *type_of(const rewriter *r, ph_value v)
{
    return &r->f->value[v].type;
}

/* --- Names and constants in the new graph ----------------------------------------------------- */

/* A new value called after value `like` of the old graph. */
static enum ph_status new_value(rewriter *r, ph_value like, ph_value *out)
{
    for (size_t k = 0;; k++) {
        char *name = phi_asprintf(&r->to->mem, "%s:%zu", r->g->values[like].name, k);
        if (!name) return phi_fail_nomem(r->err);
        const bool free = ph_graph_find(r->to, name) == PH_NONE;
        const enum ph_status st = free ? phi_graph_value(r->to, name, out, r->err) : PH_OK;
        phi_free(&r->to->mem, name);
        if (free) return st;
    }
}

/* A node name that neither graph has. */
static char *new_node_name(const rewriter *r, ph_value like)
{
    for (size_t k = 0;; k++) {
        char *name = phi_asprintf(&r->to->mem, "%s:%zu", r->g->values[like].name, k);
        if (!name || (phi_graph_find_node(r->g, name) == SIZE_MAX &&
                      phi_graph_find_node(r->to, name) == SIZE_MAX))
            return name;
        phi_free(&r->to->mem, name);
    }
}

static enum ph_status new_constant(rewriter *r, ph_value like, ph_tensor *taken, ph_value *out)
{
    const enum ph_status st = new_value(r, like, out);
    if (st) {
        ph_tensor_free(taken);
        return st;
    }
    return phi_graph_set_constant(r->to, *out, taken, r->err);
}

/* Constant integers like `like` [n]. */
static enum ph_status new_ints(rewriter *r, ph_value like, size_t n, const int64_t *at,
                               ph_value *out)
{
    const phi_type type = {.dtype = PH_INT64, .rank = 1, .dims = {(int64_t)n}};
    ph_tensor *t;
    const enum ph_status st = phi_tensor_new(&r->to->mem, &type, &t, r->err);
    if (st) return st;
    if (n) memcpy(t->data, at, n * sizeof *at);
    return new_constant(r, like, t, out);
}

/* --- Nodes of the new graph ------------------------------------------------------------------- */

static enum ph_status append(rewriter *r, const char *op, ph_value like, ph_value in, ph_value out,
                             size_t *node)
{
    const int32_t maker = r->g->values[out].producer;
    const bool same = maker >= 0 && strcmp(r->g->nodes[maker].op_type, op) == 0 &&
                      phi_graph_find_node(r->to, r->g->nodes[maker].name) == SIZE_MAX;
    char *name = same ? phi_strdup(&r->to->mem, r->g->nodes[maker].name) : new_node_name(r, like);
    if (!name) return phi_fail_nomem(r->err);
    const enum ph_status st = phi_graph_append(r->to, "", op, name, 1, &in, 1, &out, node, r->err);
    phi_free(&r->to->mem, name);
    return st;
}

/* Transpose the base of `v` into value `out` of the old graph. */
static enum ph_status append_transpose(rewriter *r, const promise *p, ph_value out)
{
    int64_t perm[PH_MAX_RANK];
    size_t node;
    enum ph_status st = append(r, "Transpose", out, p->base, out, &node);
    if (st) return st;
    for (int i = 0; i < p->rank; i++)
        perm[i] = p->perm[i];
    const ph_attr attr = {.name = "perm", .kind = PH_ATTR_INTS, .n = (size_t)p->rank, .ints = perm};
    r->transposed += phi_type_count(type_of(r, out));
    return phi_node_add_attr(r->to, node, &attr, r->err);
}

/* The value of the new graph that is `v`. */
static enum ph_status keep(rewriter *r, ph_value v, ph_value *out)
{
    promise *p = &r->at[v];
    enum ph_status st = PH_OK;
    *out = p->moved ? p->self : p->base;
    if (!p->moved || r->at[p->self].kept) return PH_OK;
    st = append_transpose(r, p, p->self);
    r->at[p->self].kept = true;
    return st;
}

/* --- Promises --------------------------------------------------------------------------------- */

static void promise_itself(rewriter *r, ph_value v)
{
    promise *p = &r->at[v];
    *p = (promise){.base = v, .self = v, .rank = type_of(r, v)->rank};
    for (int i = 0; i < p->rank; i++)
        p->perm[i] = i;
}

static void set_perm(promise *p, int rank, const int *perm)
{
    p->rank = rank;
    p->moved = false;
    for (int i = 0; i < rank; i++) {
        p->perm[i] = perm[i];
        p->moved |= perm[i] != i;
    }
}

/* y is what x is. */
static void promise_same(rewriter *r, ph_value y, ph_value x)
{
    r->at[y] = r->at[x];
    r->at[y].kept = false; /* asked of `self` */
}

/* y = Transpose(x, perm): dimension i of y is perm[i] of x, and that one x's perm of the base. */
static void promise_transposed(rewriter *r, ph_value y, ph_value x, const int *perm)
{
    int both[PH_MAX_RANK];
    const promise from = r->at[x];
    for (int i = 0; i < from.rank; i++)
        both[i] = from.perm[perm[i]];
    r->at[y] = (promise){.base = from.base, .self = y};
    set_perm(&r->at[y], from.rank, both);
}

/* --- Passing nodes ---------------------------------------------------------------------------- */

/* A node with what it becomes. */
typedef struct passage {
    const phi_node *node;
    const promise *like;     /* the promise that passes */
    ph_value in[PHI_MAX_IN]; /* new graph */
    promise out;             /* of output 0: rank and perm */
    const char *attr;        /* attribute with new numbers, or NULL */
    size_t n;
    int64_t numbers[2 * PH_MAX_RANK];
    bool is_list;
} passage;

/* Is input k of the node moved as `p` is? */
static bool is_moved_like(const rewriter *r, ph_value v, const promise *p)
{
    const promise *q = &r->at[v];
    return q->moved && q->rank == p->rank &&
           memcmp(q->perm, p->perm, (size_t)p->rank * sizeof *p->perm) == 0;
}

/* A constant of at most p->rank dimensions as it has to be beside the base. */
static enum ph_status move_constant(rewriter *r, ph_value v, const promise *p, ph_value *out)
{
    const ph_tensor *t = r->f->value[v].constant;
    const phi_view from = phi_view_of(t);
    phi_view source = {.type = {.dtype = t->type.dtype, .rank = p->rank}, .data = from.data};
    const int missing = p->rank - t->type.rank;
    for (int i = 0; i < p->rank; i++) { /* dimension i of the operand is p->perm[i] of the base */
        source.type.dims[p->perm[i]] = i < missing ? 1 : t->type.dims[i - missing];
        source.strides[p->perm[i]] = i < missing ? 0 : from.strides[i - missing];
    }
    ph_tensor *moved;
    const enum ph_status st = phi_tensor_new(&r->to->mem, &source.type, &moved, r->err);
    if (st) return st;
    const phi_view to = phi_view_of(moved);
    phi_copy(NULL, &to, &source);
    return new_constant(r, v, moved, out);
}

/* Operand v of a node whose data are moved as p; *can says whether it may be. */
static enum ph_status move_operand(rewriter *r, ph_value v, const promise *p, bool broadcast,
                                   ph_value *out, bool *can)
{
    const phi_type *t = type_of(r, v);
    *can = true;
    if (broadcast && phi_type_count(t) == 1 && t->rank <= p->rank) return keep(r, v, out);
    if (is_known(r, v)) {
        *can = broadcast ? t->rank <= p->rank : t->rank == p->rank;
        return *can ? move_constant(r, v, p, out) : PH_OK;
    }
    *can = is_moved_like(r, v, p);
    if (*can) *out = r->at[v].base;
    return PH_OK;
}

/* Could all of the node's data operands move? Asked before anything is made. */
static bool operands_can_move(const rewriter *r, const passage *s, size_t n_data, bool broadcast)
{
    const promise *p = s->like;
    for (size_t k = 0; k < n_data; k++) {
        const ph_value v = s->node->in[k];
        if (v == PH_NONE) continue;
        const phi_type *t = type_of(r, v);
        const bool one = broadcast && phi_type_count(t) == 1 && t->rank <= p->rank;
        const bool known = is_known(r, v) && (broadcast ? t->rank <= p->rank : t->rank == p->rank);
        if (!one && !known && !is_moved_like(r, v, p)) return false;
    }
    return true;
}

static enum ph_status move_operands(rewriter *r, passage *s, size_t n_data, bool broadcast,
                                    bool *can)
{
    enum ph_status st = PH_OK;
    *can = operands_can_move(r, s, n_data, broadcast);
    for (size_t k = 0; k < s->node->n_in && *can && !st; k++) {
        const ph_value v = s->node->in[k];
        s->in[k] = PH_NONE;
        if (v == PH_NONE) continue;
        if (k < n_data)
            st = move_operand(r, v, s->like, broadcast, &s->in[k], can);
        else
            st = keep(r, v, &s->in[k]); /* settings */
    }
    return st;
}

static int64_t axis_in(int64_t axis, int rank)
{
    return axis < 0 ? axis + rank : axis;
}

/* The attribute `axis` under the permutation. */
static bool move_axis(passage *s)
{
    const promise *p = s->like;
    const int64_t axis = axis_in(phi_attr_int(s->node, "axis", -1), p->rank);
    if (axis < 0 || axis >= p->rank) return false;
    s->attr = "axis";
    s->n = 1;
    s->numbers[0] = p->perm[axis];
    return true;
}

/* The numbers of a list that is attribute or constant input `input`; false: it cannot be known. */
static bool read_list(const rewriter *r, const phi_node *n, const char *name, size_t input,
                      bool *given, size_t *count, int64_t *at)
{
    const int64_t *list = phi_attr_ints(n, name, count);
    const ph_tensor *t = NULL;
    *given = list != NULL;
    if (!list && input < n->n_in && n->in[input] != PH_NONE) {
        t = r->f->value[n->in[input]].constant;
        if (!t || t->type.dtype != PH_INT64) return false;
        *given = true;
        list = t->data;
        *count = (size_t)t->count;
    }
    if (*given && *count > 2 * PH_MAX_RANK) return false;
    if (*given && *count) memcpy(at, list, *count * sizeof *at);
    return true;
}

/* Which dimensions of the operand are reduced, as a set. */
static bool reduced_axes(const rewriter *r, const passage *s, uint32_t *set, bool *given)
{
    const int rank = s->like->rank;
    int64_t at[2 * PH_MAX_RANK];
    size_t n = 0;
    if (!read_list(r, s->node, "axes", 1, given, &n, at)) return false;
    if (*given && n == 0) *given = false;
    *set = 0;
    for (size_t i = 0; i < n; i++) {
        const int64_t axis = axis_in(at[i], rank);
        if (axis < 0 || axis >= rank) return false;
        *set |= UINT32_C(1) << axis;
    }
    return true;
}

/* What is left of the permutation when dimensions in `set` go. */
static void reduce_perm(const promise *p, uint32_t set, promise *out)
{
    int perm[PH_MAX_RANK], rank = 0;
    uint32_t base = 0; /* the same dimensions of the base */
    for (int i = 0; i < p->rank; i++)
        if (set >> i & 1) base |= UINT32_C(1) << p->perm[i];
    for (int i = 0; i < p->rank; i++) {
        if (set >> i & 1) continue;
        int before = 0;
        for (int k = 0; k < p->perm[i]; k++)
            before += !(base >> k & 1);
        perm[rank++] = before;
    }
    set_perm(out, rank, perm);
}

static enum ph_status move_axes(rewriter *r, passage *s, bool *can)
{
    const promise *p = s->like;
    uint32_t set;
    bool given;
    *can = reduced_axes(r, s, &set, &given);
    if (!*can) return PH_OK;
    const bool no_op = phi_attr_int(s->node, "noop_with_empty_axes", 0) != 0;
    if (!given && !no_op) set = (UINT32_C(1) << p->rank) - 1;
    for (int i = 0; given && i < p->rank; i++)
        if (set >> i & 1) s->numbers[s->n++] = p->perm[i];
    if (phi_attr_int(s->node, "keepdims", 1) == 0) reduce_perm(p, set, &s->out);
    if (!given) return PH_OK;
    if (phi_attr_has(s->node, "axes")) {
        s->attr = "axes";
        s->is_list = true;
        return PH_OK;
    }
    return new_ints(r, s->node->in[1], s->n, s->numbers, &s->in[1]);
}

static enum ph_status move_pads(rewriter *r, passage *s, bool *can)
{
    const promise *p = s->like;
    const size_t rank = (size_t)p->rank;
    int64_t at[2 * PH_MAX_RANK];
    size_t n = 0;
    bool given;
    *can = s->node->n_in < 4 || s->node->in[3] == PH_NONE; /* axes of their own: rare */
    *can = *can && read_list(r, s->node, "pads", 1, &given, &n, at) && given && n == 2 * rank;
    if (!*can) return PH_OK;
    s->n = n;
    for (size_t i = 0; i < rank; i++) {
        s->numbers[p->perm[i]] = at[i];
        s->numbers[rank + (size_t)p->perm[i]] = at[rank + i];
    }
    if (phi_attr_has(s->node, "pads")) {
        s->attr = "pads";
        s->is_list = true;
        return PH_OK;
    }
    return new_ints(r, s->node->in[1], n, s->numbers, &s->in[1]);
}

/* Operands and settings of the node behind which p goes. */
static enum ph_status prepare(rewriter *r, passage *s, bool *can)
{
    const phi_op *op = s->node->op;
    const bool open = op->max_in < 0;
    const int64_t opset = phi_graph_opset_of(r->g, "");
    enum ph_status st;
    set_perm(&s->out, s->like->rank, s->like->perm);
    *can = false;
    switch (op->passes) {
    case PHI_PASSES_NONE:
        return PH_OK;
    case PHI_PASSES_ELEMENTS:
        if (opset < 7 && s->node->n_in > 1) return PH_OK;
        return move_operands(r, s, s->node->n_in, true, can);
    case PHI_PASSES_AXIS:
        if (opset < (open ? 4 : 13) || !move_axis(s)) return PH_OK;
        return move_operands(r, s, open ? s->node->n_in : 1, false, can);
    case PHI_PASSES_AXES:
    case PHI_PASSES_PADS:
        st = move_operands(r, s, 1, false, can);
        if (st || !*can) return st;
        return op->passes == PHI_PASSES_AXES ? move_axes(r, s, can) : move_pads(r, s, can);
    }
    return PH_OK;
}

static enum ph_status set_numbers(rewriter *r, size_t node, const passage *s)
{
    phi_node *n = &r->to->nodes[node];
    for (size_t i = 0; s->attr && i < n->n_attrs; i++) {
        phi_attr *a = &n->attrs[i];
        if (strcmp(a->name, s->attr) != 0) continue;
        if (s->is_list)
            memcpy(a->ints, s->numbers, s->n * sizeof *a->ints); /* as many as before */
        else
            a->i = s->numbers[0];
        return PH_OK;
    }
    const ph_attr attr = {.name = s->attr, .kind = PH_ATTR_INT, .i = s->numbers[0]};
    return s->attr ? phi_node_add_attr(r->to, node, &attr, r->err) : PH_OK;
}

/* --- The walk --------------------------------------------------------------------------------- */

static size_t wanted_outputs(const phi_node *n)
{
    size_t wanted = 0;
    for (size_t k = 0; k < n->n_out; k++)
        wanted += n->out[k] != PH_NONE;
    return wanted;
}

/* The promise that the node would let pass: that of its first moved input. */
static const promise *first_moved(const rewriter *r, const phi_node *n)
{
    const phi_type *out = type_of(r, n->out[0]);
    for (size_t k = 0; k < n->n_in; k++) {
        const ph_value v = n->in[k];
        if (v == PH_NONE || is_known(r, v) || !r->at[v].moved) continue;
        const bool reduces = n->op->passes == PHI_PASSES_AXES;
        return reduces || r->at[v].rank == out->rank ? &r->at[v] : NULL;
    }
    return NULL;
}

/* Try to move the Transpose in front of node n behind it; *done says whether it went. */
static enum ph_status pass(rewriter *r, const phi_node *n, bool *done)
{
    *done = false;
    if (!r->push || n->op->passes == PHI_PASSES_NONE || n->n_in > PHI_MAX_IN || n->n_out != 1 ||
        n->out[0] == PH_NONE)
        return PH_OK;
    const promise *moved = first_moved(r, n);
    if (!moved) return PH_OK;
    const promise like = *moved;
    passage s = {.node = n, .like = &like};
    enum ph_status st = prepare(r, &s, done);
    ph_value base;
    size_t node;
    if (st || !*done) return st;
    const ph_value y = n->out[0];
    s.out.base = s.out.self = y;
    base = y;
    if (s.out.moved) st = new_value(r, y, &base);
    if (!st) st = phi_graph_append_like(r->to, n, n->n_in, s.in, 1, &base, &node, r->err);
    if (!st) st = set_numbers(r, node, &s);
    s.out.base = base;
    r->at[y] = s.out;
    return st;
}

/* The node as it is. */
static enum ph_status copy_node(rewriter *r, const phi_node *n)
{
    ph_value in[PHI_MAX_IN];
    size_t node;
    enum ph_status st = PH_OK;
    for (size_t k = 0; k < n->n_in && !st; k++) {
        in[k] = PH_NONE;
        if (n->in[k] != PH_NONE) st = keep(r, n->in[k], &in[k]);
    }
    return st ? st : phi_graph_append_like(r->to, n, n->n_in, in, n->n_out, n->out, &node, r->err);
}

static enum ph_status walk_node(rewriter *r, size_t i)
{
    const phi_node *n = &r->g->nodes[i];
    const phi_type *in[PHI_MAX_IN];
    const ph_tensor *constant[PHI_MAX_IN];
    phi_type out[PHI_MAX_OUT];
    phi_infer c;
    bool done;
    phi_facts_node(r->f, i, &c, in, constant, out);
    const bool alone = wanted_outputs(n) == 1 && n->out[0] != PH_NONE;
    if (alone && n->op->as_identity && n->op->as_identity(&c)) {
        promise_same(r, n->out[0], n->in[0]);
        return PH_OK;
    }
    if (alone && strcmp(n->op_type, "Transpose") == 0) {
        int perm[PH_MAX_RANK];
        size_t k;
        const int64_t *list = phi_attr_ints(n, "perm", &k);
        for (int d = 0; d < out[0].rank; d++)
            perm[d] = list ? (int)list[d] : out[0].rank - 1 - d;
        promise_transposed(r, n->out[0], n->in[0], perm);
        r->transposed_before += phi_type_count(&out[0]);
        return PH_OK;
    }
    const enum ph_status st = pass(r, n, &done);
    return st || done ? st : copy_node(r, n);
}

/* Output `v` has to exist under its own name. */
static enum ph_status walk_output(rewriter *r, ph_value v)
{
    const promise *p = &r->at[v];
    ph_value made = v;
    size_t node;
    enum ph_status st =
        p->moved && !r->at[p->self].kept ? append_transpose(r, p, v) : keep(r, v, &made);
    if (p->moved && made == v) r->at[v].kept = true;
    if (!st && made != v && r->to->values[v].producer < 0)
        st = append(r, "Identity", v, made, v, &node);
    return st ? st : ph_graph_add_output(r->to, v, r->err);
}

static enum ph_status walk(rewriter *r)
{
    const ph_graph *g = r->g;
    enum ph_status st = phi_graph_share(r->f, &r->to, r->err);
    for (size_t v = 0; v < g->n_values; v++)
        promise_itself(r, (ph_value)v);
    for (size_t i = 0; i < g->n_nodes && !st; i++)
        if (r->live[i]) st = walk_node(r, i);
    for (size_t i = 0; i < g->n_outputs && !st; i++)
        st = walk_output(r, g->outputs[i]);
    return st;
}

/* --- The whole -------------------------------------------------------------------------------- */

/* Nodes that an output depends on, other than through constants. */
static void mark_live(rewriter *r)
{
    const ph_graph *g = r->g;
    for (size_t i = 0; i < g->n_outputs; i++) {
        const int32_t maker = g->values[g->outputs[i]].producer;
        if (maker >= 0 && !is_known(r, g->outputs[i])) r->live[maker] = true;
    }
    for (size_t i = g->n_nodes; i-- > 0;) {
        const phi_node *n = &g->nodes[i];
        for (size_t k = 0; r->live[i] && k < n->n_in; k++) {
            if (n->in[k] == PH_NONE || is_known(r, n->in[k])) continue;
            const int32_t maker = g->values[n->in[k]].producer;
            if (maker >= 0) r->live[maker] = true;
        }
    }
}

/* Is there a node that a rewritten graph could do without? */
static bool is_worth_it(const rewriter *r)
{
    const phi_type *in[PHI_MAX_IN];
    const ph_tensor *constant[PHI_MAX_IN];
    phi_type out[PHI_MAX_OUT];
    phi_infer c;
    for (size_t i = 0; i < r->g->n_nodes; i++) {
        const phi_node *n = &r->g->nodes[i];
        if (!r->live[i]) continue;
        if (strcmp(n->op_type, "Transpose") == 0) return true;
        if (!n->op->as_identity) continue;
        phi_facts_node(r->f, i, &c, in, constant, out);
        if (n->op->as_identity(&c)) return true;
    }
    return false;
}

/* Moving Transposes can make more of them, where several nodes read one; then they stay. */
static enum ph_status rewrite(rewriter *r)
{
    enum ph_status st = walk(r);
    if (st || r->transposed <= r->transposed_before) return st;
    ph_graph_free(r->to);
    *r = (rewriter){.f = r->f, .g = r->g, .at = r->at, .live = r->live, .err = r->err};
    return walk(r);
}

enum ph_status phi_rewrite(const phi_facts *facts, ph_graph **out, ph_error *err)
{
    const ph_graph *g = facts->graph;
    rewriter r = {.f = facts,
                  .g = g,
                  .push = true,
                  .err = err,
                  .at = phi_calloc(&g->mem, g->n_values, sizeof *r.at),
                  .live = phi_calloc(&g->mem, g->n_nodes, sizeof *r.live)};
    enum ph_status st = r.at && r.live ? PH_OK : phi_fail_nomem(err);
    *out = NULL;
    if (!st) mark_live(&r);
    if (!st && is_worth_it(&r)) st = rewrite(&r);
    phi_free(&g->mem, r.at);
    phi_free(&g->mem, r.live);
    if (st)
        ph_graph_free(r.to);
    else
        *out = r.to;
    return st;
}
