#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes unicode_ranges.inc: the code points that the patterns of byte-level BPE call letters and numbers.

    pip install "tokenizers==0.23.*"
    python make_unicode_ranges.py            writes the file beside this script

The classes are asked of the `tokenizers` package itself, code point by code point, because its regular expressions
(\\p{L} and \\p{N}: Unicode 16) and its Digits (a newer Unicode) are what a tokenizer.json means.
"""
import pathlib

from tokenizers import Regex, pre_tokenizers

EVERY = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]


def matched(pattern):
    """The code points that a pattern for one character matches."""
    pieces = pre_tokenizers.Split(Regex(pattern), "removed").pre_tokenize_str("".join(map(chr, EVERY)))
    return set(EVERY) - {ord(c) for piece, _ in pieces for c in piece}


def isolated_digits():
    text = "".join("x" + chr(c) for c in EVERY if c != ord("x"))
    pieces = pre_tokenizers.Digits(individual_digits=True).pre_tokenize_str(text)
    return {ord(piece) for piece, _ in pieces if len(piece) == 1 and piece != "x"}


def ranges(points):
    found = []
    for c in sorted(points):
        if found and found[-1][1] == c - 1:
            found[-1][1] = c
        else:
            found.append([c, c])
    return found


def table(name, points):
    lines, line = [], "   "
    for first, last in ranges(points):
        item = f" {{0x{first:X}, 0x{last:X}}},"
        if len(line) + len(item) > 120:
            lines.append(line)
            line = "   "
        line += item
    return [f"constexpr Range {name}[] = {{", *lines, line, "};"]


def main():
    letters, numbers, digits = matched(r"\p{L}"), matched(r"\p{N}"), isolated_digits()
    assert numbers <= digits
    lines = ["// SPDX-License-Identifier: Apache-2.0", "// Made by make_unicode_ranges.py; first and last code points.",
             "// clang-format off", *table("letters", letters), *table("numbers", numbers),
             "// Numbers to Digits alone, whose Unicode is newer.", *table("newer_numbers", digits - numbers),
             "// clang-format on"]
    (pathlib.Path(__file__).parent / "unicode_ranges.inc").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
