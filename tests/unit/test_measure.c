/* SPDX-License-Identifier: MIT */
/* Plans whose methods were measured: by a meter of our own, which says what is fastest. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <jansson.h>

#include "base/file.h"
#include "base/measurements.h"
#include "plan/measure.h"
#include "sweep.h"

static const char text[] = "network ways\n"
                           "input x 64x16x16\n"
                           "a: conv 3x3 64 pad 1\n"
                           "   bn\n"
                           "b: conv 3x3 64 pad 1\n"
                           "   add x\n"
                           "   relu\n"
                           "c: conv 3x3 64 / 2 pad 2 dilation 2\n"
                           "d: conv 5x5 64 pad 2\n"
                           "output d\n";
static const char *const names[] = {"a", "b", "c", "d"};

#define FILE_NAME "measurements.json"

static ph_graph *parse(const ph_allocator *mem)
{
    ph_graph *g = NULL;
    ph_error err = {0};
    if (ph_net_parse(mem, text, sizeof text - 1, "text", 1, &g, &err)) fail_msg("%s", err.message);
    return g;
}

/* --- A meter --------------------------------------------------------------------------------- */

typedef struct fake {
    const char *fast; /* this method takes 1 s, others 2 s */
    double ahead;     /* seconds of `fast`, if not 1 */
    size_t calls, threads, images;
    bool run; /* really, for what the sanitizers might say */
} fake;

static double fake_seconds(void *arg, const phi_exec *e)
{
    fake *f = arg;
    f->calls++;
    f->threads = phi_pool_threads(e->pool);
    f->images = (size_t)e->in[0].type.dims[0];
    assert_non_null(e->packed);
    if (f->run) assert_int_equal(e->node->op->forward(e, NULL), PH_OK);
    return strcmp(e->method->name, f->fast) == 0 ? (f->ahead > 0 ? f->ahead : 1) : 2;
}

/* The clock would say anything else but so long. */
static double no_clock(void *arg, const phi_exec *e)
{
    (void)arg;
    fail_msg("'%s' was measured", e->node->name);
    return 0;
}

static ph_measurements *nothing(void)
{
    ph_measurements *m = NULL;
    assert_int_equal(ph_measurements_new(NULL, &m, NULL), PH_OK);
    return m;
}

/* Measure by `f`; NULL: there is to be nothing to measure. */
static void add(ph_measurements *m, const ph_graph *g, const ph_plan_desc *desc, fake *f)
{
    ph_error err = {0};
    const phi_meter meter = {f ? fake_seconds : no_clock, f};
    if (phi_measurements_add(m, g, desc, &meter, &err)) fail_msg("%s", err.message);
}

/* A plan by what is known; m NULL: by estimates. */
static ph_plan *plan(const ph_graph *g, const ph_plan_desc *desc, const ph_measurements *m)
{
    ph_plan *p = NULL;
    ph_error err = {0};
    ph_plan_desc by = desc ? *desc : (ph_plan_desc){0};
    by.measurements = m;
    if (ph_plan_new(g, &by, &p, &err)) fail_msg("%s", err.message);
    return p;
}

/* Measured, then planned. */
static ph_plan *metered(const ph_graph *g, const ph_plan_desc *desc, fake *f)
{
    ph_measurements *m = nothing();
    add(m, g, desc, f);
    ph_plan *p = plan(g, desc, m);
    ph_measurements_free(m);
    return p;
}

static const char *method_of(const ph_plan *p, const char *name)
{
    for (size_t i = 0; i < ph_plan_n_steps(p); i++) {
        ph_step s;
        assert_int_equal(ph_plan_step(p, i, &s, NULL), PH_OK);
        if (s.op && strcmp(s.name, name) == 0) return s.method;
    }
    fail_msg("no step '%s'", name);
    return NULL;
}

static void assert_methods(const ph_plan *p, const char *const *wanted)
{
    for (size_t i = 0; i < PHI_COUNT(names); i++)
        assert_string_equal(method_of(p, names[i]), wanted[i]);
}

