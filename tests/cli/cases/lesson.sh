# every claim of the lesson, with the number the engine came to
claim() { # TEXT VALUE
    grep -qE "^  \[ok\] $1 \.+ $2\$" out || fail "no claim '$1' with $2: $(head -c 3000 out)"
}
topic() { # NAME CLAIMS
    expect 0 pinhole lesson "$1"
    [ ! -s err ] || fail "$1: something on stderr"
    has out "$2 claims checked, $2 hold."
    lacks out "[NO]"
    [ "$(grep -c '^  \[ok\] ' out)" = "$2" ] || fail "$1: not $2 claims"
}

topic one-weight 4
claim "height and width stay" "6x6x1"
claim "cells doubled" "36 of 36"
claim "weights" "1"
claim "multiplications, one a cell" "36"
has out "  4 claims checked, 4 hold."
# rows of the picture, before and after: each number twice the other
rows=0
picture() { LC_ALL=C pinhole lesson "$1" | grep '^ *| .* |'; } # in ASCII
while read -r -a n; do
    [ ${#n[@]} = 12 ] || fail "a row of ${#n[@]} numbers"
    for i in 0 1 2 3 4 5; do [ "${n[i + 6]}" = $((2 * n[i])) ] || fail "${n[i]} is not doubled"; done
    rows=$((rows + 1))
done < <(picture one-weight | tr -c '0-9\n' ' ')
[ $rows = 6 ] || fail "$rows rows in the picture"

topic dot-product 8
rows=0
while read -r -a n; do # the ReLU cuts off what is negative
    [ ${#n[@]} = 12 ] || continue
    for i in 0 1 2 3 4 5; do
        wanted=$((n[i] > 0 ? n[i] : 0))
        [ "${n[i + 6]}" = $wanted ] || fail "${n[i]} becomes ${n[i + 6]}"
    done
    rows=$((rows + 1))
done < <(picture dot-product | tr -c '0-9\n-' ' ' | tr -s '-' '-' | sed 's/-\( \|$\)/\1/g')
[ $rows = 6 ] || fail "$rows rows in the picture"
claim "one filter: one channel comes out" "6x6x1"
claim "dot products of 32 numbers, as defined" "36 of 36"
claim "weights of the filter" "32"
claim "multiply-accumulates, 36 dot products of 32" "1,152"
claim "several filters: as many channels" "6x6x4"
claim "channel 1 is that of the first filter" "36 of 36"
claim "weights of 4 filters" "128"
claim "multiply-accumulates" "4,608"
has out "6x6x#filters"

topic neurons 7
claim "numbers equal to the bit" "288 of 288"
claim "weights and biases, in both" "264"
claim "multiply-accumulates, in both \(36 runs of 256\)" "9,216"
claim "numbers of the matrix product, equal to the bit" "288 of 288"
claim "1x1 convolution: w1 x1 \+ ... \+ w6 x6" "5 of 5"
claim "fully connected layer: the same" "5 of 5"
claim "weights, 6 for each neuron" "30"

topic channels 9
claim "shrink: height and width unchanged" "28x28x32"
claim "keep: as many channels as before" "28x28x192"
claim "grow: more of them" "28x28x256"
claim "pool: channels unchanged" "14x14x192"
claim "28x28x32: the account says" "shrink"
claim "28x28x192: the account says" "keep"
claim "28x28x256: the account says" "grow"
claim "keep: of its 150,528 numbers, negative before the ReLU" "[0-9,]+"
claim "keep: negative behind it" "0"

topic weights 11
claim "weights, 3x3x192x128" "221,184"
claim "weights, 1x1x192x128" "24,576"
claim "3x3 against 1x1" "9.00 times"
claim "cells equal to the mean over channels" "36 of 36"
claim "one channel is left" "6x6x1"
claim "64 channels after 3x3/64" "28x28x64"
claim "28 channels after 1x1/28" "28x28x28"
claim "weights, 3x3x192x64" "110,592"
claim "weights, 1x1x64x28" "1,792"
claim "pair without ReLU = one 3x3/28" "448 of 448"
claim "pair with ReLU: numbers that no longer agree" "[1-9][0-9]*"

topic mlpconv 7
claim "the convolution's channels" "32x32x192"
claim "the block's output" "32x32x96"
claim "weights of the block" "60,480"
claim "mlpconv's output" "4x4x5"
claim "numbers equal to the bit" "80 of 80"
claim "of which not cut off by the last ReLU" "[1-9][0-9]*"
claim "weights and biases, in both" "697"

topic inception 14
claim "weights without reductions" "387,072"
claim "weights with reductions to 96 and 16" "157,184"
claim "share of the weights that is left" "40.6 %"
claim "weights with the pool projection as well" "163,328"
claim "output without reductions" "28x28x416"
claim "output with reductions and projection" "28x28x256"
claim "MACs of the module without" "303,464,448"
claim "MACs with reductions and projection" "128,049,152"
claim "MACs, 5x5 alone \(\"120 million\"\)" "120,422,400"
claim "MACs, 1x1 and 5x5 \(\"12.4 million\"\)" "12,443,648"
claim "fewer MACs in the 5x5 branch" "9.68 times"
claim "fewer MACs in the 3x3 branch" "1.71 times"
claim "numbers of the 1x1 branch in place" "50176 of 50176"
claim "numbers of the 5x5 branch in place" "25088 of 25088"
has out '"about a third"'

topic resnet 9
claim "weights, 1x1x256x64" "16,384"
claim "weights, 3x3x64x64" "36,864"
claim "weights, 1x1x64x256" "16,384"
claim "weights of the bottleneck" "69,632"
claim "weights of two 3x3x256x256" "1,179,648"
claim "fewer weights in the bottleneck" "16.94 times"
claim "output, the size of the input" "56x56x256"
claim "weights of two 3x3 over 64 channels" "73,728"
claim "numbers handed on to the bit" "16384 of 16384"

# all of it: every topic in turn, 80 columns, plain without a terminal, the same each time
expect 0 pinhole lesson
has out "All topics: 69 claims checked, 69 hold."
[ "$(grep -c 'claims checked' out)" = 9 ] || fail "not a line for each of 8 topics and for all"
[ "$(wc -L <out)" -lt 80 ] || fail "wider than 80 columns"
lacks out $'\033'
numbers=0
for name in one-weight dot-product neurons channels weights mlpconv inception resnet; do
    numbers=$((numbers + 1))
    grep -q "^$numbers\..* ($name)\$" out || fail "no topic $numbers, $name"
done
mv out first
expect 0 pinhole lesson
cmp first out

# in plain ASCII the same lines, if other characters for the pictures
LC_ALL=C expect 0 pinhole lesson
[ "$(LC_ALL=C wc -L <out)" -lt 80 ] || fail "wider than 80 columns in ASCII"
if LC_ALL=C grep -q '[^ -~]' out; then fail "not ASCII: $(LC_ALL=C grep -m1 '[^ -~]' out)"; fi
[ "$(wc -l <out)" = "$(wc -l <first)" ] || fail "other lines in ASCII"
grep -q '│' first || fail "no box characters"
cmp <(sed 's/[┌┐└┘├┤┬┴┼]/+/g; s/│/|/g; s/─/-/g; s/►/>/g; s/╱/\//g; s/█/#/g' first) out

# the scalar kernels teach the same
export PH_CPU=scalar
expect 0 pinhole lesson
cmp first out
