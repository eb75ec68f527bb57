// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.hpp"

#include "config/checks.hpp"
#include "core/error.hpp"
#include "kinds/kinds.hpp"
#include "model/runtime.hpp"

#include <iostream>

namespace alignsweep::cli {

std::optional<po::variables_map> parse(Arguments const& arguments, std::string const& usage, std::string const& text,
                                       char const* positional, po::options_description options) {
    options.add_options()("help,h", "this text");
    po::options_description hidden;
    hidden.add(options);
    po::positional_options_description places;
    hidden.add_options()(positional, po::value<std::vector<std::string>>());
    places.add(positional, -1);
    po::variables_map values;
    try {
        po::store(po::command_line_parser(arguments.words).options(hidden).positional(places).run(), values);
        po::notify(values);
    } catch (po::error const& error) {
        std::string allowed;
        for (auto const& option : options.options()) { allowed += " --" + option->long_name(); }
        throw core::ConfigError(error.what(), " (", usage, "; options:", allowed, ")");
    }
    if (values.count("help") > 0) {
        std::cout << "usage: " << usage << "\n\n" << text << "\n\n" << options << '\n';
        return std::nullopt;
    }
    return values;
}

std::vector<std::string> all_of(po::variables_map const& values, char const* name) {
    return values.count(name) > 0 ? values[name].as<std::vector<std::string>>() : std::vector<std::string>();
}

std::string one_of(po::variables_map const& values, char const* name) {
    return values.count(name) > 0 ? values[name].as<std::string>() : std::string();
}

std::string required(po::variables_map const& values, char const* name, std::string const& usage) {
    config::require(values.count(name) > 0, "no --", name, " given (usage: ", usage, ")");
    return one_of(values, name);
}

po::options_description sweep_options() {
    po::options_description options("options");
    options.add_options()("set", po::value<std::vector<std::string>>()->composing(),
                          "section.key=value: overrides the files, e.g. --set sweep.seed=1..8 (may be repeated)")(
        "out", po::value<std::string>(), "results folder (default: results/<name of the experiment>)");
    return options;
}

namespace {

// experiments/demo/sweep.ini -> demo; my.ini -> my.
std::string experiment_name(std::filesystem::path const& file) {
    auto const absolute = std::filesystem::absolute(file);
    return absolute.stem() == "sweep" ? absolute.parent_path().filename().string() : absolute.stem().string();
}

}  // namespace

SweepInput read_sweep(po::variables_map const& values) {
    auto const names = all_of(values, "file");
    if (names.empty()) { throw core::ConfigError("no INI file given (see --help)"); }
    auto const entries = config::read_all({names.begin(), names.end()}, all_of(values, "set"));
    auto out = std::filesystem::path("results") / experiment_name(names.back());
    if (values.count("out") > 0) { out = one_of(values, "out"); }
    SweepInput input{entries, config::expand(entries, kinds::program()), out};
    for (auto const& trial : input.spec.trials) {
        model::use_arithmetic(trial.config.get<config::RunConfig>().arithmetic);
    }
    return input;
}

}  // namespace alignsweep::cli
