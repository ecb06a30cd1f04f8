#!/usr/bin/env python3
"""Shows that the simulator finds bugs: each patch in mutants/ is one, put in on purpose.

All patches go into one copy of the tree, each asleep until its name is in CASHUP_MUTANT, so there is one build for all of them. Then `simulate` runs
with one awake at a time until it fails or its time is over, and with none, which must not fail.

    mutants.py [--seconds S] [--binary SIMULATE] [--directory COPY] [--prepare] [NAME...]
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
AWAKE = """import Glibc

private let awake = getenv("CASHUP_MUTANT").map { String(cString: $0) } ?? ""

/// Only in the copy that mutants.py makes.
package func isMutant(_ name: String) -> Bool { name == awake }
"""


def patches():
    return {path.stem: path for path in sorted((HERE / "mutants").glob("*.patch"))}


def prepare(copy):
    """The tree with all patches."""
    copy.mkdir(parents=True, exist_ok=True)
    for name in ("Package.swift", "Package.resolved", "Sources", "Tests"):
        source, target = ROOT / name, copy / name
        if target.is_dir():
            shutil.rmtree(target)
        if source.is_dir():
            shutil.copytree(source, target)
        elif source.exists():
            shutil.copy2(source, target)
    (copy / "Sources/Core/Mutant.swift").write_text(AWAKE)
    for path in patches().values():
        subprocess.run(["patch", "-p1", "-s", "--no-backup-if-mismatch", "-i", str(path)], cwd=copy, check=True)
    for file in copy.glob("Sources/**/*.swift"):
        text = file.read_text()
        if "isMutant(" in text and "import Core\n" not in text and "Sources/Core" not in str(file):
            file.write_text("import Core\n" + text)


def run(binary, mutant, seconds):
    """What `simulate` finds with one mutant awake, or with none."""
    began = time.monotonic()
    result = subprocess.run(
        [binary, "--seconds", str(seconds), "--from-seed", "1"],
        env={**os.environ, "CASHUP_MUTANT": mutant or ""}, capture_output=True, text=True, errors="replace")
    took = time.monotonic() - began
    found = re.search(r"seed (\d+) FAILED after (\d+) steps: (.*)", result.stdout)
    broken = re.search(r"broken invariant at (.*)", result.stdout)
    steps = re.search(r"(\d+) runs in .*?: (\d+) steps", result.stdout)
    if not found:
        return None, took, steps and steps.group(1), steps and steps.group(2)
    by = f"invariant at {broken.group(1)}" if broken else found.group(3)
    return by, took, found.group(1), steps.group(2) if steps else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--binary")
    parser.add_argument("--directory", type=pathlib.Path, default=ROOT / ".build/mutants")
    parser.add_argument("--prepare", action="store_true", help="only make the copy")
    options = parser.parse_args()
    if not options.binary:
        prepare(options.directory)
        if options.prepare:
            return 0
        subprocess.run(["swift", "build", "-c", "release", "--product", "simulate"], cwd=options.directory, check=True)
        options.binary = str(options.directory / ".build/release/simulate")
    names = options.names or [None, *patches()]
    missed = 0
    print(f"{'mutant':28} {'found':>8} {'seeds':>6} {'steps':>9}  by")
    for name in names:
        by, took, seeds, steps = run(options.binary, name, options.seconds)
        if name is None:
            print(f"{'(none)':28} {'-':>8} {seeds or '-':>6} {steps or '-':>9}  {by or 'nothing is wrong'}", flush=True)
            missed += by is not None
            continue
        found = f"{took:.1f} s" if by else "NO"
        print(f"{name:28} {found:>8} {seeds or '-':>6} {steps or '-':>9}  {(by or 'nothing')[:160]}", flush=True)
        missed += by is None
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
