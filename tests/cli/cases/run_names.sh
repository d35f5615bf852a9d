# names of outputs that are no names of files: inside the folder, all of them, none over another
# graph: x -> Identity -> each name; ModelProto by hand as in unsupported.sh
names=("../up" ".hidden" "a/b" "a_b" "A_B")
bytes() { printf "\\x$(printf %x "$1")"; }
text() { bytes $((8 * $1 + 2)); bytes ${#2}; printf %s "$2"; }
type=$(printf '%s' '\x12\x0e\x0a\x0c\x08\x01\x12\x08\x0a\x02\x08\x01\x0a\x02\x08\x02')
: >graph
for name in "${names[@]}"; do
    { text 1 x; text 2 "$name"; text 4 Identity; } >part
    { printf '\x0a'; bytes "$(wc -c <part)"; cat part; } >>graph
done
text 2 g >>graph
{ text 1 x; printf "$type"; } >part
{ printf '\x5a'; bytes "$(wc -c <part)"; cat part; } >>graph
for name in "${names[@]}"; do
    { text 1 "$name"; printf "$type"; } >part
    { printf '\x62'; bytes "$(wc -c <part)"; cat part; } >>graph
done
n=$(wc -c <graph)
{
    printf '\x08\x08\x3a'
    bytes $((n % 128 + 128))
    bytes $((n / 128))
    cat graph
    printf '\x42\x02\x10\x11'
} >m.onnx
helper npy x.npy float32 1x2
mkdir deep
expect 0 pinhole run m.onnx --input x.npy --output-dir deep/out
ls -A deep/out | LC_ALL=C sort >files
[ "$(wc -l <files)" = 5 ] || fail "files: $(tr '\n' ' ' <files)"
! grep -q '^\.' files || fail "a hidden file: $(cat files)"
[ "$(ls -A deep)" = out ] || fail "something outside: $(ls -A deep)"
for f in deep/out/*; do
    cmp "$f" x.npy
done
