// SPDX-License-Identifier: Apache-2.0
// The whole model against central differences in double, every element of every named tensor; and what a chunk's
// forward and backward pass promise besides.
#include "model/small_model.hpp"

#include <stdexcept>

namespace alignsweep::model {
namespace {

// The loss a . logprob + b . entropy + c . value of one batch; an empty factor is zero.
struct Loss {
    SmallBatch batch;
    double temperature;
    ChunkGradients weights;

    double of(Transformer<Exec, double>& transformer, Parameters<Exec, double> const& parameters) const {
        auto const outputs = transformer.forward(parameters, batch.input(!weights.value.empty()), temperature, false);
        return test::dot(weights.logprob, outputs.logprob) + test::dot(weights.entropy, outputs.entropy) +
               test::dot(weights.value, outputs.value);
    }
};

Numbers gradient(Transformer<Exec, double>& transformer, Parameters<Exec, double> const& parameters, Loss const& loss) {
    transformer.forward(parameters, loss.batch.input(!loss.weights.value.empty()), loss.temperature, true);
    kernels::Vector<Exec, double> const flat("gradient", parameters.layout.size());
    transformer.backward(parameters, loss.weights, flat);
    return test::to_doubles(flat);
}

void check_every_tensor(Shape const& shape, Loss const& loss) {
    auto parameters = small_parameters<double>(shape);
    Transformer<Exec, double> transformer(shape);
    auto const got = gradient(transformer, parameters, loss);
    auto flat = to_host(parameters.values);
    for (Tensor const& tensor : parameters.layout.tensors()) {
        auto const want = test::numerical_gradient(elements(flat, tensor), [&](Numbers const& at) {
            auto moved = flat;
            std::copy(at.begin(), at.end(), moved.begin() + tensor.offset);
            from_host<Exec, double>(moved, parameters.values);
            return loss.of(transformer, parameters);
        });
        EXPECT_LE(test::norm_error(elements(got, tensor), want), test::gradient_tolerance) << tensor.name;
        EXPECT_GT(test::dot(want, want), 0.0) << tensor.name << " does not matter";
    }
}

void lm_loss_with_entropy_and_temperature() {
    SmallBatch const batch({5, 0, 1, 9});
    Loss const loss{
        batch,
        0.7,
        {test::normal_values(batch.target_rows.size(), "a"), test::normal_values(batch.target_rows.size(), "b"), {}}};
    for (bool const tied : {true, false}) { check_every_tensor(small_shape(tied, false), loss); }
}

void scalar_head_beside_the_lm_head() {
    SmallBatch const batch({6, 2});
    Loss const loss{batch, 1.0, {test::normal_values(batch.target_rows.size(), "a"), {}, test::normal_values(2, "c")}};
    check_every_tensor(small_shape(true, true), loss);
}

// backward() adds; zero derivatives add nothing; a second pass gives the same bits.
void backward_adds() {
    SmallBatch const batch({4, 7});
    Shape const shape = small_shape(true, true);
    auto const parameters = small_parameters<double>(shape);
    Transformer<Exec, double> transformer(shape);
    Numbers const ones(batch.target_rows.size(), 1.0);
    Loss const loss{batch, 1.0, {ones, {}, {1.0, -1.0}}};
    auto const once = gradient(transformer, parameters, loss);
    EXPECT_EQ(gradient(transformer, parameters, loss), once);
    kernels::Vector<Exec, double> const flat("gradient", parameters.layout.size());
    for (int i = 0; i < 2; ++i) {
        transformer.forward(parameters, batch.input(true), 1.0, true);
        transformer.backward(parameters, loss.weights, flat);
    }
    transformer.forward(parameters, batch.input(true), 1.0, true);
    transformer.backward(parameters, {}, flat);
    Numbers twice = once;
    for (double& value : twice) { value *= 2.0; }
    EXPECT_LE(test::norm_error(test::to_doubles(flat), twice), 1e-14);
    EXPECT_THROW(transformer.backward(parameters, loss.weights, flat), std::logic_error) << "no kept forward pass";
    transformer.forward(parameters, batch.input(true), 1.0, false);
    EXPECT_THROW(transformer.backward(parameters, loss.weights, flat), std::logic_error) << "not kept";
}

template <class Scalar>
void keeping_and_logits_change_no_number() {
    SmallBatch const batch({17, 3, 20});
    Shape const shape = small_shape(false, false);
    auto const parameters = small_parameters<Scalar>(shape);
    Transformer<Exec, Scalar> transformer(shape);
    auto const kept = transformer.forward(parameters, batch.input(), 1.0, true);
    auto const not_kept = transformer.forward(parameters, batch.input(), 1.0, false);
    EXPECT_EQ(kept.logprob, not_kept.logprob);
    EXPECT_EQ(kept.entropy, not_kept.entropy);
    auto const logits = transformer.logits(parameters, batch.input());
    ASSERT_EQ(logits.size(), batch.tokens.size() * 13);
    for (std::size_t k = 0; k < batch.target_rows.size(); ++k) {
        auto const row = logits.begin() + 13 * batch.target_rows[k];
        double sum = 0.0;
        for (int v = 0; v < 13; ++v) { sum += std::exp(static_cast<double>(row[v])); }
        EXPECT_NEAR(kept.logprob[k], static_cast<double>(row[batch.target_tokens[k]]) - std::log(sum), 1e-5);
    }
}

// A sequence's numbers do not depend on what is packed beside it (to rounding: products cut rows into tiles).
template <class Scalar>
void packing_leaks_nothing() {
    SmallBatch const batch({17, 5, 30});
    Shape const shape = small_shape(true, false);
    auto const parameters = small_parameters<Scalar>(shape);
    Transformer<Exec, Scalar> transformer(shape);
    auto const together = transformer.forward(parameters, batch.input(), 1.0, false).logprob;
    Numbers apart;
    for (std::size_t s = 0; s + 1 < batch.offsets.size(); ++s) {
        test::Ints const tokens(batch.tokens.begin() + batch.offsets[s], batch.tokens.begin() + batch.offsets[s + 1]);
        test::Ints const offsets{0, static_cast<std::int32_t>(tokens.size())};
        test::Ints rows, targets;
        for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
            rows.push_back(static_cast<std::int32_t>(i));
            targets.push_back(tokens[i + 1]);
        }
        auto const alone = transformer.forward(parameters, {tokens, offsets, rows, targets, {}}, 1.0, false).logprob;
        apart.insert(apart.end(), alone.begin(), alone.end());
    }
    EXPECT_TRUE(test::allclose(together, apart, test::rounding<Scalar>(64)));
}

void inputs_that_do_not_fit_are_refused() {
    Shape const shape = small_shape(true, false);
    auto const parameters = small_parameters<float>(shape);
    Transformer<Exec, float> transformer(shape);
    test::Ints const tokens{1, 2, 3}, offsets{0, 2}, rows{0}, targets{1}, last{2}, whole{0, 3};
    EXPECT_THROW(transformer.forward(parameters, {tokens, offsets, rows, targets, {}}, 1.0, false), std::logic_error);
    EXPECT_THROW(transformer.forward(parameters, {tokens, whole, rows, {}, {}}, 1.0, false), std::logic_error);
    EXPECT_THROW(transformer.forward(parameters, {tokens, whole, {}, {}, last}, 1.0, false), std::logic_error);
    test::Ints const none{0};
    EXPECT_TRUE(transformer.forward(parameters, {{}, none, {}, {}, {}}, 1.0, false).logprob.empty());
}

TEST(ModelGradient, LmLossWithEntropyAndTemperature) { lm_loss_with_entropy_and_temperature(); }
TEST(ModelGradient, ScalarHeadBesideTheLmHead) { scalar_head_beside_the_lm_head(); }
TEST(ModelGradient, BackwardAdds) { backward_adds(); }
ALIGNSWEEP_TEST_SCALARS(ModelForward, KeepingAndLogitsChangeNoNumber, keeping_and_logits_change_no_number)
ALIGNSWEEP_TEST_SCALARS(ModelForward, PackingLeaksNothing, packing_leaks_nothing)
TEST(ModelForward, InputsThatDoNotFitAreRefused) { inputs_that_do_not_fit_are_refused(); }

}  // namespace
}  // namespace alignsweep::model
