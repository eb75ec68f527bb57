#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make ppo.h5: one rollout and the second epoch on it, as TRL 1.9's PPOTrainer computes them.

    python3 -m venv peer-ppo
    peer-ppo/bin/pip install -r requirements-ppo.txt
    peer-ppo/bin/python make_ppo.py              writes ppo.h5 beside this file
    peer-ppo/bin/python make_ppo.py --check      recomputes and compares with the file, to 1e-12; writes nothing

TRL 1.9 is the last that has PPO (experimental/ppo); later ones have none, so it needs an environment of its own.
PPOTrainer.train runs as it stands, on tiny models in float64 on the CPU, and its local variables are read when it calls
backward in the second epoch, when ratios are no longer 1 and both clips bite. Two things are not stock: transformers'
float32 (make_llama.py), and the responses, which are given instead of sampled, so that lengths are what the test wants;
their log-probabilities still come from TRL's own forward and selective_log_softmax.

Where TRL goes its own way: a response that ends before response_length has its score, and one more value to learn, in
the slot after its last token. /ended has such responses, /full has none. README.md lists what the file holds.
"""
import argparse
import pathlib
import sys
import tempfile

import tiny  # first: it sets the environment

import datasets
import numpy as np
import torch
import trl
from datasets import Dataset
from trl.experimental.ppo import PPOConfig, PPOTrainer, ppo_trainer

from tiny import EOS, PAD

PROMPTS = [[7, 12, 3], [2], [14, 39, 6, 11, 25], [30, 7], [9, 9, 21, 4]]
LENGTH = 6
RUNS = {
    "full": dict(settings=dict(kl_estimator="k1", gamma=1.0, temperature=1.0),
                 responses=[[5, 22, 9, 31, 4, 17], [8, 8, 26, 20, 33, 10], [28, 19, 2, 35, 16, 18],
                            [13, 24, 5, 38, 6, 27], [36, 15, 23, 29, 32, 34]]),
    # The end token first, in between, last, and twice not at all.
    "ended": dict(settings=dict(kl_estimator="k3", gamma=0.97, temperature=0.7, stop_token="eos",
                                missing_eos_penalty=0.5),
                  responses=[[5, 22, 9, EOS], [EOS], [28, 19, 2, 35, 16, 18], [13, 24, 5, 38, 6, EOS],
                             [36, 15, 23, 29, 32, 34]]),
}
COMMON = dict(kl_coef=0.05, lam=0.95, cliprange=0.2, cliprange_value=0.2, vf_coef=0.1, response_length=LENGTH,
              num_ppo_epochs=2, num_mini_batches=1, learning_rate=0.02)


def run(name, case, scratch):
    number = len(PROMPTS)
    answers = {tuple(prompt): response for prompt, response in zip(PROMPTS, case["responses"])}

    def generate(policy, queries, pad_token_id, generation_config):
        """As ppo_trainer.generate, with the responses above for the sampled ones."""
        rows = [answers[tuple(q for q in query.tolist() if q != pad_token_id)] for query in queries]
        responses = torch.tensor([row + [pad_token_id] * (LENGTH - len(row)) for row in rows])
        both = torch.cat((queries, responses), dim=1)
        logits = ppo_trainer.forward(policy, both, pad_token_id).logits[:, queries.shape[1] - 1:-1]
        return both, logits / generation_config.temperature

    tokenizer = tiny.make_tokenizer(padding_side="left")
    policy, value = tiny.make_model("policy"), tiny.make_model("value", scalar_head=True)
    arguments = PPOConfig(
        output_dir=scratch, report_to="none", use_cpu=True, bf16=False, gradient_checkpointing=False, seed=1,
        per_device_train_batch_size=number, gradient_accumulation_steps=1, total_episodes=number, save_strategy="no",
        local_rollout_forward_batch_size=3, num_sample_generations=0, disable_tqdm=True, **COMMON, **case["settings"])
    data = Dataset.from_list([dict(input_ids=prompt) for prompt in PROMPTS])
    trainer = PPOTrainer(arguments, tokenizer, policy, tiny.make_model("reference"),
                         tiny.make_model("reward", scalar_head=True), data, value, eval_dataset=data)
    epochs = []
    backward = trainer.accelerator.backward

    def spy(loss):
        state = dict(sys._getframe(1).f_locals)
        weights = {f"{name}/policy_weights": tiny.flat(policy), f"{name}/value_weights": tiny.flat(value)}
        backward(loss)
        epochs.append((state, weights, {f"{name}/policy_gradient": tiny.flat_gradient(policy),
                                        f"{name}/value_gradient": tiny.flat_gradient(value)}))
    trainer.accelerator.backward, ppo_trainer.generate = spy, generate
    trainer.train()
    assert len(epochs) == 2
    (first, _, _), (state, weights, gradients) = epochs
    assert (first["ratio"] - 1).abs().max() < 1e-12, "the first epoch starts where the rollout was"
    assert state["pg_losses"].dtype == torch.float64

    # Back to the order above: TRL shuffles the prompts.
    prompts = [[q for q in query.tolist() if q != PAD] for query in state["queries"]]
    order = [prompts.index(prompt) for prompt in PROMPTS]
    taken = state["micro_batch_inds"]
    lengths = [len(row) for row in case["responses"]]

    def tokens(values, extra=0):
        """Of each response's tokens, one response after the other; with the slot after its end, if extra is 1."""
        return torch.cat([values[row, :min(LENGTH, n + extra)] for row, n in zip(order, lengths)])

    assert sorted(taken.tolist()) == list(range(number))
    kept, kept_p1 = ~state["padding_mask"][taken], ~state["padding_mask_p1"][taken]
    policy_clipped = (state["pg_losses2"] > state["pg_losses"])[kept].double().mean()
    value_clipped = (state["vf_losses2"] > state["vf_losses1"])[kept_p1].double().mean()
    assert 0.1 < policy_clipped < 0.9 and 0.1 < value_clipped < 0.9, (policy_clipped, value_clipped)
    difference = state["logprobs_diff"][kept]
    settings = COMMON | case["settings"]
    out = {f"{name}@{key}": settings[key] for key in ("kl_coef", "gamma", "cliprange", "cliprange_value", "vf_coef")}
    out |= {
        f"{name}@lambda": settings["lam"], f"{name}@k3": int(settings["kl_estimator"] == "k3"),
        f"{name}@temperature": settings["temperature"] + 1e-7,  # TRL adds it
        f"{name}@missing_eos_penalty": settings.get("missing_eos_penalty", 0.0), f"{name}@response_length": LENGTH,
        f"{name}/prompt": tiny.ragged(PROMPTS), f"{name}/completion": tiny.ragged(case["responses"]),
        f"{name}/logprobs": tokens(state["logprobs"]), f"{name}/reference_logprobs": tokens(state["ref_logprobs"]),
        f"{name}/values": tokens(state["values"], 1), f"{name}/scores": state["scores"][order],
        f"{name}/advantages": tokens(state["returns"] - state["values"]),
        f"{name}/whitened": tokens(state["advantages"]), f"{name}/returns": tokens(state["returns"], 1),
        f"{name}@policy_loss": state["pg_loss"].item(), f"{name}@value_loss": state["vf_loss"].item(),
        f"{name}@policy_clipped": policy_clipped.item(), f"{name}@value_clipped": value_clipped.item(),
        f"{name}@approxkl": (0.5 * difference.square().mean()).item(),
        f"{name}@ratio": state["ratio"][kept].mean().item(),
    }
    return out | weights | gradients


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).with_name("ppo.h5"))
    parser.add_argument("--check", action="store_true", help="compare with the file instead of writing it")
    options = parser.parse_args()
    tiny.check_versions("make_ppo.py", {"torch": "2.15", "transformers": "5.23", "trl": "1.9.0"})
    tiny.prepare_torch()
    datasets.disable_progress_bars()
    entries = {f"weights/{role}": tiny.flat(tiny.make_model(role, role in ("value", "reward"))).to(torch.float32)
               for role in ("policy", "reference", "value", "reward")}
    with tiny.in_double(), tempfile.TemporaryDirectory() as scratch:
        for name, case in RUNS.items():
            np.random.seed(1)
            entries |= run(name, case, scratch)
    tiny.finish("make_ppo.py", options.out, entries,
                dict(trl=trl.__version__, datasets=datasets.__version__), options.check)


if __name__ == "__main__":
    main()
