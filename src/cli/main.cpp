// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.hpp"
#include "cli/entry.hpp"
#include "config/text.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "core/machine.hpp"
#include "core/text.hpp"

#include <fmt/core.h>

#include <iostream>

namespace alignsweep::cli {

namespace {

struct Command {
    char const* name;
    char const* summary;
    int (*run)(Arguments const&);
};

constexpr Command commands[] = {
    {"sweep", "runs or resumes a sweep (alone, or under mpirun or srun)", sweep_command},
    {"train", "runs one trial: the first of a sweep", train_command},
    {"plan", "shows what a sweep would run; runs nothing", plan_command},
    {"status", "shows how far a sweep is", status_command},
    {"verify", "checks every file of a results folder", verify_command},
    {"repair", "sets broken stages aside, so that the next run makes just those again", repair_command},
    {"score", "scores a data set row by row, in any model", score_command},
    {"gold", "gives the exact gold reward and values of answers in a sweep's world", gold_command},
    {"methods", "lists the methods and all configuration keys", methods_command},
};

void print_help(std::ostream& out) {
    out << "usage: alignsweep COMMAND [options]\n\n"
           "Trains a compact language model from pre-training to alignment, many times over, and compares RLHF, DPO\n"
           "and KTO under controlled seeds. Results go to HDF5.\n\n";
    for (Command const& command : commands) { out << fmt::format("  {:<10}{}\n", command.name, command.summary); }
    out << "\nalignsweep COMMAND --help tells more. --kokkos-* flags go to Kokkos.\n"
           "Exit codes: 0 all done; 1 some trial failed; 2 usage or configuration; 3 input or output; 75 stopped on a\n"
           "signal, run again to go on.\n";
}

int run(int& argc, char**& argv) {
    std::string const name = argc > 1 ? argv[1] : "";
    if (name.empty() || name == "--help" || name == "-h" || name == "help") {
        print_help(name.empty() ? std::cerr : std::cout);
        return name.empty() ? 2 : 0;
    }
    if (name == "--version") {
        std::cout << "alignsweep " << core::version() << " (" << core::git_commit() << ")\n";
        return 0;
    }
    for (Command const& command : commands) {
        if (name != command.name) { continue; }
        Arguments arguments{{}, &argc, &argv};
        for (int i = 2; i < argc; ++i) {
            if (!std::string(argv[i]).starts_with("--kokkos-")) { arguments.words.emplace_back(argv[i]); }
        }
        return command.run(arguments);
    }
    std::vector<std::string> allowed;
    for (Command const& command : commands) { allowed.emplace_back(command.name); }
    throw core::ConfigError("unknown command ", core::excerpt(name), " (allowed: ", config::join(allowed), ")");
}

}  // namespace

}  // namespace alignsweep::cli

int alignsweep_main(int argc, char** argv) {
    try {
        return alignsweep::cli::run(argc, argv);
    } catch (std::exception const& error) {
        auto const failure = alignsweep::core::failure_of(error);
        alignsweep::core::log_error(failure.message);
        return static_cast<int>(failure.code);
    }
}
