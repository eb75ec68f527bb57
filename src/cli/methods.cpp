// SPDX-License-Identifier: Apache-2.0
// methods: what there is, and every key of the configuration with its default.
#include "cli/options.hpp"
#include "cli/table.hpp"
#include "config/values.hpp"
#include "stages/stage.hpp"

#include <iostream>
#include <map>

namespace alignsweep::cli {

namespace {

struct About {
    char const *signal, *source;
};

About about(std::string const& method) {
    static std::map<std::string, About> const known{
        {"rlhf", {"pairs, through a reward model", "Schulman et al. 1707.06347; Ziegler et al. 1909.08593"}},
        {"dpo", {"pairs", "Rafailov et al. 2305.18290, eq. 7"}},
        {"kto", {"thumbs", "Ethayarajh et al. 2402.01306, eq. 8"}},
        {"best_of_n", {"pairs, through a reward model", "Gao et al. 2210.10760; KL: Beirami et al. 2401.01879"}},
        {"online_dpo", {"its own answers, judged", "Guo et al. 2402.04792"}},
        {"online_kto", {"its own answers, judged", "as online_dpo, with the loss of kto"}}};
    auto const found = known.find(method);
    return found == known.end() ? About{"", ""} : found->second;
}

// Models as the defaults hold them.
std::vector<std::vector<std::string>> method_table() {
    std::vector<std::vector<std::string>> table{{"method", "signal", "models in memory", "source"}};
    for (std::string const& method : stages::method_names()) {
        std::string models;
        for (std::string const& role : stages::models_held(method, {})) {
            models += (models.empty() ? "" : ", ") + role;
        }
        table.push_back({method, about(method).signal, models, about(method).source});
    }
    return table;
}

}  // namespace

int methods_command(Arguments const& arguments) {
    namespace po = boost::program_options;
    auto const values =
        parse(arguments, "alignsweep methods", "Lists the methods of alignment and all keys of the configuration.",
              po::options_description("options"), nullptr);
    if (!values) { return 0; }
    std::cout << format_table(method_table());
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
