/* SPDX-License-Identifier: MIT */
/*
 * The parts of training against plain computations in double, and gradients of whole networks by
 * finite differences.
 */
#include "tiny_nets.h"

/* --- Loss ------------------------------------------------------------------------------------ */

/* Cross-entropy by the definition. */
static double plain_loss(size_t n, size_t classes, const double *x, const uint8_t *labels,
                         double smoothing)
{
    double loss = 0;
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (size_t k = 0; k < classes; k++)
            sum += exp(x[i * classes + k]);
        for (size_t k = 0; k < classes; k++) {
            double target = smoothing / (double)classes + (k == labels[i] ? 1 - smoothing : 0);
            loss -= target * log(exp(x[i * classes + k]) / sum);
        }
    }
    return loss;
}

static void loss_by_definition(void **state)
{
    (void)state;
    enum { N = 5, K = 7 };
    float x[N * K], memory[N * K * 2], dx[N * K];
    double d[N * K];
    uint8_t labels[N];
    phi_rng rng = phi_rng_start(1, 1);
    for (size_t i = 0; i < N * K; i++)
        d[i] = (double)(memory[i * 2] = x[i] = 2 * phi_rng_normal(&rng));
    for (size_t i = 0; i < N; i++)
        labels[i] = (uint8_t)phi_rng_below(&rng, K);
    phi_type type = {.dtype = PH_FLOAT32, .rank = 4, .dims = {N, K, 1, 1}};
    phi_view logits = {.type = type, .strides = {2 * K, 2, 1, 1}, .data = memory};
    phi_view dlogits = phi_view_plain(&type, dx), none = PHI_NO_VIEW;
    for (int smooth = 0; smooth < 2; smooth++) {
        double s = smooth ? 0.1 : 0;
        phi_loss loss = phi_softmax_loss(&logits, labels, s, &dlogits);
        near(loss.sum, plain_loss(N, K, d, labels, s), 1e-12, "loss");
        assert_true(phi_softmax_loss(&logits, labels, s, &none).sum == loss.sum);
        for (size_t i = 0; i < N * K; i++) {
            double keep = d[i], up, down;
            d[i] = keep + 1e-5;
            up = plain_loss(N, K, d, labels, s);
            d[i] = keep - 1e-5;
            down = plain_loss(N, K, d, labels, s);
            d[i] = keep;
            near((double)dx[i], (up - down) / 2e-5 / N, 1e-7, "gradient");
        }
        size_t correct = 0;
        for (size_t i = 0; i < N; i++) {
            size_t best = 0;
            for (size_t k = 1; k < K; k++)
                if (x[i * K + k] > x[i * K + best]) best = k;
            correct += best == labels[i];
        }
        assert_int_equal(loss.n_correct, correct);
    }
}

static void loss_extremes(void **state)
{
    (void)state;
    float x[3] = {1e30f, -1e30f, 0};
    uint8_t label = 0;
    phi_type type = {.dtype = PH_FLOAT32, .rank = 2, .dims = {1, 3}};
    phi_view logits = phi_view_plain(&type, x), none = PHI_NO_VIEW;
    assert_true(phi_softmax_loss(&logits, &label, 0, &none).sum == 0);
    label = 1;
    near(phi_softmax_loss(&logits, &label, 0, &none).sum, 2e30, 1e-6, "far off");
    x[2] = NAN;
    assert_false(isfinite(phi_softmax_loss(&logits, &label, 0, &none).sum));
    x[2] = INFINITY;
    assert_false(isfinite(phi_softmax_loss(&logits, &label, 0, &none).sum));
}

/* --- Schedule -------------------------------------------------------------------------------- */

static ph_train_desc settings_of(const fixture *f, ph_train_desc desc)
{
    ph_train_desc s;
    ph_error err = {0};
    ok(phi_train_settings(&desc, f->data, &s, &err), &err);
    return s;
}

