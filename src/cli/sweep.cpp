// SPDX-License-Identifier: Apache-2.0
// sweep, train: run the stages of a plan.
#include "cli/options.hpp"
#include "cli/table.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "sweep/index.hpp"
#include "sweep/scheduler.hpp"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <thread>

namespace alignsweep::cli {

namespace po = boost::program_options;

namespace {

// Cores of this process's share of the node, unless the user said otherwise.
int choose_threads(int asked, sweep::Comm const& comm) {
    if (asked > 0) { return asked; }
    if (std::getenv("OMP_NUM_THREADS") != nullptr || std::getenv("KOKKOS_NUM_THREADS") != nullptr) { return 0; }
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()) / comm.node_size());
}

int run(Arguments const& arguments, std::string const& usage, std::string const& text, bool first_trial_only) {
    auto options = sweep_options();
    options.add_options()("threads", po::value<int>()->default_value(0),
                          "threads of a rank (default: OMP_NUM_THREADS, else cores divided by the node's ranks)");
    auto const values = parse(arguments, usage, text, options, "file");
    if (!values) { return 0; }
    sweep::Comm const comm(*arguments.argc, *arguments.argv);
    int code = 0;
    try {
        if (comm.size() > 1) { core::set_log_prefix(core::concat("[rank ", comm.rank(), "] ")); }
        auto input = read_sweep(*values);
        if (first_trial_only) { input.spec.trials.resize(1); }
        stages::Runtime const runtime(*arguments.argc, *arguments.argv,
                                      choose_threads((*values)["threads"].as<int>(), comm));
        sweep::install_signal_handlers();
        auto const plan = sweep::make_plan(input.spec);
        code = sweep::run_plan(plan, input.entries, input.out, comm);
        if (comm.rank() == 0) {
            sweep::Ledger const ledger(plan, input.out / "stages", "");
            std::cout << trials_table(sweep::make_rows(plan, ledger));
            std::cout << "results: " << (input.out / "sweep.h5").string() << '\n';
        }
    } catch (core::Error const& error) {
        // Every rank reads the same configuration, so bad input is seen by all; only one says so.
        if (comm.rank() == 0 || error.code() == core::ExitCode::io) { core::log_error(error.what()); }
        code = static_cast<int>(error.code());
        if (error.code() == core::ExitCode::io && comm.size() > 1) { comm.abort(code); }
    }
    return code;
}

}  // namespace

int sweep_command(Arguments const& arguments) {
    return run(arguments, "alignsweep sweep FILE.ini... [--set section.key=value]... [--out DIR]",
               "Runs every trial of a sweep, or what is missing of it: stages that are done are never run again.",
               false);
}

int train_command(Arguments const& arguments) {
    return run(arguments, "alignsweep train FILE.ini... [--set section.key=value]... [--out DIR]",
               "Runs one trial, the first of the sweep that the files describe.", true);
}

}  // namespace alignsweep::cli
