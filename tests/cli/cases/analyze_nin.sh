# nin-cifar10 by hand: parameters 966,986; MACs 222,486,528 (Lin 2013; the CIFAR-10 network)
#   conv1 5x5x3x192, cccp 192x160, 160x96     at 32x32:  1024 *  60,480
#   conv2 5x5x96x192, cccp 192x192 twice      at 16x16:   256 * 534,528
#   conv3 3x3x192x192, cccp 192x192, 192x10   at  8x8:     64 * 370,560
expect 0 pinhole analyze nin-cifar10 --json a.json --csv a.csv
has out "966,986"
json a.json schema 1
json a.json totals.parameters 966986
json a.json totals.macs 222486528
for key in name op output_shape parameters macs activation_bytes role; do
    json a.json "layers[0].$key" '*'
done
grep -q '"role": *"shrink"' a.json || fail "no layer shrinks"
grep -q '"role": *"keep"' a.json || fail "no layer keeps"
json a.json savings '\[*'
# every layer is a line of the CSV
layers=$(helper json a.json totals.layers)
[ "$(wc -l <a.csv)" -ge $((layers + 1)) ] || fail "a.csv has $(wc -l <a.csv) lines"
# '-' prints only that
expect 0 pinhole analyse nin-cifar10 --json -
cp out b.json
cmp a.json b.json
expect 0 pinhole analyze nin-cifar10 --csv -
cmp out a.csv