static void schedules(void **state)
{
    const fixture *f = *state;
    ph_train_desc s =
        settings_of(f, (ph_train_desc){.n_epochs = 10, .batch = 10, .learning_rate = 0.5});
    const double pi = acos(-1.0);
    for (uint64_t i = 0; i < 70; i++) {
        s.schedule = PH_CONSTANT;
        assert_true(phi_learning_rate(&s, i, 7) == 0.5);
        s.schedule = PH_STEP;
        s.step_epochs = 3;
        s.step_factor = 0.1;
        near(phi_learning_rate(&s, i, 7),
             i < 21   ? 0.5
             : i < 42 ? 0.05
             : i < 63 ? 0.005
                      : 0.0005,
             1e-12, "step");
        s.schedule = PH_COSINE;
        near(phi_learning_rate(&s, i, 7), 0.25 * (1 + cos(pi * (double)i / 70)), 1e-12, "cosine");
        s.schedule = PH_ONE_CYCLE;
        s.warmup = 0.3; /* 21 steps up */
        double want = i < 21 ? 0.02 + 0.48 * (1 - cos(pi * (double)i / 21)) / 2
                             : 2e-6 + (0.5 - 2e-6) * (1 + cos(pi * (double)(i - 21) / 48)) / 2;
        near(phi_learning_rate(&s, i, 7), want, 1e-12, "one-cycle");
    }
    near(phi_learning_rate(&s, 0, 7), 0.02, 1e-12, "start");
    near(phi_learning_rate(&s, 21, 7), 0.5, 1e-12, "peak");
    near(phi_learning_rate(&s, 69, 7), 2e-6, 1e-9, "end");
    s.n_epochs = 1; /* a cycle of a single step */
    assert_true(isfinite(phi_learning_rate(&s, 0, 1)));
}

/* --- Settings -------------------------------------------------------------------------------- */

static void defaults(void **state)
{
    const fixture *f = *state;
    ph_train_desc s = settings_of(f, (ph_train_desc){.batch = 16});
    assert_int_equal(s.n_epochs, 1);
    assert_true(s.learning_rate == 0.1 && s.momentum == 0.9 && s.weight_decay == 0);
    assert_true(s.beta1 == 0.9 && s.beta2 == 0.999 && s.epsilon == 1e-8);
    assert_true(s.step_epochs == 10 && s.step_factor == 0.1 && s.warmup == 0.3);
    s = settings_of(f, (ph_train_desc){.batch = 16, .optimizer = PH_ADAM, .momentum = -1});
    assert_true(s.learning_rate == 0.001 && s.momentum == 0);
}

static void refuse_setting(const fixture *f, ph_train_desc desc, const char *name)
{
    ph_train_desc s;
    ph_error err = {0};
    if (!desc.batch) desc.batch = 16;
    assert_int_equal(phi_train_settings(&desc, f->data, &s, &err), PH_ERR_ARG);
    assert_string_equal(err.where, name);
}

static void bad_settings(void **state)
{
    const fixture *f = *state;
    refuse_setting(f, (ph_train_desc){.batch = COUNT + 1}, "batch");
    refuse_setting(f, (ph_train_desc){.n_epochs = SIZE_MAX}, "n_epochs");
    refuse_setting(f, (ph_train_desc){.learning_rate = -1}, "learning_rate");
    refuse_setting(f, (ph_train_desc){.learning_rate = (double)NAN}, "learning_rate");
    refuse_setting(f, (ph_train_desc){.learning_rate = (double)INFINITY}, "learning_rate");
    refuse_setting(f, (ph_train_desc){.momentum = 1}, "momentum");
    refuse_setting(f, (ph_train_desc){.weight_decay = -1e-4}, "weight_decay");
    refuse_setting(f, (ph_train_desc){.label_smoothing = 1}, "label_smoothing");
    refuse_setting(f, (ph_train_desc){.beta1 = 1}, "beta1");
    refuse_setting(f, (ph_train_desc){.beta2 = -0.1}, "beta2");
    refuse_setting(f, (ph_train_desc){.epsilon = -1}, "epsilon");
    refuse_setting(f, (ph_train_desc){.step_factor = -1}, "step_factor");
    refuse_setting(f, (ph_train_desc){.warmup = 1}, "warmup");
    refuse_setting(f, (ph_train_desc){.shift = -1}, "shift");
    refuse_setting(f, (ph_train_desc){.shift = SIDE}, "shift");
    refuse_setting(f, (ph_train_desc){.optimizer = (enum ph_optimizer)2}, "optimizer");
    refuse_setting(f, (ph_train_desc){.schedule = (enum ph_schedule)9}, "schedule");
}

