# the text, the keys of the JSON, and sane values
expect 0 pinhole bench lenet5 --iters 5 --warmup 1 --threads 1
has out "median"
has out "ms"
expect 0 pinhole bench lenet5 --iters 9 --batch 4 --threads 2 --json a.json
has out "median"
json a.json schema 1
json a.json model '"lenet5"'
json a.json batch 4
json a.json threads 2
json a.json iters 9
json a.json isa '"*"'
expect 0 pinhole analyze lenet5 --shape 4x1x28x28 --json b.json
json a.json macs "$(helper json b.json totals.macs)"
for key in median_ms min_ms p90_ms images_per_second gflops; do
    awk -v x="$(helper json a.json $key)" 'BEGIN { exit !(x > 0) }' || fail "$key is not positive"
done
awk -v a="$(helper json a.json min_ms)" -v b="$(helper json a.json median_ms)" \
    -v c="$(helper json a.json p90_ms)" 'BEGIN { exit !(a <= b && b <= c) }' || fail "no order"
expect 0 pinhole bench lenet5 --iters 1 --json -
cp out c.json
json c.json batch 1
json c.json iters 1
[ ! -s err ] || fail "talk that is no terminal's: $(cat err)"
