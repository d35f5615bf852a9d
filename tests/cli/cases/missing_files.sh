# what is not there: status 3 and one line that names it
for command in "analyze nosuch.onnx" "check nosuch.net" "bench nosuch-network" \
    "export nosuch.onnx -o x.onnx" "run nosuch.onnx --input a.npy" \
    "eval nosuch.onnx --data fashion-mnist:." "train nosuch.net --data fashion-mnist:. -o x.onnx"; do
    expect 3 pinhole $command
    one_line err
    has err nosuch
    [ ! -s out ] || fail "$command: something on stdout"
done
expect 3 pinhole eval lenet5 --data fashion-mnist:nosuchfolder
one_line err
has err nosuchfolder
expect 3 pinhole run lenet5 --input nosuch.npy
one_line err
has err nosuch.npy
expect 3 pinhole run lenet5 --test-data nosuchfolder
one_line err
expect 3 pinhole export lenet5 -o nosuchfolder/x.onnx
one_line err
expect 3 pinhole analyze lenet5 --json nosuchfolder/x.json
one_line err
expect 3 pinhole train lenet5 --data fashion-mnist:. -o nosuchfolder/x.onnx
one_line err
mkdir folder
expect 3 pinhole train lenet5 --data fashion-mnist:. -o folder
one_line err
expect 3 pinhole check folder
one_line err
[ ! -e x.onnx ] || fail "a file was written"
