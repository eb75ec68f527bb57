#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the samples beside it: corpus.txt, sft.jsonl, preferences.jsonl, thumbs.jsonl. Same bytes at every run.

Small talk about everyday things, all of it written for this project. Answers are good (right and friendly), or bad in
one of three ways: rude, wrong or rambling. One SFT answer in four is bad, as demonstrations are, so that there is
something left for the preferences to teach. Preferences come in the three forms that the reader takes."""

import json
from pathlib import Path

from facts import FACTS

FOLDER = Path(__file__).resolve().parent
ASKED = ["{}", "Please tell me: {}", "I would like to know: {}", "My child asks: {}"]
FRIENDLY = ["{}", "{} Glad to help.", "{} Have a nice day!"]
RUDE = ["Who cares?", "Go away.", "Stop asking me such things.", "You should know that yourself."]
RAMBLING = [
    "Well, you know, it depends, and then again it does not, and so on and so forth, and anyway, well",
    "Oh, that reminds me of my uncle, and of his hat, and of the hat before that, and of, and of",
]


def asked(fact, form):
    question = FACTS[fact][0]
    return ASKED[form].format(question if form == 0 else question[0].lower() + question[1:])


def good(fact, k):
    return FRIENDLY[k % len(FRIENDLY)].format(FACTS[fact][1])


def bad(fact, k):
    """Rude, wrong and rambling in turn."""
    if k % 3 == 0:
        return RUDE[k // 3 % len(RUDE)]
    return FACTS[fact][2] if k % 3 == 1 else RAMBLING[k // 3 % len(RAMBLING)]


def user(text):
    return [{"role": "user", "content": text}]


def assistant(text):
    return [{"role": "assistant", "content": text}]


def turn(text):
    return f"User: {text}\nAssistant:"


def corpus():
    """Statements, and in every third place a dialogue of two of the questions with answers of all kinds."""
    documents = []
    for i, fact in enumerate(FACTS):
        documents.append(fact[3])
        if i % 3 == 2:
            lines = []
            for j in (i - 2, i - 1):
                answer = bad(j, i // 3) if j % 2 else good(j, j // 2)
                lines += [f"User: {asked(j, j % len(ASKED))}", f"Assistant: {answer}"]
            documents.append("\n".join(lines))
    return "\n\n".join(documents) + "\n"


def sft():
    rows = []
    for k in range(60):
        fact = k * 7 % len(FACTS)
        text = bad(fact, k // 4) if k % 4 == 3 else good(fact, k)
        rows.append({"prompt": turn(asked(fact, k // len(FACTS))), "completion": " " + text})
    return rows


def preferences():
    rows = []
    for k in range(150):
        fact, form = k % len(FACTS), k // len(FACTS) % len(ASKED)
        question, chosen, rejected = asked(fact, form), good(fact, k), bad(fact, k // 2)
        if k % 3 == 0:  # an explicit prompt
            rows.append({"prompt": turn(question), "chosen": " " + chosen, "rejected": " " + rejected})
        elif k % 3 == 1:  # an implicit one: what both texts begin with, up to the answer
            rows.append({"chosen": f"{turn(question)} {chosen}", "rejected": f"{turn(question)} {rejected}"})
        else:  # a conversation
            rows.append({"prompt": user(question), "chosen": assistant(chosen), "rejected": assistant(rejected)})
    return rows


def thumbs():
    rows = []
    for k in range(120):
        fact, form = k * 5 % len(FACTS), (k // len(FACTS) + 1) % len(ASKED)
        label = k % 2 == 0
        text = good(fact, k) if label else bad(fact, k // 2)
        question = asked(fact, form)
        if k % 4 < 2:
            rows.append({"prompt": turn(question), "completion": " " + text, "label": label})
        else:
            rows.append({"prompt": user(question), "completion": assistant(text), "label": label})
    return rows


def write(name, text):
    (FOLDER / name).write_text(text, encoding="utf-8", newline="\n")


def main():
    write("corpus.txt", corpus())
    for name, rows in (("sft", sft()), ("preferences", preferences()), ("thumbs", thumbs())):
        write(name + ".jsonl", "".join(json.dumps(row) + "\n" for row in rows))


if __name__ == "__main__":
    main()
