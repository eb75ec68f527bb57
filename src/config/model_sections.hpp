// SPDX-License-Identifier: Apache-2.0
// Sections of the model and of what teaches it language: [model] [pretrain] [sft], and the optimiser of all training.
#pragma once

#include "config/field.hpp"

namespace alignsweep::config {

// [model]: decoder-only transformer, Llama style.
struct ModelConfig {
    Int width = 64, depth = 2, heads = 4, kv_heads = 4, hidden = 172, context = 128, chunk = 32;
    double rope_theta = 10000.0, norm_eps = 1e-5, init_std = 0.02, embedding_init_std = 0.25;
    bool tied = true;

    void fields(FieldVisitor& visit) {
        visit("width", width, Range{8, 65536}, "width of the residual stream");
        visit("depth", depth, Range{1, 512}, "layers");
        visit("heads", heads, Range{1, 1024}, "query heads; width / heads is even and at most 128");
        visit("kv_heads", kv_heads, Range{1, 1024}, "key/value heads (grouped-query attention); divides heads");
        visit("hidden", hidden, Range{1, 262144}, "width of SwiGLU's hidden layer");
        visit("context", context, Range{2, 65536}, "most tokens of a sequence");
        visit("rope_theta", rope_theta, positive, "base of the rotary position embedding");
        visit("norm_eps", norm_eps, positive, "epsilon of RMSNorm");
        visit("init_std", init_std, positive, "standard deviation of initial weights");
        visit("embedding_init_std", embedding_init_std, positive, "standard deviation of initial embeddings");
        visit("tied", tied, "whether the LM head is the token embedding");
        visit("chunk", chunk, Range{1, 65536},
              "sequences of a chunk, the unit of arithmetic: the one number that bits depend on");
    }
};

enum class Schedule { cosine, linear, constant };

// AdamW and its schedule; part of every training section.
struct OptimizerConfig {
    double learning_rate, weight_decay = 0.0, beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8, clip = 1.0, warmup = 0.05,
                          final_share = 0.1;
    Schedule schedule = Schedule::cosine;

    void fields(FieldVisitor& visit) {
        visit("learning_rate", learning_rate, non_negative, "peak learning rate of AdamW");
        visit("weight_decay", weight_decay, non_negative, "decoupled weight decay of matrices");
        visit("beta1", beta1, Range{0.0, 0.999999}, "AdamW's first moment");
        visit("beta2", beta2, Range{0.0, 0.999999}, "AdamW's second moment");
        visit("epsilon", epsilon, positive, "AdamW's epsilon");
        visit("clip", clip, non_negative, "largest global gradient norm; 0: no clipping");
        visit("warmup", warmup, probability, "share of the steps that warm up linearly");
        visit("schedule", schedule, Choices{"cosine", "linear", "constant"}, "learning rate after warm-up");
        visit("final_share", final_share, probability, "share of the peak that the schedule ends at");
    }
};

// [pretrain]
struct PretrainConfig {
    Int steps = 1600, batch = 16, length = 64;
    OptimizerConfig optimizer{.learning_rate = 4e-3, .weight_decay = 0.01};

    void fields(FieldVisitor& visit) {
        visit("steps", steps, Range{0, 1e8}, "optimiser steps");
        visit("batch", batch, Range{1, 1e6}, "sequences of a step");
        visit("length", length, Range{2, 65536}, "tokens of a sequence");
        optimizer.fields(visit);
    }
};

enum class SftLoss { completion, full };

// [sft]
struct SftConfig {
    Int epochs = 6, batch = 32;
    SftLoss loss = SftLoss::completion;
    OptimizerConfig optimizer{.learning_rate = 5e-4};

    void fields(FieldVisitor& visit) {
        visit("epochs", epochs, Range{0, 1e6}, "passes over the pairs");
        visit("batch", batch, Range{1, 1e6}, "examples of a step");
        visit("loss", loss, Choices{"completion", "full"}, "tokens that count: the completion's, or all");
        optimizer.fields(visit);
    }
};

}  // namespace alignsweep::config