#define F2 "Winograd F(2x2,3x3)"
#define F4 "Winograd F(4x4,3x3)"
#define F5 "Winograd F(2x2,5x5)"
#define WINDOWS "window gemm"
static const char *const estimated[] = {F4, F4, WINDOWS, F5};
static const char *const slower[] = {F2, F2, WINDOWS, F5};

/* --- Choices --------------------------------------------------------------------------------- */

/* Scores of a plan, on input that is always the same. */
static float *scores(const ph_plan *p, size_t threads, size_t *n)
{
    ph_run *r = NULL;
    const size_t n_x = (size_t)ph_plan_input(p, 0)->count;
    *n = (size_t)ph_plan_output(p, 0)->count;
    float *x = calloc(n_x, sizeof *x), *y = calloc(*n, sizeof *y);
    assert_true(x && y);
    for (size_t i = 0; i < n_x; i++)
        x[i] = (float)(i % 31) / 31 - 0.4f;
    assert_int_equal(ph_run_new(p, threads, &r, NULL), PH_OK);
    assert_int_equal(ph_run_once(r, (const void *const[]){x}, (void *const[]){y}, NULL), PH_OK);
    ph_run_free(r);
    free(x);
    return y;
}

static void assert_near(const ph_plan *p, const ph_plan *q)
{
    size_t n, n_q;
    float *a = scores(p, 1, &n), *b = scores(q, 2, &n_q);
    double largest = 0;
    assert_int_equal(n, n_q);
    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, fabs((double)a[i]));
    assert_true(largest > 0);
    for (size_t i = 0; i < n; i++)
        assert_true(fabs((double)a[i] - (double)b[i]) < 1e-4 * largest);
    free(a);
    free(b);
}

/* What is faster is taken, and computes the same; a problem that two steps have is measured once,
 * for one image, by as many threads as were asked for. */
static void test_choice(void **state)
{
    ph_graph *g = parse(NULL);
    ph_plan *plain = plan(g, NULL, NULL);
    (void)state;
    assert_methods(plain, estimated);
    const ph_shape_hint four = {.rank = 4, .dims = {4, 64, 16, 16}};
    for (size_t threads = 1; threads <= 2; threads++)
        for (size_t batch = 0; batch < 2; batch++) {
            fake f = {.fast = F2, .run = true};
            const ph_plan_desc desc = {.n_threads = threads, .n_hints = batch, .hints = &four};
            ph_plan *p = metered(g, &desc, &f);
            assert_methods(p, slower);
            assert_true(f.calls >= 4 && f.calls <= 60);
            assert_int_equal(f.threads, threads);
            assert_int_equal(f.images, 1);
            if (!batch) assert_near(p, plain);
            ph_plan_free(p);
        }
    ph_plan_free(plain);
    ph_graph_free(g);
}

/* What the noise may have done does not count; exact stays exact; weights stay bounded. */
static void test_limits(void **state)
{
    static const char *const exact[] = {WINDOWS, WINDOWS, WINDOWS, WINDOWS};
    ph_graph *g = parse(NULL);
    fake f = {.fast = F2, .ahead = 1.95};
    (void)state;
    ph_plan *p = metered(g, &(ph_plan_desc){.n_threads = 1}, &f);
    assert_methods(p, estimated);
    ph_plan_free(p);
    p = metered(g, &(ph_plan_desc){.exact = true, .n_threads = 1}, NULL);
    const size_t least = ph_plan_weight_bytes(p);
    assert_methods(p, exact);
    ph_plan_free(p);
    f.ahead = 1;
    p = metered(g, &(ph_plan_desc){.n_threads = 1, .max_weights = least}, &f);
    assert_methods(p, exact);
    ph_plan_free(p);
    ph_graph_free(g);
}

/* With the clock, whatever it says; on any instruction set, none of which knows the others' times.
 */
