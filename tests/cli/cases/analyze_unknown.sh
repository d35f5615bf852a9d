# An operator that nobody knows is listed, not fatal; parameters are counted all the same.
expect 0 pinhole export lenet5 -o good.onnx
LC_ALL=C sed 's/Gemm/Gumm/' good.onnx >bad.onnx # the first one of a line: names stay as long
! cmp -s good.onnx bad.onnx || fail "nothing changed"
expect 4 pinhole bench bad.onnx
expect 0 pinhole analyze good.onnx --json good.json
expect 0 pinhole analyze bad.onnx --json bad.json --csv bad.csv
has out "operator Gumm is not supported"
has out "at least"
has out "Not understood: "
json bad.json totals.parameters "$(helper json good.json totals.parameters)"
grep -q '"macs": null' bad.json || fail "no MACs are unknown"
[ "$(helper json bad.json totals.macs)" -lt "$(helper json good.json totals.macs)" ] ||
    fail "unknown MACs are counted"
grep -q ',Gumm,,' bad.csv || fail "$(cat bad.csv)"
# beside the good one
expect 0 pinhole analyze good.onnx --against bad.onnx
has out "layers not understood"
