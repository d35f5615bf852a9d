# the same seed gives the same file at any number of threads; another seed another; augmentation too
tiny_data 200 40
common="--data $DATA --epochs 2 --batch 32 --shift 2 --flip --label-smoothing 0.1 --schedule cosine"
expect 0 pinhole train lenet5 $common --seed 9 --threads 1 -o a.onnx
expect 0 pinhole train lenet5 $common --seed 9 --threads 3 -o b.onnx
expect 0 pinhole train lenet5 $common --seed 10 --threads 3 -o c.onnx
cmp a.onnx b.onnx
! cmp -s a.onnx c.onnx || fail "another seed, the same file"
# a seed that is chosen is printed and gives the file again
expect 0 pinhole train lenet5 $common -o d.onnx
seed=$(sed -n 's/.*seed \([0-9]*\)$/\1/p' out)
expect 0 pinhole train lenet5 $common --seed "$seed" -o e.onnx
cmp d.onnx e.onnx
# a trained file can be trained on
expect 0 pinhole train a.onnx --data $DATA --lr 0.001 --seed 1 -o f.onnx
! cmp -s a.onnx f.onnx || fail "nothing was learned"