static void test_clock(void **state)
{
    ph_graph *g = parse(NULL);
    ph_measurements *m = nothing();
    ph_plan *plain = plan(g, NULL, NULL);
    const char *const best = ph_cpu_isa();
    (void)state;
    for (size_t threads = 1; threads <= 2; threads++) {
        const ph_plan_desc desc = {.n_threads = threads};
        assert_int_equal(ph_measurements_add(m, g, &desc, NULL), PH_OK);
        ph_plan *p = plan(g, &desc, m);
        assert_near(p, plain);
        ph_plan_free(p);
        add(m, g, &desc, NULL);
    }
    if (strcmp(best, "scalar") != 0) {
        fake f = {.fast = WINDOWS};
        assert_int_equal(ph_cpu_limit("scalar"), PH_OK);
        add(m, g, &(ph_plan_desc){.n_threads = 1}, &f);
        assert_true(f.calls > 0);
        assert_int_equal(ph_cpu_limit(NULL), PH_OK);
        add(m, g, &(ph_plan_desc){.n_threads = 1}, NULL);
    }
    ph_plan_free(plain);
    ph_measurements_free(m);
    ph_graph_free(g);
}

/* --- The file -------------------------------------------------------------------------------- */

static json_t *load(void)
{
    json_t *root = json_load_file(FILE_NAME, 0, NULL);
    assert_non_null(root);
    return root;
}

static void store(json_t *root)
{
    assert_int_equal(json_dump_file(root, FILE_NAME, 0), 0);
    json_decref(root);
}

static const char *first_key(json_t *object)
{
    return json_object_iter_key(json_object_iter(object));
}

static json_t *times_of(json_t *root, size_t machine)
{
    return json_object_get(json_array_get(json_object_get(root, "machines"), machine), "ns");
}

static ph_measurements *from_file(const ph_allocator *mem)
{
    ph_measurements *m = NULL;
    ph_error err = {0};
    enum ph_status st = ph_measurements_read(mem, FILE_NAME, &m, &err);
    if (st == PH_ERR_NOT_FOUND) return nothing();
    if (st) fail_msg("%s", err.message);
    return m;
}

/* What --measure and --measurements FILE do. */
static ph_plan *planned_by_file(const ph_graph *g, const ph_plan_desc *desc, fake *f)
{
    ph_measurements *m = from_file(NULL);
    ph_error err = {0};
    add(m, g, desc, f);
    if (ph_measurements_write(m, FILE_NAME, &err)) fail_msg("%s", err.message);
    ph_plan *p = plan(g, desc, m);
    ph_measurements_free(m);
    return p;
}

/* Measured once; from then on the file decides, for as many threads. */
static void test_file(void **state)
{
    ph_graph *g = parse(NULL);
    fake f = {.fast = F2};
    ph_plan_desc desc = {.n_threads = 1};
    (void)state;
    unlink(FILE_NAME);
    for (int again = 0; again < 3; again++) {
        ph_plan *p = planned_by_file(g, &desc, again ? NULL : &f);
        assert_methods(p, slower);
        ph_plan_free(p);
    }
    desc.n_threads = 2;
    ph_measurements *m = from_file(NULL);
    ph_plan *p = plan(g, &desc, m); /* unknown */
    assert_methods(p, estimated);
    ph_plan_free(p);
    ph_measurements_free(m);
    f.fast = F2;
    p = planned_by_file(g, &desc, &f);
    assert_string_equal(method_of(p, "a"), F2);
    ph_plan_free(p);
    json_t *root = load();
    assert_int_equal(json_array_size(json_object_get(root, "machines")), 2);
    assert_int_equal(json_object_size(times_of(root, 0)), 2);
    json_decref(root);
    m = from_file(NULL);
    unlink(FILE_NAME);
    assert_int_equal(ph_measurements_write(m, FILE_NAME, NULL), PH_OK); /* all that is known */
    ph_measurements_free(m);
    ph_plan_free(planned_by_file(g, &desc, NULL));
    desc.n_threads = 1;
    ph_plan_free(planned_by_file(g, &desc, NULL));
    unlink(FILE_NAME);
    m = NULL;
    ph_error err = {0};
    assert_int_equal(ph_measurements_read(NULL, FILE_NAME, &m, &err), PH_ERR_NOT_FOUND);
    assert_null(m);
    m = nothing();
    assert_int_equal(ph_measurements_write(m, FILE_NAME, &err), PH_OK); /* nothing is a file, too */
    ph_measurements_free(m);
    root = load();
    assert_int_equal(json_array_size(json_object_get(root, "machines")), 0);
    json_decref(root);
    unlink(FILE_NAME);
    ph_graph_free(g);
}

