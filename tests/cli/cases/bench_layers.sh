# --layers: a line for each step, sums by method, and the same in JSON
expect 0 pinhole bench squeezenet1.1 --layers --iters 2 --warmup 0 --threads 1 --json a.json
for word in LAYER METHOD SHARE PEAK "copy in" "copy out" "1x1 gemm +clamp" Winograd MaxPool "[1,1000]"; do
    has out "$word"
done
json a.json schema 1
json a.json layers[0].name '"x"'
json a.json layers[0].op null
json a.json layers[0].method '"copy in"'
json a.json layers[0].output[1] 3
json a.json layers[1].op '"Conv"'
json a.json layers[1].method '"window+pooling+1x1"'
json a.json layers[1].clamped true
json a.json layers[1].added false
for key in peak_gflops layers_ms layers[1].median_ms layers[1].gflops layers[1].peak_share \
    methods[0].share methods[0].steps; do
    awk -v x="$(helper json a.json $key)" 'BEGIN { exit !(x > 0) }' || fail "$key is not positive"
done
awk -v a="$(helper json a.json layers[1].min_ms)" -v b="$(helper json a.json layers[1].median_ms)" \
    'BEGIN { exit !(a > 0 && a <= b) }' || fail "no order"
# MACs of the steps are those of the run, by step and by method
sum() {
    local i=0 sum=0 macs
    while macs=$(helper json a.json "$1[$i].macs" 2>/dev/null); do
        sum=$((sum + macs))
        i=$((i + 1))
    done
    [ $i -gt 3 ] || fail "$i $1"
    echo $sum
}
json a.json macs "$(sum layers)"
json a.json macs "$(sum methods)"
# not unless asked for
expect 0 pinhole bench lenet5 --iters 1 --json -
lacks out layers
# definition only
expect 0 pinhole bench squeezenet1.1 -l --iters 1 --warmup 0 --threads 1 --exact
lacks out Winograd
