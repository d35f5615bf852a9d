# ONNX's test data: one set, several sets, tolerance, what differs is named
mkdir -p sets/test_data_set_0 sets/test_data_set_10 sets/test_data_set_2
helper npy x.npy float32 1x1x28x28
pinhole export lenet5 --seed 3 -o m.onnx
pinhole run m.onnx --input x.npy --output-dir y >/dev/null
y=$(echo y/*.npy)
for set in 0 10 2; do
    helper pb sets/test_data_set_$set/input_0.pb '' x.npy
    helper pb sets/test_data_set_$set/output_0.pb '' "$y"
done
expect 0 pinhole run m.onnx --test-data sets/test_data_set_0 --rtol 0 --atol 0
[ "$(wc -l <out)" = 1 ] || fail "$(cat out)"
has out "ok  "
expect 0 pinhole run m.onnx --test-data sets
[ "$(grep -c '^ok ' out)" = 3 ] || fail "$(cat out)"
[ "$(grep test_data_set out | tr '\n' ' ')" = "test_data_set_0 test_data_set_2 test_data_set_10 " ] ||
    fail "order: $(cat out)"

helper pb sets/test_data_set_2/output_0.pb '' "$y" 0.5
expect 1 pinhole run m.onnx --test-data sets
[ "$(grep -c '^ok ' out)" = 2 ] || fail "$(cat out)"
[ "$(grep -c '^FAIL' out)" = 1 ] || fail "$(cat out)"
has out "1 of 10 differ, first [0,9]"
expect 0 pinhole run m.onnx --test-data sets --atol 0.6
expect 0 pinhole run m.onnx --test-data sets --rtol 1e6

# another shape, another type, too many, too few
helper pb sets/test_data_set_2/output_0.pb '' x.npy
expect 1 pinhole run m.onnx --test-data sets
has out "[1,1,28,28]"
helper npy i.npy int64 1x10
helper pb sets/test_data_set_2/output_0.pb '' i.npy
expect 1 pinhole run m.onnx --test-data sets
has out "int64"
helper pb sets/test_data_set_2/output_1.pb '' i.npy
expect 3 pinhole run m.onnx --test-data sets/test_data_set_2
one_line err
rm sets/test_data_set_2/output_*
expect 3 pinhole run m.onnx --test-data sets/test_data_set_2
one_line err
rm sets/test_data_set_2/input_0.pb
expect 3 pinhole run m.onnx --test-data sets/test_data_set_2
one_line err
printf garbage >sets/test_data_set_0/output_0.pb
expect 3 pinhole run m.onnx --test-data sets/test_data_set_0
one_line err
has err output_0.pb