/* Two measure at once: who comes second takes what the first has written. */
static void test_rival(void **state)
{
    ph_graph *g = parse(NULL);
    fake f = {.fast = F2}, late = {.fast = F4};
    const ph_plan_desc desc = {.n_threads = 1};
    (void)state;
    unlink(FILE_NAME);
    ph_measurements *m = from_file(NULL);
    add(m, g, &desc, &late);
    ph_plan_free(planned_by_file(g, &desc, &f));
    ph_plan *p = plan(g, &desc, m);
    assert_string_equal(method_of(p, "a"), F4);
    ph_plan_free(p);
    assert_int_equal(ph_measurements_write(m, FILE_NAME, NULL), PH_OK);
    p = plan(g, &desc, m);
    assert_methods(p, slower);
    ph_plan_free(p);
    ph_measurements_free(m);
    p = planned_by_file(g, &desc, NULL);
    assert_methods(p, slower);
    ph_plan_free(p);
    unlink(FILE_NAME);
    ph_graph_free(g);
}

/* What others wrote stays; what lacks a method is measured again, what has one too many is not. */
static void test_strangers(void **state)
{
    ph_graph *g = parse(NULL);
    fake f = {.fast = F2};
    const ph_plan_desc desc = {.n_threads = 1};
    (void)state;
    unlink(FILE_NAME);
    ph_plan_free(planned_by_file(g, &desc, &f));
    json_t *root = load(), *other = json_deep_copy(root), *times;
    const char *key;
    json_object_set_new(root, "from", json_string("elsewhere"));
    json_t *machine = json_array_get(json_object_get(other, "machines"), 0);
    json_object_set_new(machine, "processor", json_string("another"));
    json_array_insert(json_object_get(root, "machines"), 0, machine);
    json_array_append_new(json_object_get(root, "machines"), json_object());
    json_decref(other);
    json_object_foreach(times_of(root, 1), key, times)
    {
        json_object_set_new(times, "abacus", json_integer(1));
    }
    json_object_set_new(times_of(root, 1), "Conv of the future", json_object());
    store(root);
    ph_plan *p = planned_by_file(g, &desc, NULL);
    assert_methods(p, slower);
    ph_plan_free(p);

    root = load();
    json_object_foreach(times_of(root, 1), key, times)
    {
        json_object_del(times, F2);
    }
    store(root);
    f.fast = F4;
    f.calls = 0;
    p = planned_by_file(g, &desc, &f);
    assert_methods(p, estimated);
    assert_true(f.calls > 0);
    ph_plan_free(p);
    root = load();
    assert_string_equal(json_string_value(json_object_get(root, "from")), "elsewhere");
    assert_int_equal(json_array_size(json_object_get(root, "machines")), 3);
    assert_non_null(json_object_get(times_of(root, 1), "Conv of the future"));
    size_t strangers = 0, f2 = 0;
    json_object_foreach(times_of(root, 1), key, times)
    {
        strangers += json_object_get(times, "abacus") != NULL;
        f2 += json_object_get(times, F2) != NULL;
    }
    assert_int_equal(strangers, 2);
    assert_int_equal(f2, 1);
    json_decref(root);
    unlink(FILE_NAME);
    ph_graph_free(g);
}

