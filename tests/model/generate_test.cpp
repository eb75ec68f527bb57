// SPDX-License-Identifier: Apache-2.0
#include "model/generate.hpp"
#include "core/error.hpp"
#include "model/small_model.hpp"

#include <algorithm>
#include <numeric>

namespace alignsweep::model {
namespace {

using Prompts = std::vector<test::Ints>;

constexpr std::int32_t no_end = -1;  // a token that never comes

Prompts some_prompts(std::size_t count) {
    Prompts prompts;
    for (std::size_t i = 0; i < count; ++i) {
        prompts.push_back(SmallBatch({static_cast<std::int32_t>(1 + i * 5 % 20)}, 13, std::to_string(i)).tokens);
    }
    return prompts;
}
test::Ints ids_from(std::int32_t first, std::size_t count) {
    test::Ints ids(count);
    std::iota(ids.begin(), ids.end(), first);
    return ids;
}

template <class Scalar>
struct Model {
    explicit Model(Shape const& shape)
        : weights(small_weights<Scalar>(shape)), transformer(shape, precision_of<Scalar>) {}

    std::vector<Completion> generate(Prompts const& prompts, test::Ints const& ids, kernels::SamplingRule const& rule,
                                     int max_new_tokens, std::int32_t end_token = no_end, int chunk = 4,
                                     std::uint32_t step = 0) {
        return transformer.generate(weights, {prompts, ids, rule, core::RandomStream(5, "test/generate"), step,
                                              max_new_tokens, end_token, chunk});
    }
    // Logits of the last token of `tokens`, by the whole forward pass.
    Numbers last_logits(test::Ints const& tokens) {
        test::Ints const offsets{0, static_cast<std::int32_t>(tokens.size())};
        auto const logits = transformer.logits(weights, {tokens, offsets, {}, {}, {}});
        return {logits.end() - weights.shape.vocabulary, logits.end()};
    }

