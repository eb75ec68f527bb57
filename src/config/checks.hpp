// SPDX-License-Identifier: Apache-2.0
// What checks across fields share: those of the configuration itself (validate.cpp) and those of each kind of stage.
#pragma once

#include "config/schema.hpp"
#include "core/error.hpp"

namespace alignsweep::config {

// Throws ConfigError, of `parts` one after the other, unless `condition` holds.
template <class... Parts>
void require(bool condition, Parts const&... parts) {
    if (!condition) { throw core::ConfigError(parts...); }
}

// Whether every response can be listed, and whether labels are read from files.
[[nodiscard]] bool is_enumerable(Config const& config);
[[nodiscard]] bool is_real(Config const& config);

// <section>.max_new_tokens: a prompt has at least one token, so a completion must be shorter than the context.
void check_completion(Config const& config, std::string const& section);
// The same, and in the enumerable world it must be as long as the answers there.
void check_training_completion(Config const& config, std::string const& section);
// With real data the key has one allowed value: only the simulated world knows more about an answer.
void check_choice_of_real_data(Config const& config, std::string const& section, std::string const& key,
                               std::string const& allowed);

}  // namespace alignsweep::config
