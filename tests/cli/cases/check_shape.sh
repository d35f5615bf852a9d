# open image sizes: assumed and noted, or given by shape or symbol; a wrong size is a no
# ModelProto: ir_version 8; graph { node {x -> Relu -> y}, node {y, s -> Reshape -> z}, name, s =
# int64 [2] {1, 192}, input x float32 [N,3,H,W], output z float32 }; opset_import { version 17 }
{
    printf '\x0a\x0c\x0a\x01x\x12\x01y\x22\x04Relu'
    printf '\x0a\x12\x0a\x01y\x0a\x01s\x12\x01z\x22\x07Reshape'
    printf '\x12\x01g'
    printf '\x2a\x0c\x08\x02\x10\x07\x3a\x03\x01\xc0\x01\x42\x01s'
    printf '\x5a\x1f\x0a\x01x\x12\x1a\x0a\x18\x08\x01\x12\x14'
    printf '\x0a\x03\x12\x01N\x0a\x02\x08\x03\x0a\x03\x12\x01H\x0a\x04\x12\x02WW'
    printf '\x62\x09\x0a\x01z\x12\x04\x0a\x02\x08\x01'
} >graph
{
    printf '\x08\x08\x3a'"\\x$(printf %x "$(wc -c <graph)")"
    cat graph
    printf '\x42\x02\x10\x11'
} >open.onnx
expect 1 pinhole check open.onnx
has out "note       input 'x' leaves its shape open: looked at as [1,3,224,224]"
has out "shape      Reshape"
for shape in x=1x3x8x8 1x3x8x8 3x8x8 N=1,H=8,WW=8 H=8,WW=8 x=3x8x8; do
    expect 0 pinhole check open.onnx --shape $shape
    has out "open.onnx: ok"
    lacks out note
done
expect 0 pinhole check open.onnx --shape H=4 --shape WW=16 --json -
json out runs true
expect 1 pinhole check open.onnx --shape H=8,WW=9
usage_error pinhole check open.onnx --shape H=8
has err "dimension 3 (WW) is still open"
usage_error pinhole check open.onnx --shape H=8,H=9
usage_error pinhole check open.onnx --shape H=0,WW=3
usage_error pinhole check open.onnx --shape Q=1
# the same on the other commands; without it, one line that names the option
for command in analyze "bench --iters 1 --warmup 0"; do
    expect 0 pinhole $command open.onnx --shape H=8,WW=8
    expect 3 pinhole $command open.onnx
    one_line err
    has err "--shape"
done
# classify: the pixels of the image are the scores; what does not fit the options is said
root=$(cd "$(dirname "$CASE")/../../.." && pwd)
boot=$root/examples/images/boot.png
for shape in 1x3x8x8 3x8x8 x=1x3x8x8 H=8,WW=8; do
    expect 0 pinhole classify -m open.onnx --shape $shape -p raw -k 1 --json "$boot"
    json out preparation.crop '"8x8"'
done
expect 0 pinhole classify -m open.onnx --shape H=4,WW=16 -p raw -k 192 --json "$boot"
json out preparation.crop '"16x4"'
expect 3 pinhole classify -m open.onnx "$boot"
expect 2 pinhole classify -m open.onnx --shape H=8,WW=8 --crop 16 "$boot"
usage_error pinhole classify -m open.onnx --shape H=8 "$boot"
expect 3 pinhole classify -m open.onnx --shape 3x8 "$boot"
# written with these shapes, it needs none
expect 0 pinhole export open.onnx --shape N=1,H=8,WW=8 -o closed.onnx
expect 0 pinhole check closed.onnx
lacks out note
expect 0 pinhole analyze closed.onnx