static void test_broken(void **state)
{
    static const struct broken {
        const char *text, *words;
        enum ph_status status;
    } broken[] = {
        {"", "is not JSON, line ", PH_ERR_FORMAT},
        {"{\"schema\": 1,", "is not JSON, line 1: ", PH_ERR_FORMAT},
        {"[]", "it is not an object", PH_ERR_FORMAT},
        {"{}", "it has no integer \"schema\"", PH_ERR_FORMAT},
        {"{\"schema\": 2, \"machines\": []}", "of schema 2, 1 is understood", PH_ERR_UNSUPPORTED},
        {"{\"schema\": 1}", "it has no array \"machines\"", PH_ERR_FORMAT},
        {"{\"schema\": 1, \"machines\": [3]}", "a machine is not an object", PH_ERR_FORMAT},
        {"{\"schema\": 1, \"schema\": 1, \"machines\": []}", "duplicate", PH_ERR_FORMAT},
    };
    static const char *const members[] = {"{\"ns\": 3}", "{\"ns\": {\"Conv\": 3}}",
                                          "{\"ns\": {\"Conv\": {\"window gemm\": -1}}}",
                                          "{\"ns\": {\"Conv\": {\"window gemm\": \"fast\"}}}"};
    ph_graph *g = parse(NULL);
    fake f = {.fast = F2};
    const ph_plan_desc desc = {.n_threads = 1};
    ph_error err = {0};
    ph_measurements *m = NULL, *none = nothing();
    (void)state;
    for (size_t i = 0; i < PHI_COUNT(broken); i++) {
        const size_t n = strlen(broken[i].text);
        assert_int_equal(phi_file_write(NULL, FILE_NAME, broken[i].text, n, NULL), PH_OK);
        assert_int_equal(ph_measurements_write(none, FILE_NAME, &err), broken[i].status);
        assert_int_equal(ph_measurements_read(NULL, FILE_NAME, &m, &err), broken[i].status);
        if (!strstr(err.message, broken[i].words) || !strstr(err.message, FILE_NAME))
            fail_msg("%s", err.message);
    }
    for (size_t i = 0; i < PHI_COUNT(members); i++) { /* where they are to be believed */
        unlink(FILE_NAME);
        ph_plan_free(planned_by_file(g, &desc, &f));
        json_t *root = load(), *bad = json_loads(members[i], 0, NULL);
        json_object_update(json_array_get(json_object_get(root, "machines"), 0), bad);
        json_decref(bad);
        store(root);
        assert_int_equal(ph_measurements_read(NULL, FILE_NAME, &m, &err), PH_ERR_FORMAT);
        assert_non_null(strstr(err.message, "is not a file of measurements: "));
    }
    assert_null(m);
    unlink(FILE_NAME);
    assert_int_equal(ph_measurements_write(none, "no/such/folder.json", &err), PH_ERR_NOT_FOUND);
    ph_measurements_free(none);
    ph_graph_free(g);
}

/* A machine that is there twice: of the same convolution, the first one's times count. What cannot
 * be ours, a problem that is too long and far too many methods, stays in the file. */
static void test_twice(void **state)
{
    ph_graph *g = parse(NULL);
    fake f = {.fast = F2};
    const ph_plan_desc desc = {.n_threads = 1};
    char far[PHI_PROBLEM_BYTES + 1];
    (void)state;
    unlink(FILE_NAME);
    memset(far, 'x', sizeof far - 1);
    far[sizeof far - 1] = '\0';
    ph_plan_free(planned_by_file(g, &desc, &f));
    json_t *root = load(), *machines = json_object_get(root, "machines");
    json_t *second = json_deep_copy(json_array_get(machines, 0)), *times;
    const char *key;
    json_object_foreach(json_object_get(second, "ns"), key, times)
    {
        json_object_set_new(times, WINDOWS, json_integer(1));
    }
    json_array_append_new(machines, second);
    times = json_object_get(times_of(root, 0), first_key(times_of(root, 0)));
    const size_t n = json_object_size(times);
    for (int i = 0; i < 1000; i++) {
        char name[32];
        snprintf(name, sizeof name, "abacus %d", i);
        json_object_set_new(times, name, json_integer(1));
    }
    json_object_set_new(times_of(root, 0), far, json_pack("{s:i}", "abacus", 1));
    store(root);
    ph_plan *p = planned_by_file(g, &desc, NULL);
    assert_methods(p, slower);
    ph_plan_free(p);
    ph_plan_free(planned_by_file(g, &(ph_plan_desc){.n_threads = 2}, &f)); /* written anew */
    root = load();
    assert_non_null(json_object_get(times_of(root, 0), far));
    times = json_object_get(times_of(root, 0), first_key(times_of(root, 0)));
    assert_int_equal(json_object_size(times), n + 1000);
    json_decref(root);
    unlink(FILE_NAME);
    ph_graph_free(g);
}

