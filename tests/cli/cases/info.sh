pinhole info >out
has out "version"
has out "instruction set"
has out "gemm_f32"
expect 0 env PH_CPU=scalar "$PINHOLE" info
has out "instruction set  scalar (PH_CPU=scalar)"
lacks out avx
has out "operators        "
expect 0 pinhole info --json -
mv out info.json
json info.json schema 1
json info.json operators.Conv.since_opset 1
json info.json operators.ConstantOfShape.since_opset 9
json info.json kernels.gemm_f32 "*gemm_f32*"