/* --- Optimisers ------------------------------------------------------------------------------ */

enum { BIG = 16384 + 16384 / 2 + 3, SMALL = 5 };

/* The update rules, element by element, in double. */
typedef struct plain_state {
    double w, v, m;
} plain_state;

static void plain_update(const ph_train_desc *s, plain_state *p, double g, bool decay, double lr,
                         int step)
{
    if (decay) g += s->weight_decay * p->w;
    if (s->optimizer == PH_ADAM) {
        p->m = s->beta1 * p->m + (1 - s->beta1) * g;
        p->v = s->beta2 * p->v + (1 - s->beta2) * g * g;
        double m = p->m / (1 - pow(s->beta1, step + 1)), v = p->v / (1 - pow(s->beta2, step + 1));
        p->w -= lr * m / (sqrt(v) + s->epsilon);
        return;
    }
    p->v = s->momentum * p->v + g;
    p->w -= lr * (s->nesterov ? g + s->momentum * p->v : p->v);
}

static void check_optimiser(const ph_train_desc *s, phi_pool *pool)
{
    static float w[BIG + SMALL], g[BIG + SMALL];
    static plain_state plain[BIG + SMALL];
    phi_param params[2] = {{.name = "w", .rank = 2, .n = BIG, .w = w, .g = g},
                           {.name = "b", .rank = 1, .n = SMALL, .w = w + BIG, .g = g + BIG}};
    phi_optimiser o;
    ph_allocator mem = phi_allocator(NULL);
    ph_error err = {0};
    phi_rng rng = phi_rng_start(3, 4);
    ok(phi_optimiser_init(&o, &mem, s, params, 2, &err), &err);
    for (size_t i = 0; i < BIG + SMALL; i++) {
        w[i] = phi_rng_normal(&rng);
        plain[i] = (plain_state){.w = (double)w[i]};
    }
    for (int step = 0; step < 6; step++) {
        double lr = 0.1 / (1 + step);
        for (size_t i = 0; i < BIG + SMALL; i++) {
            g[i] = phi_rng_normal(&rng);
            plain_update(s, &plain[i], (double)g[i], i < BIG, lr, step);
        }
        assert_true(phi_optimiser_finite(&o, pool));
        phi_optimiser_step(&o, pool, lr, (uint64_t)step);
        for (size_t i = 0; i < BIG + SMALL; i++)
            near((double)w[i], plain[i].w, 2e-6, s->optimizer == PH_ADAM ? "Adam" : "SGD");
    }
    const float bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 3; i++) {
        g[BIG - 1] = bad[i];
        assert_false(phi_optimiser_finite(&o, pool));
    }
    phi_optimiser_clear(&o);
}

static void optimisers(void **state)
{
    const fixture *f = *state;
    const ph_train_desc descs[] = {
        {.batch = 8},
        {.batch = 8, .momentum = -1},
        {.batch = 8, .nesterov = true, .weight_decay = 0.01},
        {.batch = 8, .momentum = 0.5, .weight_decay = 0.1},
        {.batch = 8, .optimizer = PH_ADAM},
        {.batch = 8,
         .optimizer = PH_ADAM,
         .weight_decay = 0.05,
         .beta1 = 0.8,
         .beta2 = 0.99,
         .epsilon = 1e-3},
    };
    phi_pool *pool = NULL;
    ph_error err = {0};
    ok(phi_pool_new(NULL, 2, &pool, &err), &err);
    for (size_t i = 0; i < sizeof descs / sizeof *descs; i++) {
        ph_train_desc s = settings_of(f, descs[i]);
        check_optimiser(&s, i % 2 ? pool : NULL);
    }
    phi_pool_free(pool);
}

/* --- Order and augmentation ------------------------------------------------------------------ */

