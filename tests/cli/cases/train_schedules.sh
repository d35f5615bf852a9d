# every schedule and optimiser moves the rate as it says
tiny_data 96 32
rates() { # OPTIONS...: the column learning_rate
    expect 0 pinhole train lenet5 --data $DATA --epochs 4 --batch 32 --seed 1 --no-eval \
        --metrics m.csv -o x.onnx "$@"
    tail -n +2 m.csv | cut -d, -f6 | tr '\n' ' '
}
[ "$(rates --lr 0.01)" = "0.01 0.01 0.01 0.01 " ] || fail constant
[ "$(rates --lr 0.01 --schedule step --step-epochs 2 --step-factor 0.5)" = \
    "0.01 0.01 0.005 0.005 " ] || fail step
falling='{ for (i = 2; i <= NF; i++) if ($i >= $(i-1)) exit 1 }'
rates --lr 0.01 --schedule cosine | awk "$falling" || fail cosine
rates --lr 0.01 --schedule one-cycle --warmup 0.01 --nesterov --weight-decay 1e-4 |
    awk "$falling" || fail one-cycle
(rates --optimizer adam --momentum 0.9 >/dev/null 2>&1) && fail "momentum of adam"
[ "$(rates --optimizer adam)" = "0.001 0.001 0.001 0.001 " ] || fail adam
[ "$(tail -1 m.csv | cut -d, -f4,5)" = , ] || fail "--no-eval tested"
expect 0 pinhole train lenet5 --data $DATA --epochs 4 --batch 32 --seed 1 --eval-every 3 --metrics m.csv -o x.onnx
[ "$(tail -n +2 m.csv | awk -F, '{ printf "%d", $4 != "" }')" = 0011 ] || fail "--eval-every"
