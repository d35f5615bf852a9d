/* SPDX-License-Identifier: MIT */
/*
 * Slots fma_f32 and read_f32 (contracts in kernels.h) over the vectors of one instruction set: 12
 * chains hide a multiply-add's latency of 4 or 5 cycles on two pipes. Named registers, for the reason
 * that gemm's kernel gives. Included once, by isa_*.c.
 */

#define EACH_CHAIN(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)
#define CHAINS 12

void KERNEL(fma_f32)(const phk_fma_f32_args *g)
{
    const vf a = v_set(g->a), b = v_set(g->b);
#define LOAD(i) vf x##i = v_load(g->x + VL * i);
    EACH_CHAIN(LOAD)
#undef LOAD
    for (size_t r = g->rounds; r > 0; r--) {
#define STEP(i) x##i = v_fma(x##i, a, b);
        EACH_CHAIN(STEP)
#undef STEP
    }
#define STORE(i) v_store(g->x + VL * i, x##i);
    EACH_CHAIN(STORE)
#undef STORE
}

void KERNEL(read_f32)(const phk_read_f32_args *g)
{
    const float *p = g->x;
    size_t n = g->n;
#define ZERO(i) vf s##i = v_set(0);
    EACH_CHAIN(ZERO)
#undef ZERO
    for (; n >= CHAINS * VL; n -= CHAINS * VL, p += CHAINS * VL) {
#define ADD(i) s##i = v_add(s##i, v_load(p + VL * i));
        EACH_CHAIN(ADD)
#undef ADD
    }
    vf all = v_set(0);
#define JOIN(i) all = v_add(all, s##i);
    EACH_CHAIN(JOIN)
#undef JOIN
    float sum[VL], rest = 0;
    v_store(sum, all);
    for (int k = 0; k < VL; k++)
        rest += sum[k];
    for (; n > 0; n--)
        rest += *p++;
    *g->sum = rest;
}

#undef CHAINS
#undef EACH_CHAIN
