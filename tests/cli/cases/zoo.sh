# the list, and a text that can be read back
expect 0 pinhole zoo
for name in lenet5 nin-cifar10 nin-fashion resnet8; do
    has out "$name"
    expect 0 pinhole zoo $name
    cp out mine.net
    expect 0 pinhole analyze $name --json a.json
    expect 0 pinhole analyze mine.net --json b.json
    json b.json totals.macs "$(helper json a.json totals.macs)"
    json b.json totals.parameters "$(helper json a.json totals.parameters)"
    expect 0 pinhole zoo
done
expect 3 pinhole zoo lenet
one_line err
has err "did you mean 'lenet5'?"
