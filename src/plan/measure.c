/* SPDX-License-Identifier: MIT */
/*
 * Steps that can be done in several ways are looked at by what there is to do: a network has fewer
 * different convolutions than convolutions. Of each, the ways whose estimates are near the best
 * one's are run in turn, on made-up numbers, for one image, and the fastest run of each counts:
 * whatever else goes on can only slow them down.
 *
 * In a network, a step's input has just been written and is near, while its weights were last read
 * one run ago, and all others have been since. So before each run, as much memory is read as the
 * plan has weights (or as drives out what most machines have of caches), and then the input.
 * Without that, weights would be in the second-level cache, and Winograd's, which are the largest,
 * would seem to cost nothing.
 */
#include "plan/measure.h"

#include <math.h>

#include "base/clock.h"
#include "base/measurements.h"
#include "kernels/caches.h"
#include "kernels/kernels.h"
#include "plan/pack.h"

#define NEAR_COST 2.0 /* times the best estimate: it is not as wrong as that */
#define AHEAD 0.97    /* what is slower than so much of the time first thought best is noise */
#define HOPELESS 1.3  /* times the fastest after LEAST_ROUNDS: not run again */
#define PROBLEM_SECONDS 0.03 /* of runs, for one problem; then they end ... */
#define PLAN_SECONDS 0.3     /* ... and for all of a plan */
#define LEAST_ROUNDS 3       /* ... but not before so many, if they do not take far longer */
#define MOST_ROUNDS 10
#define CHUNK_FLOATS ((size_t)1 << 14) /* that a task reads */

_Static_assert(PHI_DESCRIPTION_BYTES <= PHI_PROBLEM_BYTES, "a description is a problem's text");

/* Something to do that steps have, and how long it takes in each way. */
typedef struct problem {
    char text[PHI_DESCRIPTION_BYTES];
    const phi_step *step; /* the first that has it */
    size_t n;
    phi_choice ways[PHI_MOST_METHODS]; /* the best estimate first */
    int64_t ns[PHI_MOST_METHODS];      /* nanoseconds; 0: not known */
    bool measured;                     /* now */
} problem;

typedef struct measurer {
    ph_plan *p;
    const phi_meter *meter; /* or NULL */
    size_t n_threads;
    problem *problems;
    size_t n_problems;
    phi_pool *pool; /* or NULL */
    /* What runs need, enough for every problem. */
    float *x, *y, *weights, *flood;
    size_t x_floats, y_floats, weight_floats, flood_floats;
    char *packed, *work;
    size_t packed_bytes, work_bytes;
} measurer;

/* --- Estimates ------------------------------------------------------------------------------- */

void phi_estimate_methods(ph_plan *p)
{
    phi_choice ways[PHI_MOST_METHODS];
    for (size_t i = 0; i < p->n_steps; i++)
        if (phi_step_methods(p, &p->steps[i], p->exact, ways)) p->steps[i].method = ways[0].method;
}

/* --- A problem as an execution --------------------------------------------------------------- */

/* The operands of a step, for one image. */
typedef struct operands {
    phi_view in[PHI_MAX_IN], out[PHI_MAX_OUT];
    phi_exec e;
} operands;

static size_t floats_of(const phi_view *v)
{
    int64_t last = 0;
    for (int i = 0; i < v->type.rank; i++)
        last += (v->type.dims[i] - 1) * v->strides[i];
    return (size_t)last + 1;
}

static void set_up(const measurer *m, const phi_step *step, operands *o)
{
    phi_step_views(m->p, step, NULL, o->in, o->out);
    o->in[0].type.dims[0] = o->out[0].type.dims[0] = 1;
    o->in[0].data = m->x;
    o->out[0].data = m->y;
    for (size_t k = 1; k < step->n_in; k++)
        if (step->in[k] >= 0) o->in[k].data = m->weights;
    o->e = phi_step_exec(m->p, step, o->in, o->out, m->pool);
    o->e.lo = -INFINITY;
    o->e.hi = INFINITY;
}

/* Can it be run apart from the plan, and as it would be in it? In float32, with weights that are
 * packed once, and with something to do. */