    Weights weights;
    Transformer transformer;
};

test::Ints joined(test::Ints prompt, test::Ints const& completion) {
    prompt.insert(prompt.end(), completion.begin(), completion.end());
    return prompt;
}

template <class Scalar>
void greedy_is_the_argmax_of_the_forward_pass() {
    for (bool const tied : {true, false}) {
        Model<Scalar> model(small_shape(tied, false));
        auto const prompts = some_prompts(6);
        auto const made = model.generate(prompts, ids_from(0, 6), {.temperature = 0.0}, 20);
        ASSERT_EQ(made.size(), prompts.size());
        for (std::size_t i = 0; i < prompts.size(); ++i) {
            test::Ints tokens = prompts[i];
            ASSERT_EQ(made[i].tokens.size(), 20u);
            for (std::int32_t const token : made[i].tokens) {
                auto const logits = model.last_logits(tokens);
                EXPECT_EQ(token, std::max_element(logits.begin(), logits.end()) - logits.begin());
                tokens.push_back(token);
            }
        }
    }
}

// So PPO's first ratio is 1.
template <class Scalar>
void recorded_logprobs_are_those_of_training() {
    Model<Scalar> model(small_shape(true, false));
    auto const prompts = some_prompts(9);
    for (double const temperature : {0.6, 1.0, 1.7}) {
        auto const made = model.generate(prompts, ids_from(0, 9), {.temperature = temperature}, 25, 4);
        SmallBatch batch(test::Ints{});
        Numbers recorded;
        for (std::size_t i = 0; i < prompts.size(); ++i) {
            auto const begin = static_cast<std::int32_t>(batch.tokens.size() + prompts[i].size());
            batch.tokens = joined(joined(batch.tokens, prompts[i]), made[i].tokens);
            batch.offsets.push_back(static_cast<std::int32_t>(batch.tokens.size()));
            for (std::size_t t = 0; t < made[i].tokens.size(); ++t) {
                batch.target_rows.push_back(begin + static_cast<std::int32_t>(t) - 1);
                batch.target_tokens.push_back(made[i].tokens[t]);
            }
            recorded.insert(recorded.end(), made[i].logprobs.begin(), made[i].logprobs.end());
        }
        auto const trained = model.transformer.forward(model.weights, batch.input(), temperature).logprob;
        EXPECT_EQ(recorded, trained) << temperature;
    }
}

template <class Scalar>
void rows_are_named_by_their_ids() {
    Model<Scalar> model(small_shape(true, false));
    auto const prompts = some_prompts(8);
    auto const all = model.generate(prompts, ids_from(10, 8), {}, 15, 4);
    // Neither the chunk nor what else is in it moves a bit.
    auto const again = model.generate(prompts, ids_from(10, 8), {}, 15, 4, 3);
    auto const half = model.generate(Prompts(prompts.begin() + 4, prompts.end()), ids_from(14, 4), {}, 15, 4, 1);
    auto const other_ids = model.generate(prompts, ids_from(50, 8), {}, 15, 4);
    auto const other_step = model.generate(prompts, ids_from(10, 8), {}, 15, 4, 4, 1);
    std::size_t differ_by_id = 0, differ_by_step = 0;
    for (std::size_t i = 0; i < prompts.size(); ++i) {
        EXPECT_EQ(all[i].tokens, again[i].tokens);
        EXPECT_EQ(all[i].logprobs, again[i].logprobs);
        if (i >= 4) {
            EXPECT_EQ(all[i].tokens, half[i - 4].tokens);
            EXPECT_EQ(all[i].logprobs, half[i - 4].logprobs);
        }
        differ_by_id += all[i].tokens != other_ids[i].tokens ? 1 : 0;
        differ_by_step += all[i].tokens != other_step[i].tokens ? 1 : 0;
    }
    EXPECT_GE(differ_by_id, 6u);
    EXPECT_GE(differ_by_step, 6u);
    // Equal prompts under different ids are different samples.
    auto const twins = model.generate({prompts[3], prompts[3]}, {1, 2}, {}, 20);
    EXPECT_NE(twins[0].tokens, twins[1].tokens);
}

template <class Scalar>
void rows_end_at_the_end_token() {
    Model<Scalar> model(small_shape(true, false));
    auto const prompts = some_prompts(12);
    auto const ids = ids_from(0, 12);
    auto const endless = model.generate(prompts, ids, {}, 20, no_end, 12);
    auto const made = model.generate(prompts, ids, {}, 20, 4, 12);
    std::size_t ended = 0;
    for (std::size_t i = 0; i < prompts.size(); ++i) {
        EXPECT_FALSE(endless[i].ended);
        EXPECT_EQ(endless[i].tokens.size(), 20u);
        auto const end = std::find(endless[i].tokens.begin(), endless[i].tokens.end(), 4);
        EXPECT_EQ(made[i].ended, end != endless[i].tokens.end());
        test::Ints want(endless[i].tokens.begin(), end);
        if (made[i].ended) { want.push_back(4); }  // with the end token, and nothing after it
        EXPECT_EQ(made[i].tokens, want);
        EXPECT_EQ(made[i].logprobs.size(), want.size());
        ended += made[i].ended ? 1 : 0;
    }
    EXPECT_GT(ended, 0u);
    EXPECT_LT(ended, 12u);
}

template <class Scalar>
void edges() {
    Model<Scalar> model(small_shape(true, false));
    auto const prompts = some_prompts(5);
    for (Completion const& made : model.generate(prompts, ids_from(0, 5), {}, 0)) {
        EXPECT_TRUE(made.tokens.empty());
        EXPECT_FALSE(made.ended);
    }
    auto const longer = model.generate(prompts, ids_from(0, 5), {}, 3);
    auto const one = model.generate(prompts, ids_from(0, 5), {}, 1);
    for (std::size_t i = 0; i < 5; ++i) { EXPECT_EQ(one[i].tokens, test::Ints{longer[i].tokens[0]}); }
    EXPECT_TRUE(model.generate({}, {}, {}, 3).empty());
    EXPECT_EQ(model.generate({{7}}, {0}, {}, 47)[0].tokens.size(), 47u);  // just the context of 48
    EXPECT_THROW(model.generate({{7}}, {0}, {}, 48), core::ConfigError);
    EXPECT_THROW(model.generate({{7}, test::Ints(49, 1)}, {0, 1}, {}, 0), core::ConfigError);
    EXPECT_THROW(model.generate({{}}, {0}, {}, 1), std::logic_error);
    EXPECT_THROW(model.generate({{7}}, {}, {}, 1), std::logic_error);
    EXPECT_THROW(model.generate({{7}}, {0}, {}, 1, no_end, 0), std::logic_error);
}

ALIGNSWEEP_TEST_SCALARS(Generate, GreedyIsTheArgmaxOfTheForwardPass, greedy_is_the_argmax_of_the_forward_pass)
ALIGNSWEEP_TEST_SCALARS(Generate, RecordedLogprobsAreThoseOfTraining, recorded_logprobs_are_those_of_training)
ALIGNSWEEP_TEST_SCALARS(Generate, RowsAreNamedByTheirIds, rows_are_named_by_their_ids)
ALIGNSWEEP_TEST_SCALARS(Generate, RowsEndAtTheEndToken, rows_end_at_the_end_token)
TEST(Generate, Edges) { edges<float>(); }

}  // namespace
}  // namespace alignsweep::model
