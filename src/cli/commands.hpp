// SPDX-License-Identifier: Apache-2.0
// The subcommands, and the options and tables that they share. Each parses its own options and returns the program's
// exit code; bad input throws core::Error.
#pragma once

#include "config/sweep_plan.hpp"
#include "store/sweep_file.hpp"

#include <boost/program_options.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace alignsweep::cli {

namespace po = boost::program_options;

// What main gives a command: its own arguments, and argc/argv for MPI and Kokkos.
struct Arguments {
    std::vector<std::string> words;
    int* argc = nullptr;
    char*** argv = nullptr;
};

int sweep_command(Arguments const& arguments);
int train_command(Arguments const& arguments);
int plan_command(Arguments const& arguments);
int status_command(Arguments const& arguments);
int verify_command(Arguments const& arguments);
int repair_command(Arguments const& arguments);
int score_command(Arguments const& arguments);
int gold_command(Arguments const& arguments);
int methods_command(Arguments const& arguments);

// Parses a command's words. Prints help (usage line, text, options) and returns nothing on --help; throws ConfigError
// on a bad option, with the options that there are.
std::optional<po::variables_map> parse(Arguments const& arguments, std::string const& usage, std::string const& text,
                                       char const* positional,
                                       po::options_description options = po::options_description("options"));

// All values of an option that may be repeated, and of the positional ones; one value, empty where it was not given.
std::vector<std::string> all_of(po::variables_map const& values, char const* name);
std::string one_of(po::variables_map const& values, char const* name);
// One value; throws ConfigError with the usage where it was not given.
std::string required(po::variables_map const& values, char const* name, std::string const& usage);

// --set and the INI files, resolved to trials.
struct SweepInput {
    std::vector<config::Entry> entries;
    config::SweepSpec spec;
    std::filesystem::path out;
};
po::options_description sweep_options();
SweepInput read_sweep(po::variables_map const& values);

// --- plain-text tables for the terminal ---
// Columns padded to their widest cell; the first row is the head. A row of one cell is a remark of any length.
[[nodiscard]] std::string format_table(std::vector<std::vector<std::string>> const& rows);
// One row a trial: method, seed, axes, status, the main metrics.
[[nodiscard]] std::string trials_table(std::vector<store::TrialRow> const& rows);
// A number with three significant digits ("0.0412", "4.07", "1.2e+07"), "-" for NaN.
[[nodiscard]] std::string short_number(double value);

}  // namespace alignsweep::cli
