// SPDX-License-Identifier: Apache-2.0
// The whole model against central differences in double, every element of every named tensor; and what a chunk's
// forward and backward pass promise besides.
#include "model/learner.hpp"
#include "model/small_model.hpp"

#include <cmath>
#include <stdexcept>

namespace alignsweep::model {
namespace {

// The loss a . logprob + b . entropy + c . value of one batch; an empty factor is zero.
struct Loss {
    SmallBatch batch;
    double temperature;
    ChunkGradients weights;

    double of(Transformer& transformer, Weights const& model) const {
        auto const outputs = transformer.forward(model, batch.input(!weights.value.empty()), temperature);
        return test::dot(weights.logprob, outputs.logprob) + test::dot(weights.entropy, outputs.entropy) +
               test::dot(weights.value, outputs.value);
    }
};

void pass(Learner& learner, Loss const& loss) {
    learner.forward(loss.batch.input(!loss.weights.value.empty()), loss.temperature);
    learner.backward(loss.weights);
}
Numbers gradient(Learner& learner, Loss const& loss) {
    pass(learner, loss);
    return learner.take_gradient();
}

void check_every_tensor(Shape const& shape, Loss const& loss) {
    auto weights = small_weights<double>(shape);
    Learner learner(weights, {});
    auto const got = gradient(learner, loss);
    auto const flat = to_host<double>(weights);
    for (Tensor const& tensor : weights.layout.tensors()) {
        auto const want = test::numerical_gradient(elements(flat, tensor), [&](Numbers const& at) {
            set_tensor(weights, tensor, at);
            return loss.of(learner.transformer(), weights);
        });
        from_host(flat, weights);
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

// Chunks add up; zero derivatives add nothing; a second pass gives the same bits.
void backward_adds() {
    SmallBatch const batch({4, 7});
    Shape const shape = small_shape(true, true);
    auto weights = small_weights<double>(shape);
    Learner learner(weights, {});
    Numbers const ones(batch.target_rows.size(), 1.0);
    Loss const loss{batch, 1.0, {ones, {}, {1.0, -1.0}}};
    auto const once = gradient(learner, loss);
    EXPECT_EQ(gradient(learner, loss), once);
    for (int i = 0; i < 2; ++i) { pass(learner, loss); }
    learner.forward(batch.input(true), 1.0);
    learner.backward({});
    Numbers twice = once;
    for (double& value : twice) { value *= 2.0; }
    EXPECT_LE(test::norm_error(learner.take_gradient(), twice), 1e-14);
    EXPECT_THROW(learner.backward(loss.weights), std::logic_error) << "no forward pass";
    learner.transformer().forward(weights, batch.input(true), 1.0);
    EXPECT_THROW(learner.backward(loss.weights), std::logic_error) << "not kept";
    EXPECT_THROW(learner.take_gradient(), std::logic_error) << "nothing was added";
}

template <class Scalar>
void keeping_and_logits_change_no_number() {
    SmallBatch const batch({17, 3, 20});
    Shape const shape = small_shape(false, false);
    auto weights = small_weights<Scalar>(shape);
    Learner learner(weights, {});
    Transformer& transformer = learner.transformer();
    auto const kept = learner.forward(batch.input(), 1.0);
    auto const not_kept = transformer.forward(weights, batch.input(), 1.0);
    EXPECT_EQ(kept.logprob, not_kept.logprob);
    EXPECT_EQ(kept.entropy, not_kept.entropy);
    auto const logits = transformer.logits(weights, batch.input());
    ASSERT_EQ(logits.size(), batch.tokens.size() * 13);
    for (std::size_t k = 0; k < batch.target_rows.size(); ++k) {
        auto const row = logits.begin() + 13 * batch.target_rows[k];
        double sum = 0.0;
        for (int v = 0; v < 13; ++v) { sum += std::exp(row[v]); }
        EXPECT_NEAR(kept.logprob[k], row[batch.target_tokens[k]] - std::log(sum), 1e-5);
    }
}

// The last layer goes on with the rows that are read, and what follows them: without the others no number changes, and
// no gradient a bit. Two blocks of products' sums and a part, sequences of which nothing is read among them.
template <class Scalar>
void rows_that_nobody_reads_move_no_bit() {
    test::Ints lengths{0, 1, 48, 2};
    lengths.insert(lengths.end(), 13, 41);
    SmallBatch batch(lengths);
    batch.value_rows.erase(batch.value_rows.begin() + 3, batch.value_rows.begin() + 5);
    batch.value_rows.insert(batch.value_rows.begin() + 4, batch.value_rows[3] + 7);
    auto weights = small_weights<Scalar>(small_shape(true, true));
    Learner learner(weights, {});
    ChunkInput const all = batch.input(true), some{all.tokens, all.offsets, {}, {}, all.value_rows};
    ChunkGradients const slopes{{}, {}, test::normal_values(batch.value_rows.size(), "c")};
    auto const values = learner.forward(all, 1.0).value;
    learner.backward(slopes);
    auto const gradient = learner.take_gradient();
    EXPECT_EQ(learner.forward(some, 1.0).value, values);
    learner.backward(slopes);
    EXPECT_EQ(learner.take_gradient(), gradient);
    EXPECT_EQ(learner.transformer().forward(weights, some, 1.0).value, values);
}

// A sequence's numbers do not depend on what is packed beside it (to rounding: products cut rows into tiles).
template <class Scalar>
void packing_leaks_nothing() {
    SmallBatch const batch({17, 5, 30});
    Shape const shape = small_shape(true, false);
    auto const weights = small_weights<Scalar>(shape);
    Transformer transformer(shape, precision_of<Scalar>);
    auto const together = transformer.forward(weights, batch.input(), 1.0).logprob;
    Numbers apart;
    for (std::size_t s = 0; s + 1 < batch.offsets.size(); ++s) {
        test::Ints const tokens(batch.tokens.begin() + batch.offsets[s], batch.tokens.begin() + batch.offsets[s + 1]);
        test::Ints const offsets{0, static_cast<std::int32_t>(tokens.size())};
        test::Ints rows, targets;
        for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
            rows.push_back(static_cast<std::int32_t>(i));
            targets.push_back(tokens[i + 1]);
        }
        auto const alone = transformer.forward(weights, {tokens, offsets, rows, targets, {}}, 1.0).logprob;
        apart.insert(apart.end(), alone.begin(), alone.end());
    }
    EXPECT_TRUE(test::allclose(together, apart, test::rounding<Scalar>(64)));
}

void inputs_that_do_not_fit_are_refused() {
    Shape const shape = small_shape(true, false);
    auto const weights = small_weights<float>(shape);
    Transformer transformer(shape);
    test::Ints const tokens{1, 2, 3}, offsets{0, 2}, rows{0}, targets{1}, last{2}, whole{0, 3};
    EXPECT_THROW(transformer.forward(weights, {tokens, offsets, rows, targets, {}}, 1.0), std::logic_error);
    EXPECT_THROW(transformer.forward(weights, {tokens, whole, rows, {}, {}}, 1.0), std::logic_error);
    EXPECT_THROW(transformer.forward(weights, {tokens, whole, {}, {}, last}, 1.0), std::logic_error);
    auto const in_double = small_weights<double>(shape);
    EXPECT_THROW(transformer.forward(in_double, {tokens, whole, rows, targets, {}}, 1.0), std::logic_error);
    test::Ints const none{0};
    EXPECT_TRUE(transformer.forward(weights, {{}, none, {}, {}, {}}, 1.0).logprob.empty());
}

TEST(ModelGradient, LmLossWithEntropyAndTemperature) { lm_loss_with_entropy_and_temperature(); }
TEST(ModelGradient, ScalarHeadBesideTheLmHead) { scalar_head_beside_the_lm_head(); }
TEST(ModelGradient, BackwardAdds) { backward_adds(); }
ALIGNSWEEP_TEST_SCALARS(ModelForward, KeepingAndLogitsChangeNoNumber, keeping_and_logits_change_no_number)
ALIGNSWEEP_TEST_SCALARS(ModelGradient, RowsThatNobodyReadsMoveNoBit, rows_that_nobody_reads_move_no_bit)
ALIGNSWEEP_TEST_SCALARS(ModelForward, PackingLeaksNothing, packing_leaks_nothing)
TEST(ModelForward, InputsThatDoNotFitAreRefused) { inputs_that_do_not_fit_are_refused(); }

}  // namespace
}  // namespace alignsweep::model
