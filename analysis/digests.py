#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The digests of a sweep's trials, a line each: a hash over the final weights and metrics of a trial, which equal runs
share to the last bit, on any machine.

    python analysis/digests.py DIR                                   prints them
    python analysis/digests.py DIR experiments/demo/digests.txt      compares them with those of a file; trials that the
                                                                     file does not have are passed over

Exit code 1 where one differs or none can be compared, 2 where a file can't be read."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sweep_file import SweepFileError, read_sweep


def digests(folder: Path) -> dict[str, str]:
    """Of each finished trial, named by its method, seed and axes."""
    sweep = read_sweep(folder)
    names = [name for name in sweep.trials if "." in name and "/" not in name]
    found = {}
    for _, trial in sweep.trials.iterrows():
        if trial["status"] == "done":
            # NaN and "" where a trial has no such axis.
            axes = [f"{name}={trial[name]}" for name in names if trial[name] == trial[name] and trial[name] != ""]
            found[" ".join([trial["method"], f"seed={trial['seed']}", *axes])] = trial["digest"]
    return found


def read_list(file: Path) -> dict[str, str]:
    """What `print` gave, without comments."""
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return dict(line.rsplit(" ", 1) for line in lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir", type=Path, help="a results folder")
    parser.add_argument("file", type=Path, nargs="?", help="digests to compare with")
    options = parser.parse_args(arguments)
    try:
        found = digests(options.dir)
        wanted = read_list(options.file) if options.file else None
    except (SweepFileError, OSError, ValueError) as error:
        print(f"digests: {error}", file=sys.stderr)
        return 2
    if wanted is None:
        for name, digest in found.items():
            print(name, digest)
        return 0
    compared = [name for name in found if name in wanted]
    different = [name for name in compared if found[name] != wanted[name]]
    for name in different:
        print(f"differs: {name}: {found[name]} instead of {wanted[name]}")
    print(f"{len(compared) - len(different)} of {len(compared)} trials have the digests of {options.file}"
          f" ({len(found) - len(compared)} are not in it)")
    return 1 if different or not compared else 0


if __name__ == "__main__":
    sys.exit(main())