static void shuffling(void **state)
{
    (void)state;
    enum { N = 1000 };
    uint32_t a[N], b[N];
    for (uint64_t epoch = 0; epoch < 3; epoch++) {
        bool seen[N] = {false};
        phi_shuffle(7, epoch, a, N);
        size_t fixed = 0;
        for (size_t i = 0; i < N; i++) {
            assert_true(a[i] < N && !seen[a[i]]);
            seen[a[i]] = true;
            fixed += a[i] == i;
        }
        assert_true(fixed < 10); /* 1 is to be expected */
        phi_shuffle(7, epoch, b, N);
        assert_memory_equal(a, b, sizeof a);
        phi_shuffle(7, epoch + 1, b, N);
        assert_memory_not_equal(a, b, sizeof a);
        phi_shuffle(8, epoch, b, N);
        assert_memory_not_equal(a, b, sizeof a);
    }
    assert_true(phi_step_seed(1, 2) != phi_step_seed(1, 3));
    assert_true(phi_step_seed(1, 2) != phi_step_seed(2, 2));
}

static void jitter_spread(void **state)
{
    const fixture *f = *state;
    ph_train_desc s = settings_of(f, (ph_train_desc){.batch = 8, .shift = 2, .flip = true});
    enum { N = 50000 };
    size_t down[5] = {0}, right[5] = {0}, flipped = 0;
    for (uint64_t i = 0; i < N; i++) {
        phi_jitter j = phi_jitter_of(&s, i % 3, i);
        assert_true(j.down >= -2 && j.down <= 2 && j.right >= -2 && j.right <= 2);
        down[j.down + 2]++;
        right[j.right + 2]++;
        flipped += j.flip;
    }
    for (size_t i = 0; i < 5; i++) { /* 10,000 each, within five standard deviations */
        assert_in_range(down[i], N / 5 - 450, N / 5 + 450);
        assert_in_range(right[i], N / 5 - 450, N / 5 + 450);
    }
    assert_in_range(flipped, N / 2 - 560, N / 2 + 560);
}

/* The pixel that the definition wants at (y, x): mirrored, then shifted, zeros coming in. */
static float plain_pixel(const uint8_t *image, phi_jitter j, int y, int x)
{
    int from_y = y - j.down, from_x = x - j.right;
    if (from_y < 0 || from_y >= SIDE || from_x < 0 || from_x >= SIDE) return 0;
    if (j.flip) from_x = SIDE - 1 - from_x;
    return (float)image[from_y * SIDE + from_x] / 255.0f;
}

static void augmentation(void **state)
{
    const fixture *f = *state;
    enum { N = 30, PITCH = 3 };
    static float x[N * SIDE * SIDE * PITCH];
    uint32_t order[N];
    for (int k = 0; k < 4; k++) {
        ph_train_desc s =
            settings_of(f, (ph_train_desc){.batch = N, .shift = k & 1 ? 3 : 0, .flip = k & 2});
        phi_shuffle(5, 0, order, N);
        phi_view view = {.type = {.dtype = PH_FLOAT32, .rank = 4, .dims = {N, 1, SIDE, SIDE}},
                         .strides = {SIDE * SIDE * PITCH, 1, SIDE * PITCH, PITCH},
                         .data = x};
        phi_augment(NULL, f->data, &s, 4, order, &view);
        for (int i = 0; i < N; i++) {
            const uint8_t *image = ph_dataset_image(f->data, order[i]);
            phi_jitter j = phi_jitter_of(&s, 4, order[i]);
            for (int p = 0; p < SIDE * SIDE; p++)
                assert_true(x[(i * SIDE * SIDE + p) * PITCH] ==
                            plain_pixel(image, j, p / SIDE, p % SIDE));
        }
    }
}

/* --- Memory of gradients --------------------------------------------------------------------- */

