# a batch of two costs twice, with and without the name and the batch written
expect 0 pinhole analyze lenet5 --json 1.json
one=$(helper json 1.json totals.macs)
input=$(pinhole run lenet5 2>&1 | sed "s/.*input '\([^']*\)'.*/\1/")
for shape in 2x1x28x28 "$input=2x1x28x28"; do
    expect 0 pinhole analyze lenet5 --shape "$shape" --json 2.json
    json 2.json totals.macs $((2 * one))
done
expect 0 pinhole analyze lenet5 --shape 1x28x28 --json 3.json
json 3.json totals.macs $one
expect 3 pinhole analyze lenet5 --shape 1x3x28x28
one_line err
