// SPDX-License-Identifier: Apache-2.0
// Where the stages of a folder come from: a results folder may be filled by several programs on several machines, and
// bits may depend on them.
#pragma once

#include "sweep/index.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace alignsweep::sweep {

// A fact and its values over finished stages: value -> number of stages. "unknown" where a stage does not say.
struct Difference {
    std::string name;
    std::map<std::string, std::size_t> values;
};

// All facts of the finished ones of these stages, one value each or several, by name.
[[nodiscard]] std::vector<Difference> stage_facts(Ledger const& ledger, std::set<std::string> const& ids);

// How these stages were run (store::Manifest::circumstances): all values of each, joined, but of `started` the first
// and of `ended` the last.
[[nodiscard]] std::map<std::string, std::string> circumstances(Ledger const& ledger, std::set<std::string> const& ids);

// The facts in which the plan's finished stages differ from each other or from `here` (stages::run_facts, or nothing to
// compare them with each other alone), as one line: "blas is A (12 stages) and B (3 stages); ...". Empty: they agree.
[[nodiscard]] std::string describe_differences(Plan const& plan, Ledger const& ledger,
                                               std::map<std::string, std::string> const& here);

}  // namespace alignsweep::sweep
