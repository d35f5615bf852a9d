/* SPDX-License-Identifier: MIT */
/*
 * The two 16-bit floats: IEEE 754 binary16 (5 bits of exponent, 10 of mantissa) and bfloat16 (the
 * upper half of a binary32: 8 and 7). Widening is exact; narrowing rounds once, to nearest and ties
 * to even, also from double.
 */
#ifndef PHI_HALF_H
#define PHI_HALF_H

#include <stdint.h>

float phi_f16_widen(uint16_t half);
float phi_bf16_widen(uint16_t half);
uint16_t phi_f16_narrow(double value);
uint16_t phi_bf16_narrow(double value);

#endif /* PHI_HALF_H */
