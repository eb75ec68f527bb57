// SPDX-License-Identifier: Apache-2.0
// status: the rows and the progress of a sweep that is running or was.
#include "cli/options.hpp"
#include "cli/table.hpp"
#include "core/error.hpp"
#include "kinds/kinds.hpp"
#include "sweep/claim.hpp"
#include "sweep/index.hpp"
#include "sweep/provenance.hpp"
#include "sweep/sweep_ini.hpp"

#include <iostream>

namespace alignsweep::cli {

int status_command(Arguments const& arguments) {
    namespace po = boost::program_options;
    auto const values = parse(arguments, "alignsweep status DIR",
                              "Shows every trial of the sweep in a results folder, and the stages that run now.",
                              po::options_description("options"), "dir");
    if (!values) { return 0; }
    auto const folders =
        values->count("dir") > 0 ? (*values)["dir"].as<std::vector<std::string>>() : std::vector<std::string>();
    if (folders.size() != 1) {
        throw core::ConfigError(core::concat(
            folders.empty() ? "no results folder given" : "one results folder is allowed", " (see --help)"));
    }
    std::filesystem::path const out = folders.front();
    auto const spec = config::expand(sweep::read_sweep_ini(out), kinds::program());
    auto const plan = sweep::make_plan(spec);
    sweep::Ledger const ledger(plan, out / "stages", "");
    std::cout << trials_table(sweep::make_rows(plan, ledger));
    std::size_t done = 0;
    for (auto const& [id, stage] : plan.stages) {
        done += ledger.status(id) == sweep::StageStatus::done ? 1 : 0;
        if (ledger.status(id) == sweep::StageStatus::running) {
            double const share = sweep::Claim::progress(ledger.claim_folder(id)).value_or(0.0);
            std::cout << "running: " << id << " " << static_cast<int>(100.0 * share) << " %\n";
        }
    }
    std::cout << done << " of " << plan.stages.size() << " stages done\n";
    std::string const differences = sweep::describe_differences(plan, ledger, {});
    if (!differences.empty()) { std::cout << "stages of several programs or machines: " << differences << '\n'; }
    auto const broken = ledger.with_status(sweep::StageStatus::broken);
    for (std::string const& id : broken) { std::cout << "broken: " << ledger.error_of(id) << '\n'; }
    return broken.empty() ? 0 : static_cast<int>(core::ExitCode::io);
}

}  // namespace alignsweep::cli
