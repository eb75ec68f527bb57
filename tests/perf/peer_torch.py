#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Training steps and generation of transformers' Llama in FP32: one JSON object on standard output. Sequences of random
tokens; the median of the steps after two that warm up.

    peer_torch.py THREADS WIDTH DEPTH HEADS HIDDEN VOCABULARY LENGTH BATCH [compile]"""

from __future__ import annotations

import json
import statistics
import sys
import time

import torch
from transformers import LlamaConfig, LlamaForCausalLM

PROMPT, NEW_TOKENS = 16, 32


def best_sgemm() -> float:
    """GF/s of the library that PyTorch multiplies with, the best of three sizes."""
    best = 0.0
    for n in (512, 1024, 2048):
        a, b, c = torch.randn(n, n), torch.randn(n, n), torch.empty(n, n)
        seconds = []
        for _ in range(8):
            begin = time.perf_counter()
            torch.mm(a, b, out=c)
            seconds.append(time.perf_counter() - begin)
        best = max(best, 2.0 * n**3 / statistics.median(seconds) / 1e9)
    return best


def main() -> None:
    threads, width, depth, heads, hidden, vocabulary, length, batch = map(int, sys.argv[1:9])
    compiled = sys.argv[9:] == ["compile"]
    torch.manual_seed(0)
    torch.set_num_threads(threads)
    model = LlamaForCausalLM(LlamaConfig(
        vocab_size=vocabulary, hidden_size=width, intermediate_size=hidden, num_hidden_layers=depth,
        num_attention_heads=heads, num_key_value_heads=heads, max_position_embeddings=length, tie_word_embeddings=True))
    forward = torch.compile(model) if compiled else model
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, foreach=True)
    tokens = torch.randint(0, vocabulary, (batch, length))
    seconds = []
    begin_all = time.perf_counter()
    for _ in range(10):
        begin = time.perf_counter()
        logits = forward(input_ids=tokens, use_cache=False).logits
        loss = torch.nn.functional.cross_entropy(logits[:, :-1].reshape(-1, vocabulary), tokens[:, 1:].reshape(-1))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        seconds.append(time.perf_counter() - begin)
        if len(seconds) >= 5 and time.perf_counter() - begin_all > 30.0:
            break
    result = {"training": batch * length / statistics.median(seconds[2:]), "torch": torch.__version__,
              "parameters": sum(p.numel() for p in model.parameters())}
    if not compiled:
        model.eval()
        model.generation_config.pad_token_id = 0
        model.generation_config.eos_token_id = None
        sizes = (batch, 256) if width <= 128 else (batch,)
        with torch.no_grad():
            for rows in sizes:
                prompts = torch.randint(3, vocabulary, (rows, PROMPT))
                model.generate(prompts, max_new_tokens=4, do_sample=True)
                seconds = []
                for _ in range(3):
                    begin = time.perf_counter()
                    model.generate(prompts, max_new_tokens=NEW_TOKENS, min_new_tokens=NEW_TOKENS, do_sample=True)
                    seconds.append(time.perf_counter() - begin)
                result[f"generation_{rows}"] = rows * NEW_TOKENS / statistics.median(seconds)
        result["sgemm"] = best_sgemm()
    print(json.dumps(result))


main()
