# what is not what it claims to be: status 3, one line, nothing half-written
expect 0 pinhole export lenet5 -o good.onnx
size=$(wc -c <good.onnx)
for n in 0 1 2 7 20 100 $((size / 2)) $((size - 1)); do
    head -c $n good.onnx >bad.onnx
    for command in "check" "analyze" "bench --iters 1" "export -o x.onnx"; do
        expect 3 pinhole $command bad.onnx
        one_line err
        has err bad.onnx
    done
done
head -c 3000 /dev/urandom >noise.onnx
expect 3 pinhole check noise.onnx
one_line err
printf 'network x\n  conv ???\n' >bad.net
expect 3 pinhole check bad.net
one_line err
grep -qE 'bad\.net:[0-9]+:[0-9]+' err || fail "no line and column: $(cat err)"
printf 'not an array' >bad.npy
expect 3 pinhole run lenet5 --input bad.npy
one_line err
has err bad.npy
helper npy good.npy float32 1x1x28x28
head -c 200 good.npy >short.npy
expect 3 pinhole run lenet5 --input short.npy
one_line err
has err short.npy
tiny_data 64 32
head -c 1000 data/t10k-images-idx3-ubyte >short
mv short data/t10k-images-idx3-ubyte
expect 3 pinhole eval lenet5 --data $DATA
one_line err
has err t10k-images
ls >left
! grep -E '^x\.onnx|tmp' left || fail "something was left behind"
