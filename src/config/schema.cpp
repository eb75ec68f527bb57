// SPDX-License-Identifier: Apache-2.0
#include "config/schema.hpp"

namespace alignsweep::config {

Config::Config()
    : sections_{Section::of<SeedConfig>("seed"),
                Section::of<WorldConfig>("world"),
                Section::of<EnumerableConfig>("enumerable"),
                Section::of<CorpusConfig>("corpus"),
                Section::of<TokenizerConfig>("tokenizer"),
                Section::of<DataConfig>("data"),
                Section::of<ModelConfig>("model"),
                Section::of<PretrainConfig>("pretrain"),
                Section::of<SftConfig>("sft"),
                Section::of<FeedbackConfig>("feedback"),
                Section::of<RewardModelConfig>("reward_model"),
                Section::of<RlhfConfig>("rlhf"),
                Section::of<DpoConfig>("dpo"),
                Section::of<KtoConfig>("kto"),
                Section::of<BestOfNConfig>("best_of_n"),
                Section::of<OnlineDpoConfig>("online_dpo"),
                Section::of<OnlineKtoConfig>("online_kto"),
                Section::of<EvaluateConfig>("evaluate"),
                Section::of<TokenValuesConfig>("token_values"),
                Section::of<RunConfig>("run")} {}

}  // namespace alignsweep::config
