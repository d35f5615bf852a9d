# numbers are taken as a whole or not at all, and the line names the option
for bad in '' ' 1' '1 ' 1x 0x10 1e3 -1 +1 1.5 0 1025 99999999999999999999; do
    usage_error pinhole bench lenet5 --threads "$bad"
    has err "'--threads'"
done
for bad in '' ' 1' 1x nan inf -1 1e999 0 1e7; do
    usage_error pinhole train lenet5 --lr "$bad"
    has err "'--lr'"
done
for bad in '' -1 1x 18446744073709551616; do
    usage_error pinhole export lenet5 -o x.onnx --seed "$bad"
    has err "'--seed'"
done
expect 0 pinhole export lenet5 -o x.onnx --seed 18446744073709551615
for bad in 0 -3x3 3x 3xx3 x3 3x3x 1x2x3x4x5x6x7x8x9 99999999999999999999 3y3; do
    usage_error pinhole analyze lenet5 --shape "$bad"
    has err "'--shape'"
done
usage_error pinhole analyze lenet5 --shape nosuchinput=3x3
has err "no input 'nosuchinput'"