static bool can_measure(const measurer *m, const phi_step *step)
{
    operands o;
    if (step->n_out != 1 || step->out[0] < 0 || !phi_packed_bytes(m->p, step, step->method))
        return false;
    set_up(m, step, &o);
    for (size_t k = 1; k < step->n_in; k++)
        if (step->in[k] >= 0 && m->p->slots[step->in[k]].kind != PHI_SLOT_CONSTANT) return false;
    return phi_type_count(&o.in[0].type) > 0 && phi_type_count(&o.out[0].type) > 0;
}

/* --- Which problems there are ---------------------------------------------------------------- */

/* Those of the ways that are worth a look: out of them, the best estimate, and what is near it. */
static size_t keep_near(phi_choice *ways, size_t n)
{
    size_t kept = 1;
    while (kept < n && ways[kept].cost <= NEAR_COST * ways[0].cost)
        kept++;
    return kept;
}

static problem *find_problem(const measurer *m, const char *text)
{
    for (size_t i = 0; i < m->n_problems; i++)
        if (strcmp(m->problems[i].text, text) == 0) return &m->problems[i];
    return NULL;
}

/* The problem that a step has, or NULL: there is nothing to choose. */
static problem *problem_of(measurer *m, const phi_step *step)
{
    problem now = {.step = step};
    operands o;
    if (!step->method) return NULL;
    now.n = phi_step_methods(m->p, step, m->p->exact, now.ways);
    now.n = keep_near(now.ways, now.n);
    if (now.n < 2 || !can_measure(m, step)) return NULL;
    set_up(m, step, &o);
    step->op->describe(&o.e, now.text);
    problem *old = find_problem(m, now.text);
    if (old) return old;
    m->problems[m->n_problems] = now;
    return &m->problems[m->n_problems++];
}

static bool is_known(const problem *q)
{
    for (size_t i = 0; i < q->n; i++)
        if (q->ns[i] == 0) return false;
    return true;
}

/* --- Room ------------------------------------------------------------------------------------ */

static void count_room(measurer *m, const problem *q)
{
    operands o;
    size_t packed = 0;
    set_up(m, q->step, &o);
    m->x_floats = phi_max_size(m->x_floats, floats_of(&o.in[0]));
    m->y_floats = phi_max_size(m->y_floats, floats_of(&o.out[0]));
    for (size_t k = 1; k < q->step->n_in; k++)
        if (q->step->in[k] >= 0)
            m->weight_floats = phi_max_size(m->weight_floats, floats_of(&o.in[k]));
    for (size_t i = 0; i < q->n; i++) {
        o.e.packed = q; /* something: there will be */
        o.e.method = q->ways[i].method;
        m->work_bytes = phi_max_size(m->work_bytes, q->step->op->work_bytes(&o.e, false));
        packed = phi_add_aligned(packed, phi_packed_bytes(m->p, q->step, q->ways[i].method));
    }
    m->packed_bytes = phi_max_size(m->packed_bytes, packed);
}

/* Small numbers of either sign; what they are does not matter, as long as they are ordinary. */
static float *made_up(const ph_allocator *mem, size_t n)
{
    size_t bytes;
    float *x = phi_mul_size(n, sizeof *x, &bytes) ? phi_alloc(mem, bytes) : NULL;
    for (size_t i = 0; x && i < n; i++)
        x[i] = (float)((uint32_t)i * 2654435761u >> 20) * 0x1p-12f - 0.5f;
    return x;
}

static size_t plan_weight_bytes(const ph_plan *p)
{
    size_t sum = 0;
    for (size_t i = 0; i < p->n_steps; i++)
        sum = phi_add_aligned(sum, phi_packed_bytes(p, &p->steps[i], p->steps[i].method));
    return sum;
}

