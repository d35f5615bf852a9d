# output that is lost is not success
[ -w /dev/full ] || skip "there is no /dev/full"
status=0
"$PINHOLE" zoo >/dev/full 2>err || status=$?
[ $status = 3 ] || fail "status $status"
one_line err
has err "standard output"
status=0
"$PINHOLE" bench lenet5 --iters 1 --json - >/dev/full 2>err || status=$?
[ $status = 3 ] || fail "status $status"
one_line err
status=0
"$PINHOLE" zoo 2>err >&- || status=$?
[ $status = 3 ] || fail "closed stdout: status $status"
one_line err
expect 3 pinhole bench lenet5 --iters 1 --json /dev/full
one_line err
{ "$PINHOLE" zoo lenet5 2>err || echo $? >status; } | true
# nothing to say about a reader that left before or after the text
[ ! -s status ] || [ "$(cat status)" = 3 ] || fail "broken pipe: $(cat status)"
