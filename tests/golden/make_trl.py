#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make trl.h5: what TRL's trainers say of SFT, a reward model, pairs and thumbs, for losses/ to be tested against.

    python3 -m venv peer
    peer/bin/pip install -r requirements-trl.txt
    peer/bin/python make_trl.py              writes trl.h5 beside this file
    peer/bin/python make_trl.py --check      recomputes and compares with the file, to 1e-12; writes nothing

Every number comes from a trainer of TRL itself: it is built on a tiny model in float64 on the CPU, tokenizes and
collates the texts, and computes the loss; what it does not return is read off the local variables of its own function.
TRL computes a loss for each example and returns the mean; where it keeps no loss for each example, batches of one are
run as well. README.md lists what the file holds. What is not quite stock:

* transformers and TRL compute some things in float32 whatever the model's type; they compute in float64 here
  (tiny.in_double). The stock trainer's loss must be the same up to float32's rounding, and is checked to be.
* TRL 1.16 has no cDPO: label_smoothing does not change its sigmoid loss (checked). Its aot_unpaired loss sorts the
  log-ratios of a batch and smooths labels; of a batch of one pair it is cDPO, and that is how cDPO is made, pair by
  pair.
* ORPO's likelihood in TRL is a mean over all tokens of the batch's chosen sequences, prompts included; ours leaves the
  prompts out. Of a prompt of one token there is nothing to predict, so the two are one on prompts cut to their last
  token, which is how ORPO runs here.
* TRL's aot and aot_unpaired keep a batch's losses in ascending order of what is sorted; here they stand in the batch's
  order, each with the pair whose chosen answer (aot: whose margin) has that rank. They run on completions cut to their
  first token.
* KTO's mismatched completions are those that KTOTrainer makes: the completions of a batch, rotated by one.
"""
import argparse
import pathlib
import tempfile

import tiny  # first: it sets the environment

import datasets
import torch
import transformers
import trl
from datasets import Dataset
from trl import DPOConfig, DPOTrainer, KTOConfig, KTOTrainer, RewardConfig, RewardTrainer, SFTConfig, SFTTrainer
from trl.experimental.cpo import CPOConfig, CPOTrainer
from trl.experimental.orpo import ORPOConfig, ORPOTrainer

from tiny import EOS

# (prompt, chosen, rejected), each completion with its end token: 5 pairs, and completions of 1 to 7 tokens.
PAIRS = [
    ([7, 12, 3], [5, 22, 9, EOS], [31, 4, EOS]),
    ([2], [EOS], [17, 8, 8, 26, EOS]),
    ([14, 39, 6, 11, 25], [20, 33, EOS], [10, 28, 19, 2, 35, 16, EOS]),
    ([30, 7], [18, 13, 24, 5, 38, 6, EOS], [EOS]),
    ([9, 9, 21, 4], [27, EOS], [36, 15, EOS]),
]
# (prompt, completion, desirable)
THUMBS = [(prompt, (chosen, rejected)[i % 2], i % 2 == 0) for i, (prompt, chosen, rejected) in enumerate(PAIRS)]
PAIR_LOSSES = {  # of DPOTrainer; betas that give margins on both sides of hinge's edge
    "sigmoid": dict(beta=0.3), "hinge": dict(beta=0.4), "ipo": dict(beta=0.7),
    "robust": dict(beta=0.3, label_smoothing=0.2), "apo_zero": dict(beta=0.3), "apo_down": dict(beta=0.3),
    "sigmoid_norm": dict(beta=0.9), "exo_pair": dict(beta=0.3, label_smoothing=0.05), "nca_pair": dict(beta=0.3),
    "bco_pair": dict(beta=0.3), "sppo_hard": dict(beta=0.6), "discopop": dict(beta=0.3, discopop_tau=0.35),
}
MATCHED_LOSSES = ("aot", "aot_unpaired")
scratch = tempfile.TemporaryDirectory()


def arguments(config, **settings):
    return config(output_dir=scratch.name, report_to="none", use_cpu=True, bf16=False, activation_checkpointing=False,
                  per_device_train_batch_size=len(PAIRS), **settings)


def collated(trainer, examples):
    return trainer.data_collator([trainer.train_dataset[i] for i in examples])


def run(trainer, function, examples=range(len(PAIRS))):
    """compute_loss of a trainer on a batch: the local variables of `function` in it, the loss and its gradient."""
    with torch.no_grad():
        stock = trainer.compute_loss(trainer.model, collated(trainer, examples)).item()
    trainer.model.zero_grad()
    with tiny.in_double():
        with tiny.capture(function) as calls:
            loss = trainer.compute_loss(trainer.model, collated(trainer, examples))
        loss.backward()
    assert len(calls) == 1 and loss.dtype == torch.float64
    assert abs(loss.item() - stock) < 1e-5 * max(1.0, abs(stock)), "stock differs by more than float32's rounding"
    return calls[0], loss.item(), tiny.flat_gradient(trainer.model)


def pair_by_pair(trainer, function):
    """The same for batches of one pair: a list of local variables, the losses, and the mean gradient."""
    results = [run(trainer, function, [i]) for i in range(len(PAIRS))]
    return [r[0] for r in results], torch.tensor([r[1] for r in results]), sum(r[2] for r in results) / len(results)


def pair_dataset(pairs=PAIRS):
    return Dataset.from_list([dict(prompt=tiny.text(p), chosen=tiny.text(c), rejected=tiny.text(r))
                              for p, c, r in pairs])


def check_tokens(dataset, names, rows):
    """TRL's tokens are ours."""
    for example, row in zip(dataset, rows, strict=True):
        assert all(example[name] == ids for name, ids in zip(names, row)), (example, row)