static enum ph_status make_room(measurer *m, ph_error *err)
{
    const ph_allocator *mem = &m->p->mem;
    const size_t weights = plan_weight_bytes(m->p);
    enum ph_status st = PH_OK;
    if (m->n_threads > 1) st = phi_pool_new(mem, m->n_threads, &m->pool, err);
    if (st) return st;
    for (size_t i = 0; i < m->n_problems; i++)
        if (!is_known(&m->problems[i])) count_room(m, &m->problems[i]);
    m->flood_floats = phi_min_size(weights, PHI_FLOOD_BYTES) / sizeof(float);
    m->x = made_up(mem, m->x_floats);
    m->y = made_up(mem, m->y_floats);
    m->weights = made_up(mem, m->weight_floats);
    m->flood = made_up(mem, m->flood_floats);
    m->packed = phi_alloc(mem, m->packed_bytes);
    m->work = phi_alloc(mem, m->work_bytes);
    const bool fits = m->x && m->y && m->weights && m->flood && m->packed && m->work;
    return fits ? PH_OK : phi_fail_nomem(err);
}

static void free_room(measurer *m)
{
    const ph_allocator *mem = &m->p->mem;
    phi_pool_free(m->pool);
    phi_free(mem, m->x);
    phi_free(mem, m->y);
    phi_free(mem, m->weights);
    phi_free(mem, m->flood);
    phi_free(mem, m->packed);
    phi_free(mem, m->work);
}

/* --- Runs ------------------------------------------------------------------------------------- */

typedef struct reading {
    const phk_kernel *kernel;
    const float *x;
    size_t n;
} reading;

static void read_task(void *arg, size_t task, size_t thread)
{
    const reading *r = arg;
    const size_t first = task * CHUNK_FLOATS, n = r->n - first;
    float sum;
    (void)thread;
    const phk_read_f32_args args = {
        .x = r->x + first, .n = n < CHUNK_FLOATS ? n : CHUNK_FLOATS, .sum = &sum};
    PHK_CALL(read_f32, r->kernel)(&args);
}

static void read_through(const measurer *m, const float *x, size_t n)
{
    reading r = {phk_choose(PHK_read_f32), x, n};
    phi_pool_run(m->pool, (n + CHUNK_FLOATS - 1) / CHUNK_FLOATS, read_task, &r);
}

static double seconds_of(const measurer *m, const phi_step *step, const phi_exec *e)
{
    if (m->meter) return m->meter->seconds(m->meter->arg, e);
    read_through(m, m->flood, m->flood_floats);
    read_through(m, m->x, floats_of(&e->in[0]));
    const double start = phi_clock();
    (void)step->op->forward(e, NULL); /* it has no way to fail */
    return phi_clock() - start;
}

/* Whole nanoseconds, which a file keeps as they are: so it leads to the same choice. */
static int64_t time_run(const measurer *m, const phi_step *step, const phi_exec *e)
{
    const int64_t ns = (int64_t)(1e9 * seconds_of(m, step, e));
    return ns > 0 ? ns : 1;
}

/* Every way once, or all but those that are too slow already. */
static void run_round(const measurer *m, problem *q, bool all, phi_exec *e, void *const *packed)
{
    int64_t least = q->ns[0];
    for (size_t i = 1; i < q->n; i++)
        if (q->ns[i] < least) least = q->ns[i];
    for (size_t i = 0; i < q->n; i++) {
        if (!all && (double)q->ns[i] > HOPELESS * (double)least) continue;
        e->method = q->ways[i].method;
        e->packed = packed[i];
        const int64_t ns = time_run(m, q->step, e);
        if (q->ns[i] == 0 || ns < q->ns[i]) q->ns[i] = ns;
    }
}

static void measure(const measurer *m, problem *q, double most_seconds)
{
    operands o;
    void *packed[PHI_MOST_METHODS];
    size_t at = 0;
    set_up(m, q->step, &o);
    for (size_t i = 0; i < q->n; i++) {
        packed[i] = m->packed + at;
        q->ns[i] = 0;
        o.e.method = q->ways[i].method;
        q->step->op->pack(&o.e, packed[i]);
        at = phi_add_aligned(at, phi_packed_bytes(m->p, q->step, q->ways[i].method));
    }
    o.e.work = m->work;
    const double start = phi_clock();
    for (size_t round = 0; round < MOST_ROUNDS; round++) {
        const double spent = phi_clock() - start;
        if (spent > most_seconds * (round < LEAST_ROUNDS ? 10 : 1)) break;
        run_round(m, q, round < LEAST_ROUNDS, &o.e, packed);
    }
    q->measured = true;
}

