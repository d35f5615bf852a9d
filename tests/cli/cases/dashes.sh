# -- ends the options; the long and the short form of an option are the same
expect 3 pinhole check -- --help
one_line err
expect 0 pinhole -q zoo
expect 0 pinhole export -o a.onnx -s 7 -- lenet5
expect 0 pinhole export lenet5 --output=b.onnx --seed=7
cmp a.onnx b.onnx
