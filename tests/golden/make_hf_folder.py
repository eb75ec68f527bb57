#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make the folder hf: tiny Llamas as transformers saves them, rows to score, and what transformers says of them.

    python3 -m venv peer
    peer/bin/pip install "torch==2.15.*" "transformers==5.23.*" "tokenizers==0.23.*" h5py
    peer/bin/python make_hf_folder.py            writes the folder hf beside this file
    peer/bin/python make_hf_folder.py --check    recomputes and compares expected.json, to 1e-12; writes nothing

Made with torch 2.15.0 (CPU), transformers 5.23.0, tokenizers 0.23.3. README.md lists what the folder holds.

* Sequences are made of texts as TRL's trainers make them: the prompt, and the prompt with its completion and the end
  token, are tokenised, and the prompt ends where the two part. Each runs alone, without padding.
* Everything is computed in float64 throughout (make_llama.py's full_precision), from the float32, bfloat16 and float16
  weights that are stored.
"""
import argparse
import json
import pathlib
import shutil
import sys

import torch
from make_llama import full_precision
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import LlamaConfig, LlamaForCausalLM, LlamaForSequenceClassification, PreTrainedTokenizerFast

HERE = pathlib.Path(__file__).resolve().parent
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"
          r"\s+(?!\S)|\s+")
BEGIN, END = "<|begin|>", "<|end|>"
CORPUS = ["The sea is green and the sky is blue.", "What is the colour of the sea? It's green, isn't it?",
          "In 1999 there were 12345 ships; in 2024, 678.", "Über den Wolken, über dem Meer: grün, blau, weiß.",
          "We'll see, they've said; I'm sure you'd agree.\n\nYes.\n", "  two  spaces   and\ttabs\r\n", "日本語のテキスト",
          "naïve café, déjà vu", "😀 smile 😀😀", "x = f(a, b) + 10**3 // 7"]
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
TEXTS = CORPUS + [
    "IT'S LL'ing 'ſ 'S 'Re 'VE", "  leading", "trailing  ", " \n \n x", "a\u00a0b\u2003c\u3000d", "١٢٣٤ ५६७ ½ Ⅷ 3²",
    f"before{END} after {BEGIN}{BEGIN}x", "<|end", "e\u0301 \u0301x", "𝒳𝒴 𐍈 🏳️‍🌈👩‍👩‍👧", "\x00\x01\x7f", "'", "''s", "", " ", "\n", "\r\n\r\n  a",
    "12 1234 12a34b567", "a" * 40, "-" * 17 + "\n\n", "don't DON'T don’t", "ﬁ ǆ ß ẞ", "\u1680a\u2028b\u2029c\u0085d"]
PAIRS = [("The sea is", " green.", " blue, isn't it?"), ("What is the colour of the sky?", " It's blue.", " 12345"),
         ("In 2024 there were ", "678 ships.", "many"), ("Über", " den Wolken", "all: grün"),
         ("Say 😀", "😀", " no\n"), ("We'", "ll see.", "ve said." + END), (f"x{END}y", " z", " (a, b)")]
COMMON = dict(vocab_size=384, bos_token_id=None, eos_token_id=None, pad_token_id=None, attn_implementation="eager")
POLICY = dict(COMMON, hidden_size=24, intermediate_size=32, num_hidden_layers=2, num_attention_heads=6,
              num_key_value_heads=2, max_position_embeddings=96, tie_word_embeddings=False, rms_norm_eps=1e-5,
              rope_parameters={"rope_type": "default", "rope_theta": 5000.0})
REFERENCE = dict(COMMON, hidden_size=16, intermediate_size=24, num_hidden_layers=1, num_attention_heads=2,
                 num_key_value_heads=2, max_position_embeddings=80, tie_word_embeddings=True, rms_norm_eps=1e-6,
                 rope_parameters={"rope_type": "default", "rope_theta": 10000.0})
REWARD = dict(REFERENCE, num_labels=1)


def make_tokenizer():
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(LLAMA3), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(CORPUS, trainers.BpeTrainer(
        vocab_size=380, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    tokenizer.add_special_tokens([AddedToken(BEGIN, special=True), AddedToken(END, special=True)])
    begin = tokenizer.token_to_id(BEGIN)
    tokenizer.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(single=f"{BEGIN} $A", pair=f"{BEGIN} $A {BEGIN}:1 $B:1", special_tokens=[(BEGIN, begin)])])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=BEGIN, eos_token=END)


def splits():
    """The pieces of every text, by each step of pre-tokenisation that the program knows."""
    steps = {"gpt2": pre_tokenizers.Split(Regex(GPT2), "isolated"),
             "llama3": pre_tokenizers.Split(Regex(LLAMA3), "isolated"),
             "qwen2": pre_tokenizers.Split(Regex(LLAMA3.replace("{1,3}", "")), "isolated"),
             "digit": pre_tokenizers.Digits(individual_digits=True),
             "digits": pre_tokenizers.Digits(individual_digits=False)}
    return {name: [[piece for piece, _ in step.pre_tokenize_str(text)] for text in TEXTS] for name, step in steps.items()}


def make_model(kind, settings, dtype, seed):
    """Random weights whose values `dtype` holds exactly, in float64."""
    model = kind(LlamaConfig(**settings)).double().eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            values = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            parameter.copy_((1 + 0.1 * values if parameter.ndim == 1 else 0.25 * values).to(dtype))
    return model


def sequences(tokenizer, prompt, answers):
    """Prompt ids and the ids of each answer, as TRL's trainers cut them."""
    alone = tokenizer(prompt)["input_ids"]
    wholes = [tokenizer(prompt + (a if a.endswith(END) else a + END))["input_ids"] for a in answers]
    shared = min(next((i for i, (x, y) in enumerate(zip(alone, whole)) if x != y), min(len(alone), len(whole)))
                 for whole in wholes)
    return wholes[0][:shared], [whole[shared:] for whole in wholes]


def logps(model, prompt, completion):
    ids = torch.tensor([prompt + completion])
    logprobs = model(input_ids=ids, use_cache=False).logits[0].log_softmax(-1)
    return sum(logprobs[len(prompt) - 1 + i, token].item() for i, token in enumerate(completion))


def score(model, prompt, completion):
    return model(input_ids=torch.tensor([prompt + completion]), use_cache=False).logits[0, 0].item()


@torch.no_grad()
def compute(tokenizer, policy, reference, reward):
    expected = {"encodings": [[text, tokenizer(text)["input_ids"]] for text in TEXTS], "splits": splits()}
    rows = [(prompt, *sequences(tokenizer, prompt, answers)) for prompt, *answers in PAIRS]
    expected["ids"] = [{"prompt_ids": prompt, "chosen_ids": chosen, "rejected_ids": rejected}
                       for _, prompt, (chosen, rejected) in rows]
    for name, model in (("logps", policy), ("ref_logps", reference)):
        for which, answer in enumerate(("chosen", "rejected")):
            expected[f"{name}/{answer}"] = [logps(model, prompt, answers[which]) for _, prompt, answers in rows]
    # KTO: one answer a row, and the next row's answer as the mismatched one.
    thumbs = [sequences(tokenizer, prompt, [answers[i % 2]]) for i, (prompt, *answers) in enumerate(PAIRS)]
    singles = [(prompt, answers[0]) for prompt, answers in thumbs]
    mismatched = [singles[(i + 1) % len(singles)][1] for i in range(len(singles))]
    expected["thumbs"] = [{"prompt_ids": p, "completion_ids": c, "KL_completion_ids": m, "label": i % 2 == 0}
                          for i, ((p, c), m) in enumerate(zip(singles, mismatched))]
    for name, model in (("logps", policy), ("ref_logps", reference)):
        expected[f"{name}/completion"] = [logps(model, p, c) for p, c in singles]
        expected[f"{name}/mismatched"] = [logps(model, p, m) for (p, _), m in zip(singles, mismatched)]
    for which, answer in enumerate(("chosen", "rejected")):
        expected[f"rewards/{answer}"] = [score(reward, prompt, answers[which]) for _, prompt, answers in rows]
    return expected


def worst(a, b):
    """Largest difference of two trees of numbers; infinite where they differ otherwise."""
    if isinstance(a, dict):
        return max((worst(a[k], b[k]) for k in a), default=0.0) if a.keys() == b.keys() else float("inf")
    if isinstance(a, list):
        return max((worst(x, y) for x, y in zip(a, b)), default=0.0) if len(a) == len(b) else float("inf")
    return abs(a - b) if isinstance(a, float) else 0.0 if a == b else float("inf")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    torch.set_num_threads(1)
    tokenizer = make_tokenizer()
    models_of = {"policy": (make_model(LlamaForCausalLM, POLICY, torch.float32, 1), torch.float32),
                 "reference": (make_model(LlamaForCausalLM, REFERENCE, torch.bfloat16, 2), torch.bfloat16),
                 "reward": (make_model(LlamaForSequenceClassification, REWARD, torch.float16, 3), torch.float16)}
    with full_precision():
        expected = compute(tokenizer, *(model for model, _ in models_of.values()))
    folder = HERE / "hf"
    if check:
        difference = worst(json.loads((folder / "expected.json").read_text()), expected)
        print(f"largest difference: {difference:.3g}")
        sys.exit(0 if difference <= 1e-12 else 1)
    shutil.rmtree(folder, ignore_errors=True)
    for name, (model, dtype) in models_of.items():
        model.to(dtype).save_pretrained(folder / name)
        (folder / name / "generation_config.json").unlink(missing_ok=True)
    for name in ("policy", "reward"):
        tokenizer.save_pretrained(folder / name)
    (folder / "expected.json").write_text(json.dumps(expected, ensure_ascii=True, indent=0) + "\n")
    rows = {"pairs.jsonl": [dict(prompt=p, chosen=c, rejected=r) for p, c, r in PAIRS],
            "thumbs.jsonl": [dict(prompt=p, completion=answers[i % 2], label=i % 2 == 0)
                             for i, (p, *answers) in enumerate(PAIRS)]}
    for name, lines in rows.items():
        (folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    print(f"{folder}: {size} bytes")


if __name__ == "__main__":
    main()