static void placement(void **state)
{
    (void)state;
    enum { N = 60 };
    ph_allocator mem = phi_allocator(NULL);
    ph_error err = {0};
    for (uint64_t seed = 0; seed < 50; seed++) {
        phi_block b[N];
        phi_rng rng = phi_rng_start(seed, 0);
        size_t bytes = 0, peak = 0;
        for (size_t i = 0; i < N; i++) {
            size_t first = phi_rng_below(&rng, 40);
            b[i] = (phi_block){.bytes = phi_rng_below(&rng, 5000),
                               .first = first,
                               .last = first + phi_rng_below(&rng, 6)};
        }
        ok(phi_place_blocks(&mem, b, N, &bytes, &err), &err);
        for (size_t i = 0; i < N; i++) {
            assert_true(b[i].offset % PHI_ALIGN == 0 && b[i].offset + b[i].bytes <= bytes);
            for (size_t k = 0; k < i; k++)
                assert_true(b[i].first > b[k].last || b[k].first > b[i].last ||
                            b[i].offset >= b[k].offset + b[k].bytes ||
                            b[k].offset >= b[i].offset + b[i].bytes);
        }
        for (size_t time = 0; time < 50; time++) {
            size_t now = 0;
            for (size_t i = 0; i < N; i++)
                now += b[i].first <= time && time <= b[i].last ? b[i].bytes : 0;
            peak = now > peak ? now : peak;
        }
        assert_true(bytes >= peak && bytes <= peak + peak / 2);
    }
    phi_block huge[2] = {{.bytes = SIZE_MAX / 2 + 1}, {.bytes = SIZE_MAX / 2 + 1}};
    size_t bytes;
    assert_int_equal(phi_place_blocks(&mem, huge, 2, &bytes, &err), PH_ERR_OVERFLOW);
}

/* --- Gradients of whole networks ------------------------------------------------------------- */

enum { BATCH = 4, MAX_PARAM = 8192 };

typedef struct grad_check {
    ph_plan *plan;
    phi_tape *tape;
    uint8_t labels[BATCH];
} grad_check;

static double loss_of(grad_check *c, const phi_view *dlogits)
{
    ph_error err = {0};
    ok(phi_tape_forward(c->tape, 11, &err), &err);
    double loss = phi_softmax_loss(&c->tape->logits, c->labels, 0.1, dlogits).sum / BATCH;
    phi_tape_restore_statistics(c->tape);
    return loss;
}

/* A parameter's gradient against differences: along `n_directions` random directions, so that
 * every element counts, and at single elements. */
static void check_param(grad_check *c, phi_param *p, float *keep, float *gradient)
{
    phi_rng rng = phi_rng_start(9, phi_stream(p->name));
    memcpy(keep, p->w, p->n * sizeof(float));
    memcpy(gradient, p->g, p->n * sizeof(float));
    for (size_t k = 0; k < 8; k++) {
        double want = 0, norm = 0, up, down;
        const float h = 1e-2f;
        float direction[MAX_PARAM];
        assert_true(p->n <= MAX_PARAM);
        size_t only = phi_rng_below(&rng, (uint32_t)p->n);
        for (size_t i = 0; i < p->n; i++) {
            direction[i] = k < 4 ? phi_rng_normal(&rng) : i == only ? 1.0f : 0.0f;
            norm += (double)direction[i] * (double)direction[i];
        }
        float scale = h / (float)sqrt(norm);
        for (size_t i = 0; i < p->n; i++) {
            direction[i] *= scale;
            want += (double)direction[i] * (double)gradient[i];
            p->w[i] = keep[i] + direction[i];
        }
        up = loss_of(c, &PHI_NO_VIEW);
        for (size_t i = 0; i < p->n; i++)
            p->w[i] = keep[i] - direction[i];
        down = loss_of(c, &PHI_NO_VIEW);
        memcpy(p->w, keep, p->n * sizeof(float));
        double got = (up - down) / 2;
        if (fabs(got - want) > 2e-6 + 0.01 * fabs(want))
            fail_msg("%s, direction %zu: difference %.6g, gradient %.6g", p->name, k, got, want);
    }
}

