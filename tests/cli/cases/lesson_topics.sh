# names of topics, colour
expect 0 pinhole lesson list
[ "$(wc -l <out)" = 8 ] || fail "not 8 topics"
usage_error pinhole lesson inceptoin
has err "did you mean 'inception'?"
usage_error pinhole lesson weight
has err "did you mean 'one-weight' or 'weights'?"
usage_error pinhole lesson ResNet50
has err "did you mean 'resnet'?"
usage_error pinhole lesson ''
usage_error pinhole lesson nothing-like-it
has err "pinhole lesson list"
usage_error pinhole lesson inception resnet
usage_error pinhole lesson --nonsense
expect 0 pinhole lesson --help
has out "[TOPIC]"
expect 0 pinhole lesson --color always one-weight
has out $'\033['
expect 0 pinhole lesson --color never one-weight
lacks out $'\033'
# without UTF-8 the bars are ASCII
export LC_ALL=C
expect 0 pinhole lesson resnet
has out "############################## "
if script -qec true /dev/null >/dev/null 2>&1; then # on a terminal, where there are any
    unset LC_ALL
    export TERM=xterm
    script -qec "'$PINHOLE' lesson one-weight" /dev/null >out
    has out $'\033['
    script -qec "stty cols 80; '$PINHOLE' lesson" /dev/null >out # with colour no wider than without
    sed -i 's/\x1b\[[0-9;]*m//g; s/\r//g' out
    lacks out $'\033'
    [ "$(wc -L <out)" -lt 80 ] || fail "wider than 80 columns on a terminal"
    pinhole lesson | cmp - out
    NO_COLOR=1 script -qec "'$PINHOLE' lesson one-weight" /dev/null >out
    lacks out $'\033'
    NO_COLOR='' script -qec "'$PINHOLE' lesson one-weight" /dev/null >out # empty is as good as unset
    has out $'\033['
    TERM=dumb script -qec "'$PINHOLE' lesson one-weight" /dev/null >out
    lacks out $'\033'
fi
