# --help goes to stdout with status 0 and names every command
for option in --help -h help; do
    expect 0 pinhole $option
    [ ! -s err ] || fail "something on stderr"
    for command in analyze bench check eval export help info run train zoo; do
        has out "  $command "
    done
    has out "analyse"
    has out "Exit status"
done
