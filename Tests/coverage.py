#!/usr/bin/env python3
"""Line coverage by target, out of what `make coverage` has run: a table, and on demand the lines that nothing has run.

    python3 Tests/coverage.py PROFDATA BINARY                     # the table
    python3 Tests/coverage.py PROFDATA BINARY --uncovered Core WAL   # and each line of these targets that was not run
"""

import argparse
import json
import re
import shutil
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


def llvm_cov(*arguments):
    """The one of Swift's toolchain: another's may not read its profiles."""
    beside = Path(shutil.which("swift") or "/usr/bin/swift").resolve().parent / "llvm-cov"
    return subprocess.run([str(beside) if beside.exists() else "llvm-cov", *map(str, arguments)], capture_output=True, text=True, check=True).stdout


def target_of(path):
    """`Sources/WAL/Log.swift` is of WAL; nothing else counts."""
    try:
        parts = Path(path).resolve().relative_to(REPOSITORY).parts
    except ValueError:
        return None
    return parts[1] if parts[0] == "Sources" and len(parts) > 2 else None


def table(profile, binary):
    files = json.loads(llvm_cov("export", "-summary-only", f"-instr-profile={profile}", binary))["data"][0]["files"]
    sums = {}
    for file in files:
        target = target_of(file["filename"])
        if target:
            lines = file["summary"]["lines"]
            entry = sums.setdefault(target, [0, 0, 0])
            entry[0] += 1
            entry[1] += lines["count"]
            entry[2] += lines["covered"]
    print(f"{'target':<12}{'files':>6}{'lines':>8}{'covered':>9}{'%':>7}")
    for target, (count, lines, covered) in sorted(sums.items()):
        print(f"{target:<12}{count:>6}{lines:>8}{covered:>9}{100 * covered / max(lines, 1):>7.1f}")
    return {target: [file["filename"] for file in files if target_of(file["filename"]) == target] for target in sums}


def uncovered(profile, binary, files):
    """Runs of lines with a count of 0, with their text."""
    shown = llvm_cov("show", f"-instr-profile={profile}", binary, *files, "-show-expansions=false")
    name, run = None, []

    def flush():
        if run:
            print(f"{name}:{run[0][0]}-{run[-1][0]}" if len(run) > 1 else f"{name}:{run[0][0]}")
            for number, text in run:
                print(f"    {number:>4}  {text.rstrip()}")
            run.clear()

    for line in shown.splitlines():
        if line.endswith(":") and line[:1] == "/":
            flush()
            name = str(Path(line[:-1]).resolve().relative_to(REPOSITORY))
            continue
        found = re.match(r" *(\d+)\| *([0-9.kMGTE]*)\|(.*)", line)
        if not found:
            continue
        number, count, text = int(found.group(1)), found.group(2), found.group(3)
        if count == "0":
            if run and run[-1][0] != number - 1:
                flush()
            run.append((number, text))
        else:
            flush()
    flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("profile")
    parser.add_argument("binary")
    parser.add_argument("--uncovered", nargs="*", default=[], metavar="TARGET")
    options = parser.parse_args()
    files = table(options.profile, options.binary)
    for target in options.uncovered:
        print(f"\n--- {target}: lines that were not run")
        uncovered(options.profile, options.binary, files.get(target, []))


main()
