# A signal ends a stream between two lines, even while it waits for a list that nobody writes.
root=$(cd "$(dirname "$CASE")/../../.." && pwd)
mkfifo list
exec 3<>list
env --default-signal=INT,TERM "$PINHOLE" classify -m "$root/models/nin-fashion.onnx" -k 1 - <list >out 2>err &
echo "$root/examples/images/boot.png" >&3
for _ in $(seq 200); do
    [ -s out ] && break
    sleep 0.05
done
[ -s out ] || fail "nothing printed while the list is open"
kill -INT $!
status=0
wait $! || status=$?
[ "$status" = 130 ] || fail "status $status"
has err "interrupted: 1 images, 0 broken"
[ "$(wc -l <out)" = 1 ] || fail "not one whole line: $(cat out)"
has out '"label":"Ankle boot"'

# a reader that goes away is an error, not an endless run
yes "$root/examples/images/boot.png" | head -n 20000 >many
"$PINHOLE" classify -m "$root/models/nin-fashion.onnx" -k 1 --list many 2>err | head -n 1 >out
status=${PIPESTATUS[0]}
[ "$status" = 3 ] || fail "status $status after a broken pipe"
has err "cannot write to standard output"
