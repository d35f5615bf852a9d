# 25,920 MACs at 1 GFLOP/s: 51.84 us, and nothing slower for a memory of a PB/s
expect 0 pinhole analyze mlpconv --peak 1,1000000 --json p.json
has out "lower bound: 0.052 ms, each layer at the slower of 1.0 GFLOP/s and 1000000.0 GB/s"
json p.json totals.peak_flop_per_second '1000000000*'
json p.json totals.bound_seconds '5.18*e-*5'
json p.json 'layers[0].bound_seconds' '3.11*e-*5'
# without a bandwidth; with -i alone no bounds
expect 0 pinhole analyze mlpconv -p 1
has out "lower bound: 0.052 ms, each layer at the slower of 1.0 GFLOP/s"
lacks out "GB/s"
expect 0 pinhole analyze mlpconv -i
has out "FLOP/B"
lacks out "lower bound"
# measured: whatever this machine does, it is more than nothing
expect 0 pinhole analyze mlpconv --peak measure --threads 1 --json p.json
grep -q 'measured with [a-z0-9]* on 1 thread in [0-9.]* s: [0-9.]* GFLOP/s, [0-9.]* GB/s' err ||
    fail "$(cat err)"
has out "lower bound: "
json p.json totals.peak_bytes_per_second '[1-9]*'
# the memory of a run
has out "planned run: "
json p.json totals.planned_peak_layer '*conv*'
for peak in 0 -1 x 1,0 1, ,1 1,2,3 measured nan inf ''; do
    usage_error pinhole analyze mlpconv --peak "$peak"
done
