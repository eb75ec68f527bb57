// SPDX-License-Identifier: Apache-2.0
// Options that the commands share.
#pragma once

#include "cli/commands.hpp"
#include "config/sweep_plan.hpp"

#include <boost/program_options.hpp>

#include <filesystem>
#include <optional>

namespace alignsweep::cli {

// Parses a command's words. Prints help (usage line, text, options) and returns nothing on --help; throws ConfigError
// on a bad option, with the options that there are.
std::optional<boost::program_options::variables_map> parse(Arguments const& arguments, std::string const& usage,
                                                           std::string const& text,
                                                           boost::program_options::options_description options,
                                                           char const* positional);

// --set and the INI files, resolved to trials.
struct SweepInput {
    std::vector<config::Entry> entries;
    config::SweepSpec spec;
    std::filesystem::path out;
};
boost::program_options::options_description sweep_options();
SweepInput read_sweep(boost::program_options::variables_map const& values);

}  // namespace alignsweep::cli
