# -q leaves only errors on stderr, results stay
tiny_data 64 32
expect 0 pinhole train lenet5 --data $DATA -o a.onnx --batch 32 --seed 1 -q
[ ! -s err ] || fail "-q said something: $(cat err)"
has out "a.onnx"
expect 0 pinhole -q eval a.onnx --data $DATA
[ ! -s err ] || fail "-q said something: $(cat err)"
has out "accuracy"