static void check_gradients(net (*make)(const ph_allocator *mem), const char *logits,
                            const char *const *names)
{
    ph_error err = {0};
    ph_graph *g = build(make);
    grad_check c = {0};
    ph_shape_hint hint = {.rank = 4, .dims = {BATCH, 1, SIDE, SIDE}};
    ph_plan_desc desc = {.n_hints = 1, .hints = &hint};
    ok(phi_plan_build(g, &desc, true, &c.plan, &err), &err);
    ok(phi_tape_new(g, c.plan, ph_graph_find(g, logits), NULL, &c.tape, &err), &err);
    phi_rng rng = phi_rng_start(2, 2);
    phi_view x = phi_tape_input(c.tape, 0);
    for (size_t i = 0; i < BATCH * SIDE * SIDE; i++) /* dense in some order */
        ((float *)x.data)[i] = phi_rng_uniform(&rng);
    for (size_t i = 0; i < BATCH; i++)
        c.labels[i] = (uint8_t)phi_rng_below(&rng, 10);
    loss_of(&c, &c.tape->dlogits);
    ok(phi_tape_backward(c.tape, 11, &err), &err);
    size_t n_names = 0;
    float keep[MAX_PARAM], gradient[MAX_PARAM];
    double largest = 0;
    for (; names[n_names]; n_names++) {
        size_t i = 0;
        while (i < c.tape->n_params && strcmp(c.tape->params[i].name, names[n_names]) != 0)
            i++;
        if (i == c.tape->n_params) fail_msg("%s is no parameter", names[n_names]);
        check_param(&c, &c.tape->params[i], keep, gradient);
        for (size_t k = 0; k < c.tape->params[i].n; k++)
            if (fabs((double)gradient[k]) > largest) largest = fabs((double)gradient[k]);
    }
    assert_int_equal(c.tape->n_params, n_names);
    assert_true(largest > 0.01); /* not a network without gradients */
    phi_tape_free(c.tape);
    ph_plan_free(c.plan);
    ph_graph_free(g);
}

static void gradients_of_branches(void **state)
{
    (void)state;
    const char *const names[] = {"conv_a.weight",
                                 "conv_a.bias",
                                 "conv_b.weight",
                                 "conv_b.bias",
                                 "conv_c.weight",
                                 "conv_c.bias",
                                 "conv_d.weight",
                                 "conv_d.bias",
                                 "shared",
                                 "shift",
                                 "head.weight",
                                 "head.bias",
                                 NULL};
    check_gradients(branching_net, "head", names);
}

static void gradients_of_full_net(void **state)
{
    (void)state;
    const char *const names[] = {"conv1.weight", "conv1.bias",   "bn1.scale",
                                 "bn1.bias",     "cccp1.weight", "cccp1.bias",
                                 "head.weight",  "head.bias",    NULL};
    check_gradients(smooth_net, "flat", names);
}

/* An operator whose backward is taken away. */
static void no_gradient(void **state)
{
    (void)state;
    ph_error err = {0};
    ph_graph *g = build(branching_net);
    ph_plan *plan = NULL;
    phi_tape *tape = NULL;
    ph_shape_hint hint = {.rank = 4, .dims = {BATCH, 1, SIDE, SIDE}};
    ph_plan_desc desc = {.n_hints = 1, .hints = &hint};
    ok(phi_plan_build(g, &desc, true, &plan, &err), &err);
    phi_op without[2];
    for (size_t i = 0, n = 0; i < plan->n_steps; i++) {
        if (strcmp(plan->steps[i].op->name, "Tanh") != 0 &&
            strcmp(plan->steps[i].op->name, "Concat") != 0)
            continue;
        without[n] = *plan->steps[i].op;
        without[n].backward = NULL;
        plan->steps[i].op = &without[n++];
    }
    enum ph_status st = phi_tape_new(g, plan, ph_graph_find(g, "head"), NULL, &tape, &err);
    assert_int_equal(st, PH_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "Tanh 'a'"));
    assert_non_null(strstr(err.message, "Concat 'cat'"));
    ph_plan_free(plan);
    ph_graph_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(loss_by_definition), TEST(loss_extremes),         TEST(schedules),
        TEST(defaults),           TEST(bad_settings),          TEST(optimisers),
        TEST(shuffling),          TEST(jitter_spread),         TEST(augmentation),
        TEST(placement),          TEST(gradients_of_branches), TEST(gradients_of_full_net),
        TEST(no_gradient),
    };
    return cmocka_run_group_tests_name("train_parts", tests, NULL, NULL);
}
