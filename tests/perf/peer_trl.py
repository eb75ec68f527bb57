#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Examples a second of TRL's DPOTrainer or KTOTrainer in FP32, its reference model included: one JSON object on the last
line of standard output.

    peer_trl.py dpo|kto THREADS WIDTH DEPTH HEADS HIDDEN TEXT ROWS

TEXT: what a byte-level BPE of 1,024 tokens is learned from. ROWS: JSON lines as TRL reads them."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false")

import torch
import trl
from datasets import Dataset
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

VOCABULARY, BATCH = 1024, 16


def learn_tokenizer(text: str) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(text.split("\n\n"), trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=["<pad>", "<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<s>", eos_token="</s>")


def main() -> None:
    method, text, file = sys.argv[1], sys.argv[7], sys.argv[8]
    threads, width, depth, heads, hidden = map(int, sys.argv[2:7])
    torch.manual_seed(0)
    torch.set_num_threads(threads)

    def make() -> LlamaForCausalLM:
        return LlamaForCausalLM(LlamaConfig(
            vocab_size=VOCABULARY, hidden_size=width, intermediate_size=hidden, num_hidden_layers=depth,
            num_attention_heads=heads, num_key_value_heads=heads, max_position_embeddings=256, tie_word_embeddings=True))

    rows = [json.loads(line) for line in Path(file).read_text(encoding="utf-8").splitlines()]
    tokenizer = learn_tokenizer(Path(text).read_text(encoding="utf-8"))
    trainer_of, config_of = {"dpo": (trl.DPOTrainer, trl.DPOConfig), "kto": (trl.KTOTrainer, trl.KTOConfig)}[method]
    with tempfile.TemporaryDirectory() as folder:
        config = config_of(output_dir=folder, per_device_train_batch_size=BATCH, num_train_epochs=1, logging_steps=10**6,
                           save_strategy="no", report_to=[], use_cpu=True, max_length=128, bf16=False,
                           gradient_checkpointing=False)
        trainer = trainer_of(model=make(), ref_model=make(), args=config, train_dataset=Dataset.from_list(rows),
                             processing_class=tokenizer)
        begin = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - begin
    print(json.dumps({"examples": len(rows) / seconds, "trl": trl.__version__}))


main()
