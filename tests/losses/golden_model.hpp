// SPDX-License-Identifier: Apache-2.0
// The goldens of TRL (golden/README.md): their models and token lists, and what our transformer and a loss say of
// them.
#pragma once

#include "data/batch.hpp"
#include "losses/loss.hpp"
#include "model/learner.hpp"
#include "support/golden_shape.hpp"
#include "support/numbers.hpp"

#include <map>
#include <numeric>

namespace alignsweep::losses::testing {

using Numbers = std::vector<double>;
using Metrics = std::map<std::string, double>;

template <class Scalar>
constexpr double tolerance = test::golden_tolerance<Scalar>;

// A matrix of token ids whose rows end where -1 begins.
inline std::vector<std::vector<std::int32_t>> token_rows(test::GoldenFile const& file, std::string const& path) {
    test::Array const matrix = file.read(path);
    std::vector<std::vector<std::int32_t>> rows(matrix.shape.at(0));
    for (std::size_t i = 0; i < matrix.values.size(); ++i) {
        if (matrix.values[i] >= 0.0) {
            rows[i / matrix.shape.at(1)].push_back(static_cast<std::int32_t>(matrix.values[i]));
        }
    }
    return rows;
}

inline std::vector<data::Example> examples(test::GoldenFile const& file, std::string const& prompts,
                                           std::string const& completions) {
    auto const left = token_rows(file, prompts), right = token_rows(file, completions);
    std::vector<data::Example> result;
    for (std::size_t i = 0; i < left.size(); ++i) { result.push_back({left[i], right[i]}); }
    return result;
}

// What a step says: the loss's metrics over all examples and for each alone, log-probabilities and values of all
// sequences in order, and the gradient.
struct StepResult {
    Metrics metrics;
    std::vector<Metrics> of_example;
    model::ChunkOutputs outputs;
    Numbers gradient;

    [[nodiscard]] Numbers per_example(std::string const& name) const {
        Numbers values;
        for (Metrics const& of_one : of_example) { values.push_back(of_one.at(name)); }
        return values;
    }
};

template <class Scalar>
class GoldenModel {
public:
    // `weights`: a dataset of the file, all tensors in one flat vector as the attributes of /offsets say.
    GoldenModel(test::GoldenFile const& file, std::string const& weights, bool scalar_head = false)
        : file_(file), weights_(test::golden_shape(file, "shape", scalar_head), precision), learner_(weights_, {}) {
        Numbers const stored = file.read(weights).values;
        for (model::Tensor const& tensor : weights_.layout.tensors()) {
            model::set_tensor(weights_, tensor, part(stored, tensor));
        }
    }

    // Log-probability of each completion token, an entry a sequence.
    std::vector<Numbers> token_logprobs(std::span<data::Example const> sequences, double temperature = 1.0) {
        auto const batch = packed(sequences, data::TargetKind::completion);
        auto const outputs = learner_.transformer().forward(weights_, input(batch, {}), temperature);
        return split(outputs.logprob, batch.target_offsets);
    }
    // Their sums.
    Numbers logprobs(std::span<data::Example const> sequences) {
        Numbers sums;
        for (Numbers const& tokens : token_logprobs(sequences)) {
            sums.push_back(std::accumulate(tokens.begin(), tokens.end(), 0.0));
        }
        return sums;
    }
    // The scalar head before each completion token, an entry a sequence.
    std::vector<Numbers> token_values(std::span<data::Example const> sequences) {
        auto const batch = packed(sequences, data::TargetKind::completion);
        auto const outputs = learner_.transformer().forward(weights_, input(batch, batch.target_rows), 1.0);
        return split(outputs.value, batch.target_offsets);
    }
    // The scalar head at each sequence's last token.
    Numbers scores(std::span<data::Example const> sequences) {
        auto const batch = packed(sequences, data::TargetKind::none);
        return learner_.transformer().forward(weights_, input(batch, last_rows(batch)), 1.0).value;
    }

    // The objective's step over all its examples, in chunks of two examples.
    StepResult step(Loss& objective) {
        std::vector<std::int64_t> all(static_cast<std::size_t>(objective.size()));
        std::iota(all.begin(), all.end(), 0);
        std::vector<data::Example> probes;
        for (std::int64_t const i : all) {
            for (auto const* probe : objective.probes(i)) { probes.push_back(*probe); }
        }
        objective.prepare(all, probes.empty() ? Numbers() : logprobs(probes));
        StepResult result;
        MetricSums sums;
        for (std::int64_t first = 0; first < objective.size(); first += 2) {
            add_chunk(objective, first, std::min(objective.size(), first + 2), result, sums);
        }
        result.metrics = sums.values();
        result.gradient = learner_.take_gradient();
        return result;
    }