def sft():
    out = {}
    for name, completion_only in (("completion", True), ("full", False)):
        data = Dataset.from_list([dict(prompt=tiny.text(p), completion=tiny.text(c)) for p, c, _ in PAIRS])
        trainer = SFTTrainer(tiny.make_model("policy"), train_dataset=data, processing_class=tiny.make_tokenizer(),
                             args=arguments(SFTConfig, completion_only_loss=completion_only))
        check_tokens(trainer.train_dataset, ["input_ids"], [[p + c] for p, c, _ in PAIRS])
        found, loss, gradient = run(trainer, SFTTrainer.compute_loss)
        outputs = found["outputs"]
        out |= {f"sft/{name}@loss": loss, f"sft/{name}/gradient": gradient,
                f"sft/{name}@entropy": (outputs.entropy.sum() / outputs.label_mask.sum()).item(),
                f"sft/{name}/logprobs": outputs.log_probs[outputs.label_mask]}
    return out


def reward_model():
    out = {}
    for name, margin, centering in (("plain", 0.0, None), ("margin", 0.75, None), ("centering", 0.0, 0.125)):
        data = pair_dataset()
        if margin:
            data = data.add_column("margin", [margin] * len(PAIRS))
        trainer = RewardTrainer(
            tiny.make_model("reward", scalar_head=True), train_dataset=data, processing_class=tiny.make_tokenizer(),
            args=arguments(RewardConfig, center_rewards_coefficient=centering))
        check_tokens(trainer.train_dataset, ["chosen_ids", "rejected_ids"], [[p + c, p + r] for p, c, r in PAIRS])
        found, loss, gradient = run(trainer, RewardTrainer.compute_loss)
        _, losses, mean_gradient = pair_by_pair(trainer, RewardTrainer.compute_loss)
        assert abs(losses.mean() - loss) < 1e-12 and (mean_gradient - gradient).norm() < 1e-12 * gradient.norm()
        group = f"reward_model/{name}"
        out |= {f"{group}@margin": margin, f"{group}@centering": centering or 0.0, f"{group}@loss": loss,
                f"{group}/losses": losses, f"{group}/gradient": gradient}
        out |= {f"reward_model/{side}_rewards": found[f"rewards_{side}"] for side in ("chosen", "rejected")}
        metrics = trainer._metrics["train"]
        out |= {f"reward_model@{key}": metrics[key][1]  # of the batch in double, after the stock one
                for key in ("accuracy", "min_reward", "mean_reward", "max_reward")}
        out["reward_model@gap"] = metrics["margin"][1]
    return out


def dpo_trainer(loss, pairs=PAIRS, **settings):
    trainer = DPOTrainer(
        tiny.make_model("policy"), ref_model=tiny.make_model("reference"), train_dataset=pair_dataset(pairs),
        processing_class=tiny.make_tokenizer(), args=arguments(DPOConfig, loss_type=[loss], **settings))
    check_tokens(trainer.train_dataset, ["prompt_ids", "chosen_ids", "rejected_ids"], pairs)
    return trainer


