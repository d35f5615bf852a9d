pinhole info >out
has out "version"
has out "instruction set"
has out "gemm_f32"
expect 0 env PH_CPU=scalar "$PINHOLE" info
has out "instruction set  scalar (PH_CPU=scalar)"
lacks out avx
