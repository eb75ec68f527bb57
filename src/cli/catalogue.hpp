// SPDX-License-Identifier: Apache-2.0
// What `alignsweep methods` says of each method: the signal it learns from, its equation, where it comes from, and the
// variants that a key chooses.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace alignsweep::cli {

// One value of a key and what it stands for.
struct Variant {
    std::string key, value;  // "dpo.loss", "ipo"
    std::string equation;    // or what it does
    std::string source;      // paper and equation
};

struct MethodEntry {
    std::string name;     // of the stage kind
    std::string section;  // of its keys
    std::string signal;   // what it learns from
    std::string equation, source;
    std::vector<Variant> variants;
};

// In the order of a model's life: sft, feedback, reward_model, then the methods of alignment.
[[nodiscard]] std::span<MethodEntry const> catalogue();

}  // namespace alignsweep::cli
