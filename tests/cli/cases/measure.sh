# a plan that is measured; the file is made, read, and added to; the same choices, the same bits
expect 0 pinhole bench resnet8 --iters 1 --threads 1 --measure
expect 0 pinhole bench resnet8 --iters 1 --threads 1 --measure --measurements m.json
json m.json schema 1
json m.json machines[0].isa '"*"'
json m.json machines[0].threads 1
json m.json machines[0].pinhole '"*"'
cp m.json first.json
helper npy x.npy float32 1x3x32x32
expect 0 pinhole run resnet8 --input x.npy --threads 1 --measurements m.json --output-dir one
expect 0 pinhole run resnet8 --input x.npy --threads 1 --measure --measurements m.json --output-dir two
expect 0 pinhole run resnet8 --input x.npy --threads 1 --measure --output-dir three
diff -r one two || fail "one file, but other bits"
cmp m.json first.json || fail "what is known was measured again"
expect 0 pinhole bench resnet8 --iters 1 --threads 2 --measure --measurements m.json
json m.json machines[1].threads 2
ls >left
! grep tmp left || fail "something was left behind"

# nothing to measure, but a file is made
expect 0 pinhole bench resnet8 --iters 1 --exact --measure --measurements empty.json
expect 0 pinhole bench resnet8 --iters 1 --exact --measurements empty.json

expect 3 pinhole bench resnet8 --iters 1 --measurements none.json
one_line err
has err "none.json"
[ ! -e none.json ] || fail "a file was made that was only to be read"
head -c 100 m.json >cut.json
expect 3 pinhole classify -q --measure --measurements cut.json x.npy
one_line err
has err "cut.json"
cmp cut.json <(head -c 100 m.json) || fail "a broken file was changed"
tiny_data 64 32
expect 0 pinhole eval lenet5 --data $DATA --threads 1 --measurements m.json
expect 0 pinhole eval lenet5 --data $DATA --threads 1 --measure
expect 0 pinhole eval nin-fashion --data $DATA --batch 20 --threads 1 --measure --measurements e.json
json e.json machines[0].threads 1
cp e.json first.json
expect 0 pinhole eval nin-fashion --data $DATA --batch 7 --show 2 --threads 1 --measure --measurements e.json
cmp e.json first.json || fail "another batch was measured again"
expect 3 pinhole eval lenet5 --data $DATA --measurements cut.json
one_line err
has err "cut.json"
expect 3 pinhole bench resnet8 --iters 1 --measure --measurements no/such/m.json
one_line err
has err "no/such/m.json"
usage_error pinhole bench resnet8 --measure=yes
