# '-' is a model on stdin, ONNX or .net
expect 0 pinhole analyze lenet5 --json a.json
expect 0 pinhole export lenet5 -o a.onnx
"$PINHOLE" analyze - --json b.json <a.onnx >out
json b.json totals.macs "$(helper json a.json totals.macs)"
"$PINHOLE" zoo lenet5 >a.net
"$PINHOLE" analyze - --json c.json <a.net >out
json c.json totals.macs "$(helper json a.json totals.macs)"
expect 3 pinhole check - </dev/null
one_line err
