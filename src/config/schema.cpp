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
                Section::of<RunConfig>("run")} {}

}  // namespace alignsweep::config
