list(APPEND PINHOLE_SOURCES
  kernels/depthwise.c
  kernels/depthwise_avx2.c
  kernels/depthwise_scalar.c
  kernels/dispatch.c
  kernels/gemm_nn.c
  kernels/gemm_avx2.c
  kernels/gemm_scalar.c
  kernels/gemm_tn.c
  kernels/im2col.c
  kernels/peak_avx2.c
  kernels/peak_scalar.c)

# Each instruction set's files alone get its flags; dispatch.c learns that the compiler has them.
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
unset(CMAKE_REQUIRED_FLAGS)
set_source_files_properties(kernels/depthwise.c kernels/depthwise_scalar.c kernels/gemm_nn.c
  kernels/gemm_scalar.c kernels/gemm_tn.c kernels/im2col.c
  kernels/peak_scalar.c PROPERTIES COMPILE_OPTIONS "-O3")
if(PINHOLE_HAVE_AVX2)
  set_source_files_properties(kernels/gemm_avx2.c kernels/depthwise_avx2.c kernels/peak_avx2.c
    PROPERTIES COMPILE_OPTIONS "-O3;-mavx2;-mfma")
  set_source_files_properties(kernels/dispatch.c PROPERTIES COMPILE_DEFINITIONS "PH_HAVE_AVX2=1")
endif()
