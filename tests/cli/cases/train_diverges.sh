# a loss that is not a number ends the training with status 1 and no file
tiny_data 200 40
printf 'input x 1x28x28\nfc 64\nrelu\nfc 64\nrelu\nfc 64\nrelu\nfc 10\n' >deep.net
expect 1 pinhole train deep.net --data $DATA --epochs 5 --batch 32 --lr 1e6 --seed 1 --checkpoint ck.onnx -o x.onnx
has err "finite"
[ ! -e x.onnx ] || fail "a result was written"
