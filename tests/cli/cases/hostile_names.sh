# a message stays one line and clean whatever the name
expect 3 pinhole check "$(printf 'a\nb\033[31m.onnx')"
one_line err
! grep -q "$(printf '\033')" err || fail "an escape sequence went through"
