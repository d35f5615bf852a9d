# What papers say beside what is counted.
#
# GoogLeNet against AlexNet: 6,998,552 and 60,965,224 parameters, 8.71 times; without GoogLeNet's
# classifier (1024 * 1000 + 1000) 5,973,552, 10.21 times; the paper says 12 (arXiv:1409.4842, sec. 1).
expect 0 pinhole analyze googlenet --against alexnet --json p.json
has out "parameters: A has 8.71 times fewer than B"
has out "10.21 times fewer without A's classifier, logits"
has out "9.52 times fewer without both"
has out "The paper says 12 times fewer parameters than AlexNet"
json p.json a.totals.parameters 6998552
json p.json a.totals.classifier_parameters 1025000
json p.json b.totals.parameters 60965224
json p.json ratios_b_to_a.parameters '8.711*'
json p.json ratios_b_to_a.parameters_without_a_classifier '10.205*'
json p.json b.published.parameters.agrees true
# ResNet-50 with the stride in the first 1x1, as in the paper, and in the 3x3: the same parameters,
# and three layers of four times the MACs
expect 0 pinhole analyze resnet50 --against resnet50-v1.5 --csv p.csv
has out "parameters: A has as many as B"
has out "A has 1.06 times fewer than B"
has out "3,857,973,248"
has out "4,089,184,256"
[ "$(grep -c '    25,690,112    102,760,448    4.00$' out)" = 3 ] || fail "not three layers differ"
! grep -q '^[ab],' p.csv || fail "$(grep '^[ab],' p.csv)"
# every Inception module without its reductions; a note that both networks have stands once
expect 0 pinhole analyze googlenet --against googlenet-naive
has out "A inception_5b/5x5_reduce"
[ "$(grep -c 'The paper says 12 times' out)" = 1 ] || fail "a note stands twice"
# SqueezeNet's expand1x1 reads the squeezed channels, too
expect 0 pinhole analyze squeezenet1.1
has out "with the 1x1 that reads it, too"
# no line is longer than 100 characters, but for numbers that need it
for pair in "googlenet alexnet" "resnet50 mobilenetv2" "densenet121 vgg16" "squeezenet1.0 nin-imagenet"; do
    set -- $pair
    expect 0 pinhole analyze "$1" --against "$2"
    ! grep -q '.\{104\}' out || fail "$pair: $(grep '.\{104\}' out | head -1)"
done
