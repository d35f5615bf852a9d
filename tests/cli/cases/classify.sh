# The images in the box by the shipped network; text, JSON, and what a model says about its images.
root=$(cd "$(dirname "$CASE")/../../.." && pwd)
cp -r "$root/examples/images" images
model=$root/models/nin-fashion.onnx

expect 0 pinhole classify -k 1 images/bag.png images/boot.png
printf 'images/bag.png\n   99.97 %%  Bag\n\nimages/boot.png\n   99.90 %%  Ankle boot\n' | diff - out
has err "no --model: the shipped one"
expect 0 pinhole classify -q -m "$model" --json -k 2 images/sandal.png
json out schema 1
json out model '"nin-fashion.onnx"'
json out scores '"softmax of the output"'
json out preparation.crop '"28x28"'
json out "images[0].file" '"images/sandal.png"'
json out "images[0].width" 28
json out "images[0].top[0].class" 5
json out "images[0].top[0].label" '"Sandal"'
json out "images[0].top[1].label" '"Bag"'
[ ! -s err ] || fail "-q talks: $(cat err)"

# scores as they are: a softmax of them gives what was printed
expect 0 pinhole classify -m "$model" --softmax never -k 1 images/boot.png
grep -qE '^ +[0-9]+\.[0-9]+  Ankle boot$' out || fail "not a score: $(cat out)"

# inverted, it is something else
cp images/boot.png boot.png
expect 0 pinhole classify -m "$model" -k 1 --invert boot.png
lacks out "Ankle boot"

# settings: by option, in metadata, and back
printf 'a\nb\nc\nd\ne\nf\ng\nh\ni\nthe last\n' >names
expect 0 pinhole export "$model" -p raw --scale 1/255 --resize none -l names -o mine.onnx
expect 0 pinhole classify -m mine.onnx -k 1 --json boot.png
json out preparation.resize '"none"'
json out preparation.scale '"1/255"'
json out "images[0].top[0].label" '"the last"'
expect 0 pinhole classify -m mine.onnx -k 1 boot.png
has out "99.90 %  the last"
expect 0 pinhole classify -m mine.onnx -p unit -k 1 --json boot.png
json out preparation.resize '"28"'

# a batch gives what one at a time gives
expect 0 pinhole classify -m "$model" -k 1 images/*.png
cp out one
expect 0 pinhole classify -m "$model" -k 1 --batch 4 --threads 1 images/*.png
diff one out
expect 0 pinhole classify -m "$model" -k 1 --shape 4x1x28x28 images/*.png
diff one out
expect 0 pinhole classify -m "$model" -k 1 --shape 1x28x28 --batch 3 images/*.png
diff one out
