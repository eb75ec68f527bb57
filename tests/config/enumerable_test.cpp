// SPDX-License-Identifier: Apache-2.0
// Sizes of the enumerable world that agree with each other, and those that do not.
#include "config/helpers.hpp"
#include "config/values.hpp"

namespace alignsweep::config {
namespace {

using core::ConfigError;
using testing::expect_error;

Config small_world() {
    Config c = defaults();
    c.edit<WorldConfig>().kind = WorldKind::enumerable;
    c.edit<FeedbackConfig>().max_new_tokens = c.edit<kinds::RlhfConfig>().max_new_tokens =
        c.edit<kinds::OnlineDpoConfig>().online.max_new_tokens =
            c.edit<kinds::OnlineKtoConfig>().online.max_new_tokens = c.get<EnumerableConfig>().length;
    return c;
}

template <class Change>
void expect_refused(Change&& change, std::initializer_list<std::string_view> parts) {
    Config c = small_world();
    change(c);
    expect_error<ConfigError>([&] { kinds::program().validate(c); }, parts);
}

TEST(Enumerable, AgreesWithTheLengthsOfAllSampling) {
    kinds::program().validate(small_world());
    kinds::program().validate(defaults());  // the text world has nothing to do with these
    expect_refused([](Config& c) { c.edit<kinds::RlhfConfig>().max_new_tokens = 5; },
                   {"rlhf.max_new_tokens = 5", "enumerable.length = 4"});
    expect_refused([](Config& c) { c.edit<FeedbackConfig>().max_new_tokens = 3; }, {"feedback.max_new_tokens = 3"});
    expect_refused([](Config& c) { c.edit<kinds::OnlineKtoConfig>().online.max_new_tokens = 32; },
                   {"online_kto.max_new_tokens = 32"});
}

TEST(Enumerable, IsNoLargerThanCanBeListed) {
    Config c = small_world();
    c.edit<EnumerableConfig>().tokens = 16;
    c.edit<EnumerableConfig>().prompts = 18;  // 54241 responses each
    kinds::program().validate(c);
    expect_refused(
        [](Config& config) {
            config.edit<EnumerableConfig>().tokens = 16;
            config.edit<EnumerableConfig>().prompts = 19;
        },
        {"54241", "1000000"});
}

TEST(Enumerable, ItsPromptsFitTheContext) {
    // With two tokens the 256th prompt is 256 times the same letter, and the end token.
    auto const long_prompts = [](Config& c) {
        c.edit<EnumerableConfig>().tokens = 2;
        c.edit<EnumerableConfig>().prompts = 256;
    };
    expect_refused(long_prompts, {"257", "model.context = 128"});
    Config c = small_world();
    long_prompts(c);
    c.edit<ModelConfig>().context = 261;
    kinds::program().validate(c);
    c.edit<ModelConfig>().context = 260;
    expect_error<ConfigError>([&] { kinds::program().validate(c); }, {"model.context = 260"});
}

TEST(Enumerable, RefusesWhatReadsTextAndOtherTemperatures) {
    expect_refused([](Config& c) { c.edit<kinds::EvaluateConfig>().temperature = 0.5; },
                   {"evaluate.temperature = 0.5"});
    expect_refused([](Config& c) { c.edit<FeedbackConfig>().source = sources::LabelSource::constitution; },
                   {"feedback.source = constitution"});
    expect_refused(
        [](Config& c) {
            c.edit<DataConfig>().corpus = "text.txt";
            c.edit<DataConfig>().preferences = "pairs.jsonl";
        },
        {"data.corpus"});
}

}  // namespace
}  // namespace alignsweep::config
