#!/bin/sh
# Coverage-guided fuzzing with the libFuzzer of Swift's toolchain, with the address sanitizer.
#
#   Tests/Fuzz/fuzz.sh SECONDS [target ...]      each target for so long, from the seeds and what earlier runs have found
#
# Built without SwiftPM, in .build-fuzz, of the sources alone: Core, WAL and Server/Protocol need nothing of anybody. No input may crash, take
# longer than 5 s, or make the process larger than 1 GiB or allocate more than 512 MiB at once. An input that does is kept in .build-fuzz/found.
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:-60}
[ $# -gt 0 ] && shift
targets=${*:-Lines Records Segments Snapshots JSON}
out=$PWD/.build-fuzz
mkdir -p "$out/found"

flags="-O -swift-version 6 -enable-upcoming-feature ExistentialAny -package-name cashup -parse-as-library -wmo -sanitize=fuzzer,address"
flags="$flags -I $out -I Sources/Core/CPrefetch -I Sources/WAL/CZstd -Xlinker --no-as-needed"

# Whether a file is older than one of its sources.
stale() {
    [ ! -e "$1" ] && return 0
    [ -n "$(find $2 -newer "$1" -print | head -n 1)" ]
}

# module NAME sources...
module() {
    name=$1
    shift
    if stale "$out/$name.o" "$*"; then
        echo "compiling $name"
        swiftc $flags -enable-testing -module-name "$name" -emit-module -emit-module-path "$out/$name.swiftmodule" -c -o "$out/$name.o" \
            $(find "$@" -name '*.swift')
    fi
}

# driver NAME "objects and libraries" sources...
driver() {
    name=$1 objects=$2
    shift 2
    if stale "$out/$name" "$* $(echo $objects | tr ' ' '\n' | grep '\.o$' | tr '\n' ' ')"; then
        echo "linking $name"
        swiftc $flags -module-name "Fuzz$name" -o "$out/$name" "$@" $objects
    fi
}

for target in $targets; do
    case $target in
    Lines | Records | Segments | Snapshots)
        module Core Sources/Core
        module WAL Sources/WAL
        ;;
    esac
    case $target in
    Lines)
        module Server Sources/Server/Protocol
        driver Lines "$out/Server.o $out/WAL.o $out/Core.o -lzstd" Tests/Fuzz/FuzzLines.swift
        ;;
    Records) driver Records "$out/WAL.o $out/Core.o -lzstd" Tests/Fuzz/FuzzRecords.swift ;;
    Segments | Snapshots) driver "$target" "$out/WAL.o $out/Core.o -lzstd" "Tests/Fuzz/Fuzz$target.swift" Tests/WALTests/MemoryDisk.swift ;;
    JSON)
        module NIOCore Tests/Fuzz/Stubs/NIOCore.swift
        driver JSON "$out/NIOCore.o" Tests/Fuzz/FuzzJSON.swift Sources/Gateway/JSON/JSON.swift Sources/Gateway/JSON/JSONReader.swift Sources/Gateway/JSON/ByteWriter.swift
        ;;
    *)
        echo "no such target: $target" >&2
        exit 64
        ;;
    esac
done

python3 Tests/Fuzz/seeds.py "$out/seeds"

# Large blocks come and go at each input: without a long quarantine and long stacks it runs twice as fast. To look at what was found, run
# `.build-fuzz/TARGET FILE` without them.
export ASAN_OPTIONS=quarantine_size_mb=16:malloc_context_size=1:max_allocation_size_mb=512
failed=0
for target in $targets; do
    mkdir -p "$out/corpus/$target" "$out/seeds/$target"
    dictionary=
    [ -e "$out/seeds/$target.dict" ] && dictionary="-dict=$out/seeds/$target.dict"
    echo "--- $target, $seconds s"
    "$out/$target" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=1024 -malloc_limit_mb=512 -detect_leaks=0 -max_len=16384 -print_final_stats=1 \
        -verbosity=1 $dictionary -artifact_prefix="$out/found/$target-" "$out/corpus/$target" "$out/seeds/$target" > "$out/$target.log" 2>&1 \
        || { failed=1; echo "FAILED: $out/$target.log"; grep -E 'ERROR|SUMMARY|Fatal|invariant|Test unit written' "$out/$target.log" | head -n 5; }
    grep -E 'stat::(number_of_executed_units|average_exec_per_sec|peak_rss_mb|slowest_unit)' "$out/$target.log" | sed 's/stat:://' | tr -s '\n ' ' ' || true
    echo
done
[ $failed = 0 ] && echo "fuzz: ok"
exit $failed
