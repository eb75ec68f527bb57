#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make hf_added.json: what the tokenizers library (and, for the files beside a tokenizer.json, transformers) makes of
added tokens, normalizers, unknown characters and byte fallback.

    python3 -m venv peer
    peer/bin/pip install "transformers==5.24.*" "tokenizers==0.23.*"
    peer/bin/python make_hf_added.py            writes hf_added.json beside this file
    peer/bin/python make_hf_added.py --check    recomputes and compares; writes nothing

Made with transformers 5.24.0, tokenizers 0.23.3. A case is a change (a JSON merge patch) of hf/policy/tokenizer.json,
the files beside it, if any, and the ids of each text.
"""
import json
import pathlib
import sys
import tempfile

from tokenizers import Tokenizer

HERE = pathlib.Path(__file__).resolve().parent
BASE = json.loads((HERE / "hf/policy/tokenizer.json").read_text())
TEXTS = [
    "the sea<|end|> is<|begin|>green", "sea<|end|>", "a  sea \t\n blue", " sea", "sea ", "seaside sea", "sea_ sea1 sea\u0301 \u00e9sea sea\u200d",
    "sea.sea,sea", "<x<|end|>", "<x>y<x><x>yz", "one  \u3000two \u00a0 sea\u2003\u2003x", "abab ababab aba", "cafe\u0301 caf\u00e9 \u212b \u1e9b\u0323 \ufb01",
    "\u1112\u1161\u11ab \ud55c \u1100\u1161 q\u0323\u0307 q\u0307\u0323 \u0958 \U0001d15e \u0f71\u0f72 a\u0316\u302a", "\u0344 e\u0301\u0301 \u09c7\u09be \u1dfa\u0327",
    "zoo z zz sea, we were", "\u65e5\u672c x\u00b2 3\u00b2 \u00bd\u0663", "", "  ", "\U0001f600 <unk> \u2581a",
]


def token(content, number=500, flags="n"):
    """Flags: s(ingle word), l(strip), r(strip), n(ormalized), S(pecial)."""
    return {"id": number, "content": content, "single_word": "s" in flags, "lstrip": "l" in flags, "rstrip": "r" in flags,
            "normalized": "n" in flags, "special": "S" in flags}


def added(*tokens):
    return {"added_tokens": BASE["added_tokens"] + list(tokens)}


NFC = {"normalizer": {"type": "NFC"}}
BYTES = {f"<0x{b:02X}>": 400 + b for b in range(256)}
PIECES = {"normalizer": {"type": "Sequence", "normalizers": [
    {"type": "Prepend", "prepend": "\u2581"}, {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]},
    "pre_tokenizer": None, "post_processor": None}
LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
CASES = {
    "special_first": (added(token("sea<|"), token("<x<|"), token("|>green")), {}),
    "plain_with_special": (added(token("sea<|", flags=""), token("<x<|", flags="")), {}),
    "longest": (added(token("<x>", 382), token("<x>y", 383), token("ab", 384), token("abab", 385), token("aba", 386)), {}),
    "single_word": (added(token("sea", flags="sn"), token("z", flags="s")), {}),
    "discarded_hides": (added(token("sea s", flags="sn"), token("a", flags="n")), {}),
    "lstrip": (added(token("sea", flags="ln"), token("<x>", flags="lS")), {}),
    "rstrip": (added(token("sea", flags="rn"), token("one", flags="r")), {}),
    "rstrip_over_space": (added(token("one", flags="r"), token(" ", flags=""), token("sea", flags="lr")), {}),
    "lstrip_and_rstrip": (added(token("sea", flags="lrns"), token("two", flags="lr")), {}),
    "hole_in_ids": (added(token("<x>", 900), token("two", 7)), {}),
    "known_token": (added(token("re", 900), token("we", 901, "s")), {}),
    "id_taken_over": ({"model": {"vocab": {"re": 382, "we": 383}}, **added(token("re"), token("we"), token("<x>"))}, {}),
    "order": (added(token("z", 5, "l"), token("z", 4, "rn")), {}),
    "nfc": (dict(NFC, **added(token("caf\u00e9"), token("\ufb01"))), {}),
    "nfc_tokens": (dict(NFC, **added(token("cafe\u0301"), token("e\u0301", flags="l"), token("\u212b"))), {}),
    "prepend_and_tokens": (dict(added(token("sea"), token("two", flags="")), normalizer={"type": "Prepend", "prepend": "s"}), {}),
    "unk_unused": ({"model": {"unk_token": "he"}}, {}),
    "unk_used": ({"model": {"unk_token": "he", "vocab": {"z": None, "\u0120z": None}, "merges": []}}, {}),
    "unk_fused": ({"model": {"unk_token": "he", "fuse_unk": True, "vocab": {"z": None}, "merges": []}}, {}),
    "byte_fallback": (dict(PIECES, model={"byte_fallback": True, "unk_token": "he", "vocab": BYTES, "merges": [["h", "e"], ["w", "e"], ["r", "e"]]},
                           **added(token("two"), token("<x>", flags="S"))), {}),
    "byte_fallback_with_holes": (dict(PIECES, model={
        "byte_fallback": True, "fuse_unk": True, "unk_token": "he", "merges": [],
        "vocab": {k: n for k, n in BYTES.items() if n % 3}, "ignore_merges": False}), {}),
    "digits_after_bytes": ({"pre_tokenizer": {"type": "Sequence", "pretokenizers": [
        LEVEL, {"type": "Digits", "individual_digits": True}]}}, {}),
    "prefix_after_tokens": (dict(added(token("sea", flags="")), pre_tokenizer=dict(LEVEL, add_prefix_space=True)), {}),
    "configured": (added(token("sea", 382)), {"tokenizer_config.json": {
        "tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|end|>", "pad_token": "<x>", "image_token": "two", "bos_token": "blue",
        "additional_special_tokens": ["aba"],
        "added_tokens_decoder": {"382": {k: v for k, v in token("sea", flags="lr").items() if k != "id"}}}}),
    "configured_of_old": ({}, {
        "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "z"},
        "special_tokens_map.json": {"eos_token": {"content": "sea", "lstrip": True, "rstrip": False, "normalized": False, "single_word": False},
                                    "additional_special_tokens": ["two"]},
        "added_tokens.json": {"<x>": 12, "sea": 11}}),
    "class_gpt2": (dict(added(token("<x>")), pre_tokenizer=LEVEL, model={"ignore_merges": False}),
                   {"tokenizer_config.json": {"tokenizer_class": "GPT2TokenizerFast", "bos_token": "<x>", "unk_token": "two"}}),
    "class_llama": (added(token("sea")), {"tokenizer_config.json": {"tokenizer_class": "LlamaTokenizer", "eos_token": "<|end|>"}}),
    "special_split": (added(token("<x>", flags="S")), {"tokenizer_config.json": {
        "tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|end|>", "split_special_tokens": True}}),
}


def merged(base, patch):
    """JSON merge patch, RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    result = dict(base) if isinstance(base, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def without_lost_merges(case):
    """Merges that need a token which the case has taken away go with it."""
    vocab = case["model"]["vocab"]
    case["model"]["merges"] = [m for m in case["model"]["merges"] if {*m, "".join(m)} <= vocab.keys()]
    return case


def encode(patch, files):
    text = json.dumps(merged(BASE, patch))
    if not files:
        tokenizer = Tokenizer.from_str(text)
        return [tokenizer.encode(t).ids for t in TEXTS], ""
    from transformers import AutoTokenizer
    with tempfile.TemporaryDirectory() as folder:
        for name, content in {"tokenizer.json": text, "config.json": '{"model_type": "llama"}',
                              **{name: json.dumps(value) for name, value in files.items()}}.items():
            (pathlib.Path(folder) / name).write_text(content)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        return [tokenizer(t)["input_ids"] for t in TEXTS], tokenizer.eos_token


def main():
    cases = []
    for name, (patch, files) in CASES.items():
        if "vocab" in patch.get("model", {}) and "merges" not in patch["model"]:
            patch["model"]["merges"] = without_lost_merges(merged(BASE, patch))["model"]["merges"]
        ids, end = encode(patch, files)
        cases.append({"name": name, "patch": patch, "files": files, "end": end, "ids": ids})
    text = json.dumps({"texts": TEXTS, "cases": cases}, indent=None, separators=(",", ":")).replace('{"name"', '\n{"name"') + "\n"
    file = HERE / "hf_added.json"
    if "--check" in sys.argv[1:]:
        same = file.read_text() == text
        print("the same" if same else "another")
        sys.exit(0 if same else 1)
    file.write_text(text)
    print(f"{file}: {len(text)} bytes, {len(cases)} cases")


if __name__ == "__main__":
    main()
