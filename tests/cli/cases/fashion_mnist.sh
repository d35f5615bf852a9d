# the real data, where they are installed
dir=/usr/share/datasets/fashion-mnist
[ -f $dir/t10k-images-idx3-ubyte.gz ] || skip "dataset-fashion-mnist is not installed"
expect 0 pinhole eval lenet5 --data fashion-mnist:$dir --json a.json --show 3
json a.json images 10000
json a.json 'classes[9].name' '"Ankle boot"'
has out "10,000 images"
