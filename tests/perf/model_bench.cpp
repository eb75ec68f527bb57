// SPDX-License-Identifier: Apache-2.0
// Whole training steps (forward, backward, AdamW) and generation.
#include "bench.hpp"
#include "model/learner.hpp"

namespace alignsweep::bench {

namespace {

using model::Transformer;
using model::Weights;

Weights make_weights(model::Shape const& shape) {
    Weights weights(shape);
    model::initialise(weights, 1, 0.02, 0.25);
    return weights;
}

double parameters_of(Weights const& weights) { return static_cast<double>(weights.layout.parameter_count()); }

// GF/s by the usual estimate of 6 operations a parameter and token, without attention's.
void training_step(benchmark::State& state, Setting const& s) {
    Weights weights = make_weights(s.shape());
    model::Learner learner(weights, {});
    Batch const batch(s);
    auto const targets = batch.target_rows.size();
    model::ChunkGradients const gradients{std::vector<double>(targets, -1.0 / static_cast<double>(targets)), {}, {}};
    Work const work{.flops = 6.0 * parameters_of(weights) * s.tokens(), .tokens = 1.0 * s.tokens()};
    measure(state, work, [&](Space const&) {
        benchmark::DoNotOptimize(learner.forward(batch.input(), 1.0));
        learner.backward(gradients);
        learner.step(1e-4);
    });
}

// One part of a step alone: log-probabilities forward, as scoring does.
void scoring(benchmark::State& state, Setting const& s) {
    Weights const weights = make_weights(s.shape());
    Transformer transformer(s.shape());
    Batch const batch(s);
    Work const work{.flops = 2.0 * parameters_of(weights) * s.tokens(), .tokens = 1.0 * s.tokens()};
    measure(state, work,
            [&](Space const&) { benchmark::DoNotOptimize(transformer.forward(weights, batch.input(), 1.0)); });
}

// Tokens are the new ones; no row ends early.
void generation(benchmark::State& state, Setting const& s) {
    constexpr int prompt_tokens = 16, new_tokens = 32;
    Weights const weights = make_weights(s.shape());
    Transformer transformer(s.shape());
    Batch const batch(s);
    std::vector<std::vector<std::int32_t>> prompts;
    std::vector<std::int32_t> rows;
    for (int i = 0; i < s.sequences; ++i) {
        auto const begin = batch.tokens.begin() + i * prompt_tokens;
        prompts.emplace_back(begin, begin + prompt_tokens);
        rows.push_back(i);
    }
    model::GenerationRequest const request{prompts, rows,       {}, core::RandomStream(1, "bench"),
                                           0,       new_tokens, -1, s.sequences};
    Work const work{.flops = 2.0 * parameters_of(weights) * s.sequences * (prompt_tokens + new_tokens),
                    .tokens = 1.0 * s.sequences * new_tokens};
    measure(state, work, [&](Space const&) { benchmark::DoNotOptimize(transformer.generate(weights, request)); });
}

}  // namespace

void add_models() {
    for (Setting const& s : settings()) {
        add("model/" + s.name + "/training_step", [&s](benchmark::State& state) { training_step(state, s); });
        add("model/" + s.name + "/scoring", [&s](benchmark::State& state) { scoring(state, s); });
        add("model/" + s.name + "/generation", [&s](benchmark::State& state) { generation(state, s); });
    }
}

}  // namespace alignsweep::bench
