# Inception 3a by hand (arXiv:1409.4842, table 1): 163,696 parameters with reductions, 387,296 without
expect 0 pinhole analyze inception-3a --against inception-3a-naive --json p.json --csv p.csv
has out "A: inception-3a: x float32[1,192,28,28]"
has out "B: inception-3a-naive"
has out "parameters: A has 2.37 times fewer than B"
has out "MACs:       A has 2.37 times fewer than B"
has out "A inception_3a/5x5_reduce"
json p.json schema 1
json p.json a.totals.parameters 163696
json p.json b.totals.parameters 387296
json p.json a.totals.planned_arena_bytes '*'
json p.json layers_aligned true
head -1 p.csv | grep -q '^in,name_a,op_a,' || fail "$(head -1 p.csv)"
# every layer of both, once
a=$(helper json p.json a.totals.layers) b=$(helper json p.json b.totals.layers)
[ "$(grep -c '^\(both\|a\),' p.csv)" = "$a" ] || fail "not $a layers of A"
[ "$(grep -c '^\(both\|b\),' p.csv)" = "$b" ] || fail "not $b layers of B"
# '-' prints only that; a network is the same as itself
expect 0 pinhole analyze inception-3a -a inception-3a-naive --json -
cmp out p.json
expect 0 pinhole analyze resnet8 --against resnet8
has out "Layer by layer they cost the same."
# the lesson's 16.94 times
expect 0 pinhole analyze bottleneck-block --against basic-block
has out "parameters: A has 16.94 times fewer than B"
# shapes of each; one of the two may come from stdin
expect 0 pinhole analyze lenet5 --shape 2x1x28x28 --against lenet5 --against-shape 4x1x28x28
has out "MACs:       A has 2.00 times fewer than B"
"$PINHOLE" zoo lenet5 >a.net
"$PINHOLE" analyze lenet5 --against - <a.net >out
has out "Layer by layer they cost the same."
usage_error pinhole analyze - --against -
usage_error pinhole analyze lenet5 --against-shape 1x28x28
usage_error pinhole analyze lenet5 --against
expect 3 pinhole analyze lenet5 --against nothing
one_line err
