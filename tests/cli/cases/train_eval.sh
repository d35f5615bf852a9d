# a network learns; the file does what its metrics say; eval in text, JSON and pictures
tiny_data 500 100
expect 0 pinhole train lenet5 --data $DATA --epochs 6 --batch 20 --optimizer adam --lr 0.002 \
    --seed 5 --metrics m.csv -o a.onnx
has err "seed 5"
has out "a.onnx: accuracy"
[ "$(head -1 m.csv)" = epoch,loss,accuracy,test_loss,test_accuracy,learning_rate,images_per_second,seconds ]
[ "$(wc -l <m.csv)" = 7 ] || fail "$(cat m.csv)"
accuracy=$(tail -1 m.csv | cut -d, -f5)
awk -v x="$accuracy" 'BEGIN { exit !(x > 0.9) }' || fail "it learned only $accuracy"
has a.onnx pinhole.train
has a.onnx pinhole.accuracy

expect 0 pinhole eval a.onnx --data $DATA --json e.json
has out "accuracy"
has out "images/s"
json e.json schema 1
json e.json images 100
json e.json split '"test"'
[ "$(helper json e.json accuracy | cut -c1-6)" = "$(echo "$accuracy" | cut -c1-6)" ] ||
    [ "$(helper json e.json accuracy)" = "$accuracy.0" ] || fail "$(cat e.json) is not $accuracy"
json e.json 'classes[0].name' '"T-shirt/top"'
for key in correct loss seconds images_per_second batch threads isa; do
    json e.json $key '*'
done
expect 0 pinhole eval a.onnx --data $DATA --split train --json -
cp out t.json
json t.json images 500

# pictures: plain, in colour, and only the mistakes of an untrained network
expect 0 pinhole eval a.onnx --data $DATA --show 5
[ "$(wc -L <out)" -le 80 ] || fail "wider than 80 columns"
[ "$(grep -o '[✓✗]' out | wc -l)" = 5 ] || fail "not five captions: $(cat out)"
! grep -q "$(printf '\033')" out || fail "colour without a terminal"
expect 0 pinhole eval a.onnx --data $DATA --show 5 --colour always
grep -q "$(printf '\033')\[38;5;" out || fail "no colour"
expect 0 env COLORTERM=truecolor "$PINHOLE" eval a.onnx --data $DATA --show 1 --color always
grep -q "$(printf '\033')\[38;2;" out || fail "no 24-bit colour"
expect 0 pinhole eval lenet5 --data $DATA --show 6 --wrong
[ "$(grep -o '✗' out | wc -l)" = 6 ] || fail "not six mistakes"
lacks out '✓'
expect 0 env LC_ALL=C "$PINHOLE" eval a.onnx --data $DATA --show 5
! grep -q '[^ -~]' out || fail "not ASCII in the C locale"
