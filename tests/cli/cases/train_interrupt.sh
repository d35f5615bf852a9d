# interrupted by Ctrl-C and continued, a training gives the same file as in one go
tiny_data 1600 40
common="--data $DATA --epochs 4 --batch 16 --shift 1 --momentum 0.8 --schedule one-cycle --lr 0.02"
expect 0 pinhole train lenet5 $common --seed 4 -o whole.onnx --metrics whole.csv

interrupt() { # SIGNAL: start, wait for the first epoch, interrupt in the next
    rm -f part.csv ck.onnx
    env --default-signal=INT,TERM "$PINHOLE" train lenet5 $common --seed 4 -o part.onnx \
        --checkpoint ck.onnx --metrics part.csv >out 2>err &
    local pid=$! status=0
    for _ in $(seq 600); do
        [ -f part.csv ] && [ "$(wc -l <part.csv)" -ge 2 ] && break
        sleep 0.05
    done
    kill -s "$1" $pid
    wait $pid || status=$?
    echo $status
}
for signal in INT TERM; do
    status=$(interrupt $signal)
    [ "$status" = $((128 + $(kill -l $signal))) ] || fail "$signal: status $status, $(cat err)"
    [ ! -e part.onnx ] || fail "the result was written"
    [ -f ck.onnx ] || fail "no checkpoint"
    has err "--resume"
    expect 0 pinhole check ck.onnx
    expect 0 pinhole train lenet5 $common -o part.onnx --checkpoint ck.onnx --resume \
        --metrics part.csv --threads 1
    has err "continuing"
    cmp whole.onnx part.onnx || fail "continued, the file is another"
    [ "$(cut -d, -f1,4-6 whole.csv)" = "$(cut -d, -f1,4-6 part.csv)" ] || fail "$(cat part.csv)"
    rm part.onnx
done
# done already: nothing to train, the same file
expect 0 pinhole train lenet5 $common -o again.onnx --checkpoint ck.onnx --resume
cmp whole.onnx again.onnx
# other settings are refused, and so is what is no checkpoint
expect 3 pinhole train lenet5 $common --resume --checkpoint ck.onnx --batch 17 -o other.onnx
one_line err
expect 3 pinhole train lenet5 $common --resume --checkpoint whole.onnx --seed 4 -o other.onnx
one_line err
expect 3 pinhole train lenet5 $common --resume --checkpoint nosuch.onnx -o other.onnx
one_line err
[ ! -e other.onnx ] || fail "a result was written"