def pairs_with_reference():
    out = {}
    for name, settings in PAIR_LOSSES.items():
        found, loss, gradient = run(dpo_trainer(name, **settings), DPOTrainer._compute_loss)
        group = f"pairs/{name}"
        out |= {f"{group}@{key}": value for key, value in settings.items()}
        out |= {f"{group}@loss": loss, f"{group}/losses": found["per_sequence_loss"], f"{group}/gradient": gradient,
                f"{group}/chosen_rewards": found["chosen_rewards"],
                f"{group}/rejected_rewards": found["rejected_rewards"]}
        logps = {f"pairs/{key}": found[key] for key in ("chosen_logps", "rejected_logps", "ref_chosen_logps",
                                                        "ref_rejected_logps")}
        assert tiny.compare(logps, out) < 1e-14
        out |= logps
    assert out["pairs/hinge/losses"].min() == 0 < out["pairs/hinge/losses"].max(), "hinge: both sides"

    beta, smoothing = 0.3, 0.2
    plain, ignored = (run(dpo_trainer("sigmoid", beta=beta, label_smoothing=s), DPOTrainer._compute_loss)
                      for s in (0.0, smoothing))
    assert plain[1] == ignored[1] and torch.equal(plain[2], ignored[2]), "TRL smooths labels of the sigmoid loss now"
    trainer = dpo_trainer("aot_unpaired", beta=beta, label_smoothing=smoothing)
    found, losses, gradient = pair_by_pair(trainer, DPOTrainer._compute_loss)
    delta = plain[0]["delta_score"] * beta
    formula = -(1 - smoothing) * delta.sigmoid().log() - smoothing * (-delta).sigmoid().log()
    assert (formula - losses).abs().max() < 1e-12, "a batch of one pair of aot_unpaired is cDPO"
    out |= {"pairs/cdpo@beta": beta, "pairs/cdpo@label_smoothing": smoothing, "pairs/cdpo@loss": losses.mean().item(),
            "pairs/cdpo/losses": losses, "pairs/cdpo/gradient": gradient,
            "pairs/cdpo/chosen_rewards": torch.cat([f["chosen_rewards"] for f in found]),
            "pairs/cdpo/rejected_rewards": torch.cat([f["rejected_rewards"] for f in found])}
    return out


def matched_pairs():
    """Completions cut to their first token: where lengths decide, all models put the answers in the same order."""
    out = {}
    pairs = [(prompt, chosen[:1] + [EOS] * (len(chosen) > 1), rejected[:1] + [EOS] * (len(rejected) > 1))
             for prompt, chosen, rejected in PAIRS]
    settings = dict(beta=0.9, label_smoothing=0.1)
    for name in MATCHED_LOSSES:
        found, loss, gradient = run(dpo_trainer(name, pairs, **settings), DPOTrainer._compute_loss)
        left, right = ((found["logratios"], found["ref_logratios"]) if name == "aot" else
                       (found["chosen_logratios"], found["rejected_logratios"]))
        assert not torch.equal(left.argsort(), right.argsort()), f"{name}: no pair is matched with another"
        group = f"pairs/{name}"
        out |= {f"{group}@{key}": value for key, value in settings.items()}
        out |= {f"{group}@loss": loss, f"{group}/losses": found["per_sequence_loss"][left.argsort().argsort()],
                f"{group}/gradient": gradient, f"{group}/chosen_rewards": found["chosen_rewards"],
                f"{group}/rejected_rewards": found["rejected_rewards"]}
    return out


def pairs_without_reference():
    beta, gamma = 2.0, 0.5
    trainer = CPOTrainer(
        tiny.make_model("policy"), train_dataset=pair_dataset(), processing_class=tiny.make_tokenizer(),
        args=arguments(CPOConfig, loss_type="simpo", cpo_alpha=0.0, beta=beta, simpo_gamma=gamma, max_length=64))
    check_tokens(trainer.train_dataset, ["chosen_input_ids", "rejected_input_ids"],
                 [[p + c, p + r] for p, c, r in PAIRS])
    found, loss, gradient = run(trainer, CPOTrainer.get_batch_loss_metrics)
    out = {"pairs/simpo@beta": beta, "pairs/simpo@gamma_ratio": gamma / beta, "pairs/simpo@loss": loss,
           "pairs/simpo/losses": found["losses"], "pairs/simpo/gradient": gradient}
    out |= {f"pairs/simpo/{key}": found[key] for key in ("chosen_rewards", "rejected_rewards")}

    beta = 0.6
    short = [(prompt[-1:], chosen, rejected) for prompt, chosen, rejected in PAIRS]
    trainer = ORPOTrainer(
        tiny.make_model("policy"), train_dataset=pair_dataset(short), processing_class=tiny.make_tokenizer(),
        args=arguments(ORPOConfig, beta=beta, max_length=64))
    check_tokens(trainer.train_dataset, ["chosen_input_ids", "rejected_input_ids"],
                 [[p + c, p + r] for p, c, r in short])
    found, loss, gradient = run(trainer, ORPOTrainer.get_batch_loss_metrics)
    losses = pair_by_pair(trainer, ORPOTrainer.get_batch_loss_metrics)[1]  # a mean over tokens: not their mean
    out |= {"pairs/orpo@beta": beta, "pairs/orpo@loss": loss, "pairs/orpo/losses": losses,
            "pairs/orpo/gradient": gradient}
    out |= {f"pairs/orpo/{key}": found[key] for key in ("chosen_rewards", "rejected_rewards")}
    return out


