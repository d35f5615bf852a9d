# an output file for each output, the same bits at any number of threads, named errors
helper npy x.npy float32 2x1x28x28
expect 0 pinhole run lenet5 --input x.npy --output-dir one --threads 1
expect 0 pinhole run lenet5 --input x.npy --output-dir three --threads 3
[ "$(ls one | wc -l)" = 1 ] || fail "$(ls one)"
diff -r one three || fail "threads change bits"
has out float32
input=$(pinhole run lenet5 2>&1 | sed "s/.*input '\([^']*\)'.*/\1/")
expect 0 pinhole run lenet5 --input "$input=x.npy" --output-dir two --shape 2x1x28x28
diff -r one two
expect 0 pinhole run lenet5 --input x.npy
ls ./*.npy >files
[ "$(wc -l <files)" = 2 ] || fail "not in the current folder: $(cat files)"

expect 2 pinhole run lenet5
one_line err
has err "no data for input '$input'"
usage_error pinhole run lenet5 --input nosuch=x.npy
has err "'$input'"
usage_error pinhole run lenet5 --input x.npy --input x.npy
expect 3 pinhole run lenet5 --input x.npy --shape 1x28x28 --output-dir none
one_line err
helper npy ints.npy int64 2x1x28x28
expect 3 pinhole run lenet5 --input ints.npy --output-dir none
one_line err
has err "float32"
has err "int64"
helper npy wide.npy float32 2x3x28x28
expect 3 pinhole run lenet5 --input wide.npy --output-dir none
one_line err
has err "[2,3,28,28]"
[ ! -e none ] || fail "something was written"
