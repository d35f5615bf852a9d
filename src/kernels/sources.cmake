list(APPEND PINHOLE_SOURCES
  kernels/depthwise.c
  kernels/depthwise_scalar.c
  kernels/dispatch.c
  kernels/gemm_nn.c
  kernels/gemm_scalar.c
  kernels/gemm_tn.c
  kernels/im2col.c
  kernels/isa_avx2.c
  kernels/isa_avx512.c
  kernels/isa_neon.c
  kernels/line_winograd.c
  kernels/line_winograd_scalar.c
  kernels/lrn_scalar.c
  kernels/peak_scalar.c
  kernels/pool_scalar.c
  kernels/strassen.c
  kernels/strassen_scalar.c
  kernels/winograd.c
  kernels/winograd_filter.c
  kernels/winograd_scalar.c
  kernels/winograd_variants.c)

# Each instruction set's file alone gets its flags; dispatch.c learns which the compiler has.
include(CheckCSourceCompiles)
set(CMAKE_REQUIRED_FLAGS "-mavx2 -mfma")
check_c_source_compiles("
#ifndef __x86_64__
#error not x86-64
#endif
#include <immintrin.h>
int main(void)
{
    __m256 x = _mm256_setzero_ps();
    return (int)_mm256_cvtss_f32(_mm256_fmadd_ps(x, x, x));
}" PINHOLE_HAVE_AVX2)
set(PINHOLE_AVX512_FLAGS -mavx512f -mavx512bw -mavx512dq -mavx512vl -mprefer-vector-width=512)
string(JOIN " " CMAKE_REQUIRED_FLAGS ${PINHOLE_AVX512_FLAGS})
check_c_source_compiles("
#ifndef __x86_64__
#error not x86-64
#endif
#include <immintrin.h>
int main(void)
{
    __m512 x = _mm512_setzero_ps();
    return (int)_mm512_cvtss_f32(_mm512_fmadd_ps(x, x, x));
}" PINHOLE_HAVE_AVX512)
unset(CMAKE_REQUIRED_FLAGS)
# with sanitizers -O3 takes clang many minutes for the unrolled bodies
set(PINHOLE_KERNEL_O -O3)
if(PINHOLE_SANITIZE)
  set(PINHOLE_KERNEL_O -O1)
endif()
set_source_files_properties(kernels/depthwise.c kernels/depthwise_scalar.c kernels/gemm_nn.c
  kernels/gemm_scalar.c kernels/gemm_tn.c kernels/im2col.c kernels/isa_neon.c
  kernels/lrn_scalar.c kernels/peak_scalar.c kernels/strassen.c kernels/strassen_scalar.c kernels/winograd.c kernels/winograd_scalar.c PROPERTIES
  COMPILE_OPTIONS "${PINHOLE_KERNEL_O}")
# Scheduled before registers are given out, NEON's largest tile has one sum too many for them.
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  set_property(SOURCE kernels/isa_neon.c APPEND PROPERTY COMPILE_OPTIONS -fno-schedule-insns)
endif()
if(PINHOLE_HAVE_AVX2)
  set_source_files_properties(kernels/isa_avx2.c PROPERTIES COMPILE_OPTIONS
    "${PINHOLE_KERNEL_O};-mavx2;-mfma")
  set_property(SOURCE kernels/dispatch.c APPEND PROPERTY COMPILE_DEFINITIONS "PH_HAVE_AVX2=1")
endif()
if(PINHOLE_EMULATE_AVX512)
  include(CheckIncludeFile)
  check_include_file(simde/x86/avx512.h PINHOLE_HAVE_SIMDE "-mavx2")
  if(NOT PINHOLE_HAVE_SIMDE OR NOT PINHOLE_HAVE_AVX2)
    message(FATAL_ERROR "PINHOLE_EMULATE_AVX512 needs SIMDe (libsimde-dev) and an x86-64 compiler.")
  endif()
  set_source_files_properties(kernels/isa_avx512.c PROPERTIES COMPILE_OPTIONS
    "-O1;-mavx2;-mfma;-Wno-psabi;-include;${PROJECT_SOURCE_DIR}/tests/kernels/avx512_on_avx2.h")
  set_property(SOURCE kernels/dispatch.c APPEND PROPERTY COMPILE_DEFINITIONS "PH_HAVE_AVX512=1")
  set_property(SOURCE base/cpu.c APPEND PROPERTY COMPILE_DEFINITIONS "PH_EMULATE_AVX512=1")
elseif(PINHOLE_HAVE_AVX512)
  set_source_files_properties(kernels/isa_avx512.c PROPERTIES COMPILE_OPTIONS
    "${PINHOLE_KERNEL_O};-mfma;${PINHOLE_AVX512_FLAGS}")
  set_property(SOURCE kernels/dispatch.c APPEND PROPERTY COMPILE_DEFINITIONS "PH_HAVE_AVX512=1")
endif()
