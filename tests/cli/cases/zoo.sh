# texts that can be read back (the list: zoo_list.sh)
for name in lenet5 nin-cifar10 nin-fashion resnet8 resnet34 resnet50-v1.5 googlenet-aux resnet32-b; do
    expect 0 pinhole zoo $name
    cp out mine.net
    expect 0 pinhole analyze $name --json a.json
    expect 0 pinhole analyze mine.net --json b.json
    expect 0 pinhole analyze mine.net:$name --json c.json
    for file in b.json c.json; do
        json $file totals.macs "$(helper json a.json totals.macs)"
        json $file totals.parameters "$(helper json a.json totals.parameters)"
    done
done
expect 3 pinhole zoo lenet
one_line err
has err "did you mean 'lenet5'?"

# as JSON
expect 0 pinhole zoo --json zoo.json
json zoo.json schema 1
json zoo.json networks[1].name '"alexnet"'
json zoo.json networks[1].parameters 60965224
json zoo.json networks[1].macs 724406816
json zoo.json networks[1].input[1] 227
has zoo.json '"published_macs": "724M Sze et al. 2017'
has zoo.json "the paper says 224"
usage_error pinhole zoo lenet5 --json zoo.json

# a family, read from standard input and by name
printf 'network a k=2\nnetwork b k=3\ninput x 1x4x4\nconv 1x1 k\n' >two.net
expect 0 pinhole analyze two.net --json a.json
json a.json totals.parameters 4
expect 0 pinhole analyze two.net:b --json b.json
json b.json totals.parameters 6
pinhole analyze - --json c.json <two.net >out 2>err || fail "standard input"
json c.json totals.parameters 4
expect 3 pinhole analyze two.net:c
one_line err
has err "no network 'c' (here: a, b)"