static enum ph_status measure_all(measurer *m, ph_error *err)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n_problems; i++)
        n += !is_known(&m->problems[i]);
    if (n == 0) return PH_OK;
    const double share = PLAN_SECONDS / (double)n;
    enum ph_status st = make_room(m, err);
    for (size_t i = 0; i < m->n_problems && !st; i++)
        if (!is_known(&m->problems[i]))
            measure(m, &m->problems[i], share < PROBLEM_SECONDS ? share : PROBLEM_SECONDS);
    free_room(m);
    return st;
}

/* --- What is known ----------------------------------------------------------------------------- */

static enum ph_status find_problems(measurer *m, const ph_plan_desc *desc, ph_error *err)
{
    ph_plan *p = m->p;
    m->n_threads = desc->n_threads ? desc->n_threads : ph_cpu_count();
    m->problems = phi_calloc(&p->mem, p->n_steps, sizeof *m->problems);
    if (!m->problems) return phi_fail_nomem(err);
    for (size_t i = 0; i < p->n_steps; i++)
        (void)problem_of(m, &p->steps[i]);
    return PH_OK;
}

static void look_up(measurer *m, const ph_measurements *known)
{
    for (size_t i = 0; i < m->n_problems; i++) {
        problem *q = &m->problems[i];
        const phi_timing *t = phi_timing_find(known, ph_cpu_isa(), m->n_threads, q->text);
        for (size_t k = 0; k < q->n; k++)
            q->ns[k] = phi_timing_ns(t, q->ways[k].method->name);
    }
}

static enum ph_status write_down(const measurer *m, const problem *q, ph_measurements *to,
                                 ph_error *err)
{
    phi_timing *t = phi_timing_find(to, ph_cpu_isa(), m->n_threads, q->text);
    if (!t) t = phi_timing_new(to, ph_cpu_isa(), m->n_threads, q->text);
    for (size_t k = 0; t && k < q->n; k++)
        if (!phi_timing_set(to, t, q->ways[k].method->name, q->ns[k])) t = NULL;
    return t ? PH_OK : phi_fail_nomem(err);
}

enum ph_status phi_measurements_add(ph_measurements *to, const ph_graph *g,
                                    const ph_plan_desc *desc, const phi_meter *meter, ph_error *err)
{
    static const ph_plan_desc defaults;
    ph_plan *p = NULL;
    if (!desc) desc = &defaults;
    enum ph_status st = phi_plan_outline(g, desc, &p, err);
    if (st) return st;
    measurer m = {.p = p, .meter = meter};
    st = find_problems(&m, desc, err);
    if (!st) look_up(&m, to);
    if (!st) st = measure_all(&m, err);
    for (size_t i = 0; i < m.n_problems && !st; i++)
        if (m.problems[i].measured) st = write_down(&m, &m.problems[i], to, err);
    phi_free(&p->mem, m.problems);
    ph_plan_free(p);
    return st;
}

enum ph_status ph_measurements_add(ph_measurements *m, const ph_graph *g, const ph_plan_desc *desc,
                                   ph_error *err)
{
    return phi_measurements_add(m, g, desc, NULL, err);
}

/* --- The choice ------------------------------------------------------------------------------- */

static const phi_method *fastest(const problem *q)
{
    size_t best = 0;
    if (!is_known(q)) return q->ways[0].method;
    for (size_t i = 1; i < q->n; i++)
        if (q->ns[i] < q->ns[best]) best = i;
    return q->ways[(double)q->ns[best] < AHEAD * (double)q->ns[0] ? best : 0].method;
}

enum ph_status phi_choose_measured(ph_plan *p, const ph_plan_desc *desc, ph_error *err)
{
    measurer m = {.p = p};
    if (!desc->measurements) return PH_OK;
    enum ph_status st = find_problems(&m, desc, err);
    if (st) return st;
    look_up(&m, desc->measurements);
    for (size_t i = 0; i < p->n_steps; i++) {
        const problem *q = problem_of(&m, &p->steps[i]);
        if (q) p->steps[i].method = fastest(q);
    }
    phi_free(&p->mem, m.problems);
    return PH_OK;
}
