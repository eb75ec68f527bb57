// SPDX-License-Identifier: Apache-2.0
#include "cli/options.hpp"

#include "core/error.hpp"
#include "kinds/kinds.hpp"

#include <iostream>

namespace alignsweep::cli {

namespace po = boost::program_options;

std::optional<po::variables_map> parse(Arguments const& arguments, std::string const& usage, std::string const& text,
                                       po::options_description options, char const* positional) {
    options.add_options()("help,h", "this text");
    po::options_description hidden;
    hidden.add(options);
    po::positional_options_description places;
    if (positional != nullptr) {
        hidden.add_options()(positional, po::value<std::vector<std::string>>());
        places.add(positional, -1);
    }
    po::variables_map values;
    try {
        po::store(po::command_line_parser(arguments.words).options(hidden).positional(places).run(), values);
        po::notify(values);
    } catch (po::error const& error) {
        std::string allowed;
        for (auto const& option : options.options()) { allowed += " --" + option->long_name(); }
        throw core::ConfigError(core::concat(error.what(), " (", usage, "; options:", allowed, ")"));
    }
    if (values.count("help") > 0) {
        std::cout << "usage: " << usage << "\n\n" << text << "\n\n" << options << '\n';
        return std::nullopt;
    }
    return values;
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
    if (values.count("file") == 0) { throw core::ConfigError("no INI file given (see --help)"); }
    std::vector<std::filesystem::path> files;
    for (auto const& file : values["file"].as<std::vector<std::string>>()) { files.emplace_back(file); }
    std::vector<std::string> sets;
    if (values.count("set") > 0) { sets = values["set"].as<std::vector<std::string>>(); }
    auto const entries = config::read_all(files, sets);
    SweepInput input{entries, config::expand(entries, kinds::program()), {}};
    input.out = values.count("out") > 0 ? std::filesystem::path(values["out"].as<std::string>())
                                        : std::filesystem::path("results") / experiment_name(files.back());
    return input;
}

}  // namespace alignsweep::cli
