// SPDX-License-Identifier: Apache-2.0
// methods: what there is, and every key of the configuration with its default.
#include "cli/options.hpp"
#include "cli/table.hpp"
#include "config/values.hpp"

#include <iostream>

namespace alignsweep::cli {

int methods_command(Arguments const& arguments) {
    namespace po = boost::program_options;
    auto const values =
        parse(arguments, "alignsweep methods", "Lists the methods of alignment and all keys of the configuration.",
              po::options_description("options"), nullptr);
    if (!values) { return 0; }
    std::cout << format_table(
        {{"method", "signal", "models in memory", "source"},
         {"rlhf", "pairs, through a reward model", "policy, value, reference, reward model",
          "Schulman et al. 1707.06347; Ziegler et al. 1909.08593"},
         {"dpo", "pairs", "policy (reference log-probabilities are stored)", "Rafailov et al. 2305.18290, eq. 7"},
         {"kto", "thumbs", "policy (reference log-probabilities are stored)", "Ethayarajh et al. 2402.01306, eq. 8"}});
    std::string section;
    std::vector<std::vector<std::string>> table;
    auto const flush = [&] {
        std::cout << format_table(table);
        table.clear();
    };
    for (auto const& key : config::all_keys()) {
        if (key.section != section) {
            flush();
            section = key.section;
            std::cout << "\n[" << section << "]\n";
        }
        table.push_back({key.key, key.default_value.empty() ? "(empty)" : key.default_value, key.allowed, key.help});
    }
    flush();
    return 0;
}

}  // namespace alignsweep::cli
