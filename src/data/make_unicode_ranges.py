#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes unicode_ranges.inc, the code points that a tokenizer.json calls letters, numbers and word characters, and
unicode_nfc.inc, canonical decompositions, compositions and combining classes for the normalizer NFC.

    pip install "tokenizers==0.23.*"
    python make_unicode_ranges.py            writes the files beside this script

All is asked of the `tokenizers` package itself, code point by code point, because its regular expressions (\\p{L} and
\\p{N}: Unicode 16), its Digits and the \\w of `single_word` (newer ones) and its NFC (an older one) are what a
tokenizer.json means.
"""
import pathlib
import unicodedata

from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

EVERY = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]


def matched(pattern):
    """The code points that a pattern for one character matches."""
    pieces = pre_tokenizers.Split(Regex(pattern), "removed").pre_tokenize_str("".join(map(chr, EVERY)))
    return set(EVERY) - {ord(c) for piece, _ in pieces for c in piece}


def isolated_digits():
    text = "".join("x" + chr(c) for c in EVERY if c != ord("x"))
    pieces = pre_tokenizers.Digits(individual_digits=True).pre_tokenize_str(text)
    return {ord(piece) for piece, _ in pieces if len(piece) == 1 and piece != "x"}


def word_characters():
    """What keeps a token with `single_word` from being found beside it."""
    tokenizer = Tokenizer(models.BPE(vocab={"ab": 0}, merges=[]))
    tokenizer.add_tokens([AddedToken("ab", single_word=True)])
    found = tokenizer.encode_batch([chr(c) + "ab" for c in EVERY])
    return {c for c, encoding in zip(EVERY, found) if not encoding.ids}


def combining_classes():
    """{code point: class} where it is not 0: NFD puts a mark before another one of a greater class."""
    nfd = normalizers.NFD().normalize_str
    swaps = lambda first, second: first != second and nfd(first + second) == second + first
    lowest, highest = "\u0334", "\u0345"  # of the classes 1 and 240
    known = [c for c in map(chr, EVERY) if nfd(c) == c and (swaps(c, lowest) or swaps(highest, c))] + [lowest, highest]
    marks = {unicodedata.combining(c): c for c in known}
    found = {}
    for c in known:
        below = max([k for k in marks if swaps(c, marks[k])], default=0)
        found[ord(c)] = min(k for k in marks if k > below)
    return found


def decompositions():
    """{code point: its canonical decomposition, one step of it}, and those that NFC makes again of two."""
    nfc, nfd = normalizers.NFC().normalize_str, normalizers.NFD().normalize_str
    found, composed = {}, set()
    for c in EVERY:
        if nfd(chr(c)) == chr(c) or 0xAC00 <= c <= 0xD7A3:  # syllables of Hangul are computed
            continue
        parts = [int(part, 16) for part in unicodedata.decomposition(chr(c)).split()]
        assert 1 <= len(parts) <= 2 and nfd("".join(map(chr, parts))) == nfd(chr(c)), hex(c)
        found[c] = parts + [0] * (2 - len(parts))
        if len(parts) == 2 and nfc("".join(map(chr, parts))) == chr(c):
            composed.add(c)
    return found, composed


def ranges(points):
    found = []
    for c in sorted(points):
        if found and found[-1][1] == c - 1:
            found[-1][1] = c
        else:
            found.append([c, c])
    return found


def table(kind, name, rows):
    lines, line = [], "   "
    for row in rows:
        item = " {" + ", ".join(row) + "},"
        if len(line) + len(item) > 120:
            lines.append(line)
            line = "   "
        line += item
    return [f"constexpr {kind} {name}[] = {{", *lines, line, "};"]


def range_table(name, points):
    return table("Range", name, [(f"0x{first:X}", f"0x{last:X}") for first, last in ranges(points)])


def write(name, what, tables):
    lines = ["// SPDX-License-Identifier: Apache-2.0", f"// Made by make_unicode_ranges.py; {what}.",
             "// clang-format off", *tables, "// clang-format on"]
    (pathlib.Path(__file__).parent / name).write_text("\n".join(lines) + "\n")


def main():
    letters, numbers, digits = matched(r"\p{L}"), matched(r"\p{N}"), isolated_digits()
    assert numbers <= digits
    write("unicode_ranges.inc", "first and last code points",
          [*range_table("letters", letters), *range_table("numbers", numbers),
           "// Numbers to Digits alone, whose Unicode is newer.", *range_table("newer_numbers", digits - numbers),
           "// \\w of single_word.", *range_table("words", word_characters())])
    parts, composed = decompositions()
    classes = combining_classes()
    rows = [(f"0x{first:X}", f"0x{last:X}", str(value)) for value in sorted(set(classes.values()))
            for first, last in ranges(c for c in classes if classes[c] == value)]
    write("unicode_nfc.inc", "for the normalizer NFC",
          ["// A code point, the one or two (or 0) that it is made of, and whether NFC makes it again of these.",
           *table("Decomposition", "decompositions", [(f"0x{c:X}", f"0x{a:X}", f"0x{b:X}", str(int(c in composed)))
                                                      for c, (a, b) in sorted(parts.items())]),
           "// First and last code points of a combining class that is not 0.",
           *table("CombiningClass", "combining_classes", sorted(rows, key=lambda row: int(row[0], 16)))])


if __name__ == "__main__":
    main()
