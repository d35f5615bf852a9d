# every misuse of the command line: status 2, one line, a hint
usage_error pinhole --nonsense
usage_error pinhole nonsense
usage_error pinhole ''
usage_error pinhole help nonsense
for command in analyze bench check eval export run train; do
    usage_error pinhole $command
    usage_error pinhole $command --nonsense lenet5
    usage_error pinhole $command -Z lenet5
    usage_error pinhole $command one two
done
usage_error pinhole info extra
usage_error pinhole zoo one two
usage_error pinhole analyze lenet5 --json - --csv -
usage_error pinhole analyze lenet5 --json
usage_error pinhole export lenet5
usage_error pinhole eval lenet5
usage_error pinhole eval lenet5 --data nosuchkind:/tmp
usage_error pinhole train lenet5 --data fashion-mnist:.
usage_error pinhole train lenet5 -o out.onnx
usage_error pinhole train lenet5 --data fashion-mnist:. -o out.onnx --resume
usage_error pinhole train lenet5 --data fashion-mnist:. -o x.onnx --checkpoint x.onnx
usage_error pinhole train lenet5 --data fashion-mnist:. -o x.onnx --optimizer adam --nesterov
usage_error pinhole train lenet5 --data fashion-mnist:. -o x.onnx --flip=yes
usage_error pinhole run lenet5 --rtol 0.1
usage_error pinhole run lenet5 --test-data . --input x.npy
# ambiguous abbreviation, a good abbreviation
usage_error pinhole train --s 3
has err "--schedule"
usage_error pinhole bench --thr 0 lenet5
has err "--threads"
[ ! -e out.onnx ] && [ ! -e x.onnx ] || fail "a file was written"
