#!/bin/sh
# How fast lists are built and opened: seeded random PDQ hashes, both indexes, with and without a
# memory budget; the files must be the same. Prints lines of examples/build_speed.rs and
# examples/open_speed.rs.
#
#   benches/record/list_build.sh [DIRECTORY [COUNT...]]
#
# Needs 133 bytes of disk an entry, twice, and as many again for temporary files. Linux only.
set -eu
directory=${1:-$(mktemp -d)}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- 1000000 10000000
target=${CARGO_TARGET_DIR:-target}
cargo build --release --example build_speed --example open_speed
for count in "$@"; do
    for round in 1 2 3; do
        echo "16 GiB:  $("$target/release/examples/build_speed" "$count" "$directory/roomy.osl" 16384)"
        echo "2 GiB:   $("$target/release/examples/build_speed" "$count" "$directory/tight.osl" 2048)"
        cmp "$directory/roomy.osl" "$directory/tight.osl"
        echo "256 MiB: $("$target/release/examples/build_speed" "$count" "$directory/tight.osl" 256)"
        cmp "$directory/roomy.osl" "$directory/tight.osl"
    done
    for round in 1 2 3 4 5; do
        "$target/release/examples/open_speed" "$directory/tight.osl"
    done
    rm "$directory/roomy.osl" "$directory/tight.osl"
done
