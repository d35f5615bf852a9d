# a valid model with operators that Pinhole does not have: status 4; 'check' lists them all, what would
# run it says all in one line, 'analyze' counts the rest and says so
# ModelProto: ir_version 8; graph { node {x -> Frob -> y}, node {y -> Blub -> z}, name, input x,
# output z, both float32 [1,2] }; opset_import { version 17 }
node() { printf '\x0a\x10\x0a\x01%s\x12\x01%s\x1a\x02%s\x22\x04%s' "$1" "$2" "$3" "$4"; }
type() { printf '\x12\x0e\x0a\x0c\x08\x01\x12\x08\x0a\x02\x08\x01\x0a\x02\x08\x02'; }
{
    node x y n1 Frob
    node y z n2 Blub
    printf '\x12\x01g'
    printf '\x5a\x13\x0a\x01x'
    type
    printf '\x62\x13\x0a\x01z'
    type
} >graph
{
    printf '\x08\x08\x3a'"\\x$(printf %x "$(wc -c <graph)")"
    cat graph
    printf '\x42\x02\x10\x11'
} >odd.onnx
expect 4 pinhole check odd.onnx
[ ! -s err ] || fail "check spoke on stderr: $(cat err)"
[ "$(wc -l <out)" = 3 ] || fail "not a line for each reason: $(cat out)"
has out "odd.onnx: cannot be run, for 2 reasons"
has out "operator   Frob 'n1': operator Frob is not supported"
has out "operator   Blub 'n2': operator Blub is not supported"
expect 4 pinhole check odd.onnx --json -
json out schema 1
json out runs false
json out reasons[1].node '"n2"'
json out reasons[1].op '"Blub"'
json out reasons[1].kind '"operator"'
json out notes '\[\]'
helper npy x.npy float32 1x2
expect 0 pinhole analyze odd.onnx
has out "Not understood: 2 layers"
for command in "bench odd.onnx --iters 1" "run odd.onnx --input x.npy"; do
    expect 4 pinhole $command
    one_line err
    has err Frob
done
[ ! -e z.npy ] || fail "an output was written"
# read and written again it stays what it is
expect 0 pinhole export odd.onnx -o again.onnx
expect 4 pinhole check again.onnx
has out Blub