/* --- Threads, memory ------------------------------------------------------------------------- */

static void *make_plans(void *arg)
{
    ph_graph *g = parse(NULL);
    fake f = {.fast = F2};
    const ph_plan_desc desc = {.n_threads = 1};
    const phi_meter meter = {fake_seconds, &f};
    bool *good = arg;
    *good = true;
    for (int i = 0; i < 20; i++) {
        ph_measurements *m = NULL;
        if (ph_measurements_read(NULL, FILE_NAME, &m, NULL)) m = nothing();
        if (phi_measurements_add(m, g, &desc, &meter, NULL)) *good = false;
        if (ph_measurements_write(m, FILE_NAME, NULL)) *good = false;
        ph_measurements_free(m);
        if (i % 5 == 0) unlink(FILE_NAME);
    }
    ph_graph_free(g);
    return NULL;
}

/* The file is whole whoever looks at it, and when. */
static void test_two_threads(void **state)
{
    pthread_t other;
    bool good[2];
    (void)state;
    unlink(FILE_NAME);
    assert_int_equal(pthread_create(&other, NULL, make_plans, &good[1]), 0);
    make_plans(&good[0]);
    assert_int_equal(pthread_join(other, NULL), 0);
    assert_true(good[0] && good[1]);
    unlink(FILE_NAME);
}

typedef struct work {
    size_t threads; /* that measure */
    bool anew;      /* there is no file yet */
    bool plan;      /* at the end */
} work;

static enum ph_status do_work(const ph_allocator *mem, void *arg)
{
    const work *w = arg;
    ph_graph *g = NULL;
    ph_plan *p = NULL;
    ph_measurements *m = NULL;
    fake f = {.fast = F2};
    const phi_meter meter = {fake_seconds, &f};
    ph_plan_desc desc = {.n_threads = w->threads};
    if (w->anew) unlink(FILE_NAME);
    enum ph_status st = ph_net_parse(mem, text, sizeof text - 1, "text", 1, &g, NULL);
    if (!st) st = ph_measurements_read(mem, FILE_NAME, &m, NULL);
    if (st == PH_ERR_NOT_FOUND) st = ph_measurements_new(mem, &m, NULL);
    if (!st) st = phi_measurements_add(m, g, &desc, &meter, NULL);
    if (!st) st = ph_measurements_write(m, FILE_NAME, NULL);
    desc.measurements = m;
    if (!st && w->plan) st = ph_plan_new(g, &desc, &p, NULL);
    ph_plan_free(p);
    ph_measurements_free(m);
    ph_graph_free(g);
    return st;
}

static void test_out_of_memory(void **state)
{
    work w = {.threads = 2, .anew = true, .plan = true};
    (void)state;
    sweep(do_work, &w, 2000);
    w.anew = w.plan = false; /* what is known is read */
    sweep(do_work, &w, 2000);
    unlink(FILE_NAME);
}

/* jansson's memory. It tells some failures while it reads as mistakes in the text. */
static size_t json_left;

static void *scarce(size_t bytes)
{
    return json_left && --json_left ? malloc(bytes) : NULL;
}

static void test_out_of_json_memory(void **state)
{
    work works[] = {{.threads = 1, .anew = true}, {.threads = 2}}; /* known: for one */
    (void)state;
    for (size_t i = 0; i < PHI_COUNT(works); i++) {
        enum ph_status st = PH_ERR_NOMEM;
        size_t n = 1;
        for (; n < 2000 && st; n++) {
            json_left = n;
            json_set_alloc_funcs(scarce, free);
            st = do_work(NULL, &works[i]);
            json_set_alloc_funcs(malloc, free);
            if (st && st != PH_ERR_NOMEM && (st != PH_ERR_FORMAT || works[i].anew))
                fail_msg("allocation %zu: %s", n, ph_status_name(st));
        }
        assert_int_equal(st, PH_OK);
        assert_true(n > 10);
    }
    unlink(FILE_NAME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_clock),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_rival),
        cmocka_unit_test(test_strangers),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_two_threads),
        cmocka_unit_test(test_twice),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_out_of_json_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
