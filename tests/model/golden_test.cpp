// SPDX-License-Identifier: Apache-2.0
// Agreement with transformers' LlamaForCausalLM in float64 (golden/llama.h5; golden/README.md says what each entry is).
#include "model/learner.hpp"
#include "model/small_model.hpp"
#include "support/golden_shape.hpp"

#include <algorithm>

namespace alignsweep::model {
namespace {

using test::Array;
using test::golden_tolerance;

// One of the file's two models, and its batch.
struct Case {
    test::GoldenFile const& file;
    std::string name;

    [[nodiscard]] std::string at(std::string const& path) const { return name + "/" + path; }
    [[nodiscard]] Shape shape(bool scalar_head) const { return test::golden_shape(file, name, scalar_head); }
    test::Ints tokens = file.read_ints(at("tokens")), offsets = file.read_ints(at("offsets")),
               target_rows = file.read_ints(at("target_rows")), targets = file.read_ints(at("targets")), all_rows = {};

    [[nodiscard]] ChunkInput input() const { return {tokens, offsets, target_rows, targets, all_rows}; }
};

template <class Scalar>
Weights load(Case const& golden, bool scalar_head) {
    Weights weights(golden.shape(scalar_head), precision_of<Scalar>);
    for (Tensor const& tensor : weights.layout.tensors()) {
        bool const is_score = tensor.name == "score.weight";
        Array const stored = golden.file.read(golden.at(is_score ? "scalar/weight" : "parameters/" + tensor.name));
        auto const dims = is_score ? std::vector<std::int64_t>{tensor.columns} : tensor.dims();
        EXPECT_TRUE(std::equal(stored.shape.begin(), stored.shape.end(), dims.begin(), dims.end())) << tensor.name;
        set_tensor(weights, tensor, stored.values);
    }
    return weights;
}

// As make_llama.py's `project`: [G w ; w' G] for a matrix, a vector as it is.
std::vector<double> project(std::vector<double> const& g, Tensor const& tensor, std::vector<double> const& w) {
    if (!tensor.is_matrix) { return g; }
    auto const rows = static_cast<std::size_t>(tensor.rows), columns = static_cast<std::size_t>(tensor.columns);
    std::vector<double> out(rows + columns);
    for (std::size_t i = 0; i < rows; ++i) {
        for (std::size_t j = 0; j < columns; ++j) {
            out[i] += g[i * columns + j] * w[j];
            out[rows + j] += w[i] * g[i * columns + j];
        }
    }
    return out;
}

std::vector<double> gradient_of(Learner& learner, ChunkGradients const& outputs) {
    learner.backward(outputs);
    return learner.take_gradient();
}

template <class Scalar>
void check_projections(Case const& golden, Layout const& layout, std::vector<double> const& gradient,
                       std::string const& group) {
    auto const w = golden.file.read("projection").values;
    for (Tensor const& tensor : layout.tensors()) {
        if (tensor.name == "score.weight") { continue; }
        auto const got = project(elements(gradient, tensor), tensor, w);
        auto const want = golden.file.read(golden.at(group + "/gradient_projections/" + tensor.name)).values;
        EXPECT_LE(test::norm_error(got, want), golden_tolerance<Scalar>) << golden.at(group) << " " << tensor.name;
    }
}

double mean_loss(ChunkOutputs const& outputs) {
    double sum = 0.0;
    for (double const logprob : outputs.logprob) { sum -= logprob; }
    return sum / static_cast<double>(outputs.logprob.size());
}
ChunkGradients mean_loss_gradient(std::size_t targets) {
    return {std::vector<double>(targets, -1.0 / static_cast<double>(targets)), {}, {}};
}

template <class Scalar, class Check>
void for_each_case(Check const& check) {
    test::GoldenFile const file("llama.h5");
    for (char const* name : {"tied", "untied"}) { check(Case{file, name}); }
}

template <class Scalar>
void logits_agree() {
    for_each_case<Scalar>([](Case const& golden) {
        auto const weights = load<Scalar>(golden, false);
        Transformer transformer(weights.shape, precision_of<Scalar>);
        auto const logits = transformer.logits(weights, golden.input());
        auto const want = golden.file.read(golden.at("logits")).values;
        EXPECT_LE(test::norm_error(logits, want), golden_tolerance<Scalar>) << golden.name;
    });
}

template <class Scalar>
void mean_loss_and_gradients_agree() {
    for_each_case<Scalar>([](Case const& golden) {
        auto weights = load<Scalar>(golden, false);
        Learner learner(weights, {});
        auto const outputs = learner.forward(golden.input(), 1.0);
        double const tolerance = golden_tolerance<Scalar>;
        EXPECT_LE(test::norm_error(outputs.logprob, golden.file.read(golden.at("logprobs")).values), tolerance);
        EXPECT_LE(test::norm_error(outputs.entropy, golden.file.read(golden.at("entropy")).values), tolerance);
        double const loss = golden.file.attribute(golden.name, "loss");
        EXPECT_NEAR(mean_loss(outputs), loss, tolerance * loss);
        auto const gradient = gradient_of(learner, mean_loss_gradient(golden.targets.size()));
        for (Tensor const& tensor : weights.layout.tensors()) {
            EXPECT_LE(test::norm_error(elements(gradient, tensor),
                                       golden.file.read(golden.at("gradients/" + tensor.name)).values),
                      tolerance)
                << golden.at(tensor.name);
        }
    });
}

template <class Scalar>
void temperature_and_entropy_agree() {
    for_each_case<Scalar>([](Case const& golden) {
        auto weights = load<Scalar>(golden, false);
        Learner learner(weights, {});
        auto const read = [&](std::string const& key) {
            return golden.file.read(golden.at("temperature_case/" + key)).values;
        };
        double const temperature = golden.file.attribute(golden.at("temperature_case"), "T");
        auto const outputs = learner.forward(golden.input(), temperature);
        double const tolerance = golden_tolerance<Scalar>;
        EXPECT_LE(test::norm_error(outputs.logprob, read("logprobs")), tolerance);
        EXPECT_LE(test::norm_error(outputs.entropy, read("entropy")), tolerance);
        double const loss = test::dot(read("a"), outputs.logprob) + test::dot(read("b"), outputs.entropy);
        EXPECT_NEAR(loss, golden.file.attribute(golden.at("temperature_case"), "loss"), 10 * tolerance);
        auto const gradient = gradient_of(learner, {read("a"), read("b"), {}});
        check_projections<Scalar>(golden, weights.layout, gradient, "temperature_case");
    });
}

template <class Scalar>
void scalar_head_agrees() {
    for_each_case<Scalar>([](Case golden) {
        for (std::size_t i = 0; i < golden.tokens.size(); ++i) {
            golden.all_rows.push_back(static_cast<std::int32_t>(i));
        }
        golden.target_rows.clear();
        golden.targets.clear();
        auto weights = load<Scalar>(golden, true);
        Learner learner(weights, {});
        auto const outputs = learner.forward(golden.input(), 1.0);
        EXPECT_LE(test::norm_error(outputs.value, golden.file.read(golden.at("scalar/values")).values),
                  golden_tolerance<Scalar>);
        auto const gradient = gradient_of(learner, {{}, {}, golden.file.read(golden.at("scalar/coefficients")).values});
        check_projections<Scalar>(golden, weights.layout, gradient, "scalar");
        for (Tensor const& tensor : weights.layout.tensors()) {
            if (tensor.name != "score.weight") { continue; }
            auto const want = golden.file.read(golden.at("scalar/weight_gradient")).values;
            EXPECT_LE(test::norm_error(elements(gradient, tensor), want), golden_tolerance<Scalar>) << golden.name;
        }
    });
}

template <class Scalar>
void ten_adamw_steps_agree() {
    for_each_case<Scalar>([](Case const& golden) {
        auto weights = load<Scalar>(golden, false);
        auto const setting = [&](char const* key) { return golden.file.attribute(golden.at("adamw"), key); };
        config::OptimizerConfig const config{.learning_rate = setting("learning_rate"),
                                             .weight_decay = setting("weight_decay"),
                                             .beta1 = setting("beta1"),
                                             .beta2 = setting("beta2"),
                                             .epsilon = setting("eps"),
                                             .clip = setting("clip"),
                                             .warmup = 0.0,
                                             .schedule = config::Schedule::constant};
        auto const steps = static_cast<std::int64_t>(setting("steps"));
        Learner learner(weights, config);
        std::vector<double> losses, norms;
        for (std::int64_t step = 0; step < steps; ++step) {
            losses.push_back(mean_loss(learner.forward(golden.input(), 1.0)));
            learner.backward(mean_loss_gradient(golden.targets.size()));
            norms.push_back(learner.step(learning_rate(config, step, steps)));
        }
        losses.push_back(mean_loss(learner.transformer().forward(weights, golden.input(), 1.0)));
        double const tolerance = std::is_same_v<Scalar, float> ? 1e-4 : 1e-9;
        EXPECT_TRUE(test::allclose(losses, golden.file.read(golden.at("adamw/losses")).values, {tolerance, tolerance}));
        EXPECT_TRUE(
            test::allclose(norms, golden.file.read(golden.at("adamw/grad_norms")).values, {tolerance, tolerance}));
        auto const flat = to_host<double>(weights);
        for (Tensor const& tensor : weights.layout.tensors()) {
            auto const trained = elements(flat, tensor);
            double const norm = golden.file.attribute(golden.at("adamw/parameter_norms"), tensor.name);
            EXPECT_NEAR(std::sqrt(test::dot(trained, trained)), norm, tolerance * norm) << golden.at(tensor.name);
        }
    });
}

ALIGNSWEEP_TEST_SCALARS(GoldenLlama, Logits, logits_agree)
ALIGNSWEEP_TEST_SCALARS(GoldenLlama, MeanLossAndGradients, mean_loss_and_gradients_agree)
ALIGNSWEEP_TEST_SCALARS(GoldenLlama, TemperatureAndEntropy, temperature_and_entropy_agree)
ALIGNSWEEP_TEST_SCALARS(GoldenLlama, ScalarHead, scalar_head_agrees)
ALIGNSWEEP_TEST_SCALARS(GoldenLlama, TenAdamwSteps, ten_adamw_steps_agree)

}  // namespace
}  // namespace alignsweep::model