    void expect_gradient(Numbers const& got, std::string const& path) const {
        Numbers const want = file_.read(path).values;
        for (model::Tensor const& tensor : weights_.layout.tensors()) {
            Numbers const mine(got.begin() + tensor.offset, got.begin() + tensor.offset + tensor.size());
            EXPECT_LE(test::norm_error(mine, part(want, tensor)), tolerance<Scalar>) << path << " " << tensor.name;
        }
    }

private:
    [[nodiscard]] Numbers part(Numbers const& flat, model::Tensor const& tensor) const {
        auto const begin = flat.begin() + file_.int_attribute("offsets", tensor.name);
        return {begin, begin + tensor.size()};
    }
    static std::vector<data::Example const*> pointers(std::span<data::Example const> sequences) {
        std::vector<data::Example const*> result;
        for (data::Example const& sequence : sequences) { result.push_back(&sequence); }
        return result;
    }
    static data::PackedBatch packed(std::span<data::Example const> sequences, data::TargetKind kind) {
        return data::pack(pointers(sequences), kind);
    }
    static model::ChunkInput input(data::PackedBatch const& batch, std::span<std::int32_t const> value_rows) {
        return {batch.tokens, batch.offsets, batch.target_rows, batch.target_tokens, value_rows};
    }
    static test::Ints last_rows(data::PackedBatch const& batch) {
        test::Ints rows;
        for (std::size_t s = 1; s < batch.offsets.size(); ++s) { rows.push_back(batch.offsets[s] - 1); }
        return rows;
    }
    static std::vector<Numbers> split(Numbers const& packed, test::Ints const& offsets) {
        std::vector<Numbers> result;
        for (std::size_t s = 0; s + 1 < offsets.size(); ++s) {
            result.emplace_back(packed.begin() + offsets[s], packed.begin() + offsets[s + 1]);
        }
        return result;
    }

    void add_chunk(Loss const& objective, std::int64_t first, std::int64_t last, StepResult& result, MetricSums& sums) {
        int const unit = objective.sequences_per_example();
        std::vector<data::Example const*> sequences;
        for (std::int64_t i = first; i < last; ++i) {
            for (int which = 0; which < unit; ++which) { sequences.push_back(&objective.sequence(i, which)); }
        }
        bool const at_targets = objective.value_rows() == ValueRows::targets;
        auto batch = data::pack(sequences, at_targets ? data::TargetKind::completion : objective.targets());
        auto const value_rows = at_targets                                  ? batch.target_rows
                                : objective.value_rows() == ValueRows::last ? last_rows(batch)
                                                                            : test::Ints();
        auto const value_offsets = batch.target_offsets;
        if (objective.targets() == data::TargetKind::none) {
            batch.target_rows.clear();
            batch.target_tokens.clear();
            batch.target_offsets.assign(batch.target_offsets.size(), 0);
        }
        auto const outputs = learner_.forward(input(batch, value_rows), objective.temperature());
        std::vector<SequenceOutputs> views;
        auto const at = [](test::Ints const& offsets, std::size_t i) { return static_cast<std::size_t>(offsets[i]); };
        for (std::size_t s = 0; s < sequences.size(); ++s) {
            bool const at_last = objective.value_rows() == ValueRows::last;
            auto const units = static_cast<std::size_t>(unit);
            views.push_back({first + static_cast<std::int64_t>(s / units), static_cast<int>(s % units),
                             at(batch.target_offsets, s), at(batch.target_offsets, s + 1),
                             at_last      ? s
                             : at_targets ? at(value_offsets, s)
                                          : 0,
                             at_last      ? s + 1
                             : at_targets ? at(value_offsets, s + 1)
                                          : 0});
        }
        learner_.backward(objective.backward(views, outputs, sums));
        for (std::size_t s = 0; s < views.size(); s += static_cast<std::size_t>(unit)) {
            MetricSums of_one;
            (void)objective.backward(std::span(views).subspan(s, static_cast<std::size_t>(unit)), outputs, of_one);
            result.of_example.push_back(of_one.values());
        }
        auto const append = [](Numbers& to, Numbers const& from) { to.insert(to.end(), from.begin(), from.end()); };
        append(result.outputs.logprob, outputs.logprob);
        append(result.outputs.entropy, outputs.entropy);
        append(result.outputs.value, outputs.value);
    }

    static constexpr model::Precision precision =
        std::is_same_v<Scalar, float> ? model::Precision::float32 : model::Precision::float64;

    test::GoldenFile const& file_;
    model::Weights weights_;
    model::Learner learner_;
};

// The same number, relative to its size.
template <class Scalar>
void expect_same(double got, double want, std::string const& what) {
    EXPECT_NEAR(got, want, tolerance<Scalar> * std::abs(want)) << what;
}
template <class Scalar>
void expect_same(Numbers const& got, Numbers const& want, std::string const& what) {
    EXPECT_LE(test::norm_error(got, want), tolerance<Scalar>) << what;
}

}  // namespace alignsweep::losses::testing
