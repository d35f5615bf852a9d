# a loss that is not a number ends the training with status 1 and no file
tiny_data 200 40
expect 1 pinhole train lenet5 --data $DATA --epochs 3 --lr 1e6 --seed 1 --checkpoint ck.onnx -o x.onnx
has err "diverged"
[ ! -e x.onnx ] || fail "a result was written"
