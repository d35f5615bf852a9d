# --max-mem bounds what a file can make the program take; refused before it is taken: status 5
expect 0 pinhole export lenet5 -o lenet5.onnx
size=$(wc -c <lenet5.onnx)
expect 5 pinhole check lenet5.onnx --max-mem "$size"
one_line err
has err "lenet5.onnx: out of memory"
grep -qE 'needs at least [0-9.]+ KiB, --max-mem is [0-9.]+ KiB' err || fail "$(cat err)"
expect 0 pinhole check lenet5.onnx --max-mem 8M
for command in "analyze lenet5" "bench lenet5 --iters 1" "export lenet5 -o x.onnx" "check -"; do
    expect 5 pinhole $command --max-mem 1000 <lenet5.onnx
    one_line err
    has err "--max-mem is 1000 bytes"
done
[ ! -e x.onnx ] || fail "something was written"
# a batch that nobody has memory for, without an option
expect 5 pinhole bench lenet5 --shape 900000000000x1x28x28 --iters 1
one_line err
has err "this machine has"
helper npy x.npy float32 1x1x28x28
expect 5 pinhole run lenet5 --input x.npy --max-mem 4K
one_line err
expect 0 pinhole run lenet5 --input x.npy --max-mem 64MiB --output-dir .
tiny_data 64 32
expect 5 pinhole eval lenet5 --data $DATA --max-mem 300K
one_line err
has err "--max-mem is 300 KiB"
expect 5 pinhole train lenet5 --data $DATA -o t.onnx --epochs 1 --batch 16 --max-mem 400K
one_line err
[ ! -e t.onnx ] || fail "a model was written"
for size in 0 -1 x 1x 1KB 1.5G "" 99999999999999999999 99999999T 1GiBs; do
    usage_error pinhole check lenet5 --max-mem "$size"
done
