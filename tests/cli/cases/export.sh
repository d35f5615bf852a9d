# seeded, repeatable, a fixed point, and '-' is stdout
expect 0 pinhole export lenet5 --seed 1 -o a.onnx
expect 0 pinhole export lenet5 --seed 1 -o b.onnx
expect 0 pinhole export lenet5 --seed 2 -o c.onnx
cmp a.onnx b.onnx
! cmp -s a.onnx c.onnx || fail "another seed, the same weights"
expect 0 pinhole export a.onnx -o d.onnx
cmp a.onnx d.onnx
"$PINHOLE" export lenet5 --seed 1 -o - >e.onnx
cmp a.onnx e.onnx
# a file that is there stays whole if the new one cannot be made
cp a.onnx keep.onnx
expect 3 pinhole export nosuch.onnx -o keep.onnx
cmp a.onnx keep.onnx
