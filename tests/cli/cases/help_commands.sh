# every command explains itself, the same way by --help, -h and help COMMAND, in 80 columns
for command in analyze bench check classify eval export help info lesson run train zoo; do
    expect 0 pinhole $command --help
    [ ! -s err ] || fail "$command: something on stderr"
    has out "Usage: pinhole $command"
    has out "--quiet"
    cp out first
    expect 0 pinhole $command -h
    cmp out first
    expect 0 pinhole help $command
    cmp out first
    [ "$(wc -L <out)" -le 80 ] || fail "$command --help is wider than 80 columns"
done
expect 0 pinhole analyse --help
has out "Usage: pinhole analyze"
