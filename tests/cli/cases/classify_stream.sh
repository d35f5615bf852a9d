# Folders and lists: a line an image in order, broken ones among them, counts, exit status 1.
root=$(cd "$(dirname "$CASE")/../../.." && pwd)
mkdir -p photos/more photos/empty
cp "$root"/examples/images/{bag,boot,dress}.png photos
cp "$root/examples/images/trouser.png" photos/more/TROUSER.PNG
echo "no image" >photos/notes.txt
model=$root/models/nin-fashion.onnx
classify() { pinhole classify -m "$model" -k 1 "$@"; }

expect 0 classify photos
printf '%s\n' photos/bag.png photos/boot.png photos/dress.png photos/more/TROUSER.PNG >wanted
sed 's/^{"file":"\([^"]*\)".*/\1/' out | diff wanted -
has out '"label":"Trouser"'
grep -qE '^4 images, 0 broken, [0-9.]+ s, [0-9.]+ images/s$' err || fail "no counts: $(cat err)"

# the same by a list: on stdin, through a file, with zero bytes; names may be empty lines or end in CR
cp out first
expect 0 classify - <wanted
cmp first out
sed 's/$/\r/' wanted >windows
echo >>windows
expect 0 classify --list windows
cmp first out
tr '\n' '\0' <wanted | { expect 0 classify --null -; }
cmp first out
cat wanted | { expect 0 classify --batch 3 -; }
cmp first out
printf 'photos/bag.png' | { expect 0 classify -; }
[ "$(wc -l <out)" = 1 ] || fail "the last name needs no end"

# broken images get a line of their own and stop nothing
head -c 200 photos/bag.png >photos/cut.png
echo '<html>' >photos/page.jpg
expect 1 classify photos
[ "$(wc -l <out)" = 6 ] || fail "$(wc -l <out) lines"
grep -q '^{"file":"photos/cut.png","status":"PH_ERR_FORMAT","error":"photos/cut.png: PNG: ' out ||
    fail "no line for cut.png: $(cat out)"
has err "6 images, 2 broken"
while read -r line; do
    printf '%s\n' "$line" >line.json
    json line.json file '"photos/*"'
done <out
expect 1 classify photos nosuch.png
has out '"status":"PH_ERR_NOT_FOUND"'

# outside of a stream an image's own exit status, and the others are classified all the same
expect 3 classify photos/cut.png photos/boot.png
one_line err
has out "Ankle boot"
printf 'GIF89a' >photos/moving.gif
expect 4 classify photos/moving.gif
has err "GIF image; JPEG and PNG are read"
expect 4 classify --max-pixels 783 photos/boot.png
has err "28 x 28 are more than the limit of 783 pixels"
expect 0 classify --max-pixels 784 photos/boot.png

# usage
usage_error pinhole classify
usage_error classify --batch 0 photos/boot.png
usage_error classify --preset torch photos/boot.png
usage_error classify --interpolation cubic photos/boot.png
usage_error classify --mean 1,2 photos/boot.png
usage_error classify --null photos/boot.png
usage_error classify - -
expect 2 classify --crop 99 photos/boot.png
one_line err
expect 2 classify --preset torchvision photos/boot.png # three means for one channel
one_line err
expect 3 classify photos/empty
has err "no image"
expect 3 classify --list nosuch
printf 'one\ntwo\n' >names
expect 3 classify -l names photos/boot.png
has err "10 classes, but names names 2"
usage_error classify --output nosuch photos/boot.png