def thumbs():
    out = {"thumbs/prompt": tiny.ragged([p for p, _, _ in THUMBS]),
           "thumbs/completion": tiny.ragged([c for _, c, _ in THUMBS]),
           "thumbs/desirable": [int(d) for _, _, d in THUMBS]}
    data = Dataset.from_list([dict(prompt=tiny.text(p), completion=tiny.text(c), label=d) for p, c, d in THUMBS])
    cases = {"kto": ("kto", "reference", "policy"), "kto_clamped": ("kto", "policy", "reference"),
             "apo_zero_unpaired": ("apo_zero_unpaired", "policy", "reference")}
    settings = dict(beta=0.3, desirable_weight=1.25, undesirable_weight=0.75)
    for name, (loss_type, policy, reference) in cases.items():
        trainer = KTOTrainer(
            tiny.make_model(policy), ref_model=tiny.make_model(reference), train_dataset=data,
            processing_class=tiny.make_tokenizer(), args=arguments(KTOConfig, loss_type=loss_type, **settings))
        check_tokens(trainer.train_dataset, ["prompt_ids", "completion_ids"], THUMBS)
        found, loss, gradient = run(trainer, KTOTrainer._compute_loss)
        # TRL lists desirable examples first; here they stand in the batch's order.
        order = torch.cat([found["chosen_idx"], found["rejected_idx"]]).argsort()
        rewards = torch.cat([found["chosen_rewards"], found["rejected_rewards"]])[order]
        group = f"thumbs/{name}"
        out |= {f"{group}@{key}": value for key, value in settings.items()}
        out |= {f"{group}@policy_is_reference": int(policy == "reference"), f"{group}@loss": loss,
                f"{group}@kl": found["kl"].item(), f"{group}/losses": found["losses"][order],
                f"{group}/rewards": rewards, f"{group}/logps": found["completion_logps"],
                f"{group}/gradient": gradient}
        if loss_type == "kto":
            mismatched = [example["KL_completion_ids"] for example in trainer.train_dataset]
            assert mismatched == [THUMBS[i - 1][1] for i in range(len(THUMBS))], "rotated by one within the batch"
            out |= {"thumbs/mismatched": tiny.ragged(mismatched), f"{group}/mismatched_logps": found["KL_logps"],
                    f"{group}/mismatched_reference_logps": found["ref_KL_logps"]}
    assert out["thumbs/kto@kl"] > 0 == out["thumbs/kto_clamped@kl"], "one case with z0, one with z0 held at 0"
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).with_name("trl.h5"))
    parser.add_argument("--check", action="store_true", help="compare with the file instead of writing it")
    options = parser.parse_args()
    tiny.check_versions("make_trl.py", {"torch": "2.15", "transformers": "5.23", "trl": "1.16"})
    tiny.prepare_torch()
    datasets.disable_progress_bars()
    entries = {f"pairs/{name}": tiny.ragged([pair[i] for pair in PAIRS])
               for i, name in enumerate(("prompt", "chosen", "rejected"))}
    entries |= {f"weights/{role}": tiny.flat(tiny.make_model(role, role == "reward")).to(torch.float32)
                for role in ("policy", "reference", "reward")}
    entries |= sft() | reward_model() | pairs_with_reference() | matched_pairs() | pairs_without_reference() | thumbs()
    tiny.finish("make_trl.py", options.out, entries,
                dict(trl=trl.__version__, datasets=datasets.__version__), options.check)


if __name__ == "__main__":
    main()
