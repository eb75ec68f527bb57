// SPDX-License-Identifier: Apache-2.0
// gold: the exact gold reward and every value of answers to the prompts of a sweep's world.
#include "score/gold.hpp"
#include "cli/commands.hpp"
#include "config/text.hpp"

#include <iostream>

namespace alignsweep::cli {

namespace {

constexpr char const* usage =
    "alignsweep gold FILE.ini... --data FILE.jsonl --out gold.h5 [--set section.key=value]...";
constexpr char const* description =
    R"(Gives the exact gold reward of any answer to a prompt of a sweep's world, and all that it is made of.

A row is {"prompt": text, "completion": text}, and "ended": false where the answer was cut, so that no end token
followed; without it one did. The prompt may lack the world's space before it and its line end behind it. A row that
can't be read, or a prompt that this world does not have, is an error; --set data.bad_rows=skip leaves such rows out
and counts them. The columns, one entry a row:

  line, kind, split    line of the data on which the row begins; fact, open, harmless or unsafe; train or heldout
  gold_reward          the values, each by its weight (world.weight_<value>), summed
  gold_share           the same as a share of the range from the worst answer to the best (attributes worst, best)
  values/<value>       topical, correct, complete, safe, polite, concise, ended: each from 0 to 1
  behaviour/<what>     answers, asks_back, refuses, no_answer, rambles: 0 or 1

The world is that of [world] and seed.world, which follows the trial's seed unless it is set. All trials of the sweep
must have the same: of a sweep with several seeds, --set sweep.seed=1 chooses one. It is a world of texts: neither
real data nor world.kind = enumerable has one.)";

void print(score::GoldSummary const& summary) {
    auto const& first = summary.means.front().values;
    std::cout << first[0].count() << " rows of " << summary.counts.rows << " (" << summary.counts.bad
              << " bad) in the world of seed " << summary.seed << "; gold rewards go from "
              << config::format_number(summary.range.worst) << " to " << config::format_number(summary.range.best)
              << "\n\n";
    std::vector<std::vector<std::string>> table{{"mean over", "all"}, {"rows"}};
    for (std::string_view const kind : world::prompt_kind_names) { table[0].emplace_back(kind); }
    for (auto const& mean : first) { table[1].push_back(std::to_string(mean.count())); }
    for (auto const& [column, means] : summary.means) {
        table.push_back({column});
        for (auto const& mean : means) { table.back().push_back(mean.count() > 0 ? short_number(mean.mean()) : "-"); }
    }
    std::cout << format_table(table);
}

}  // namespace

int gold_command(Arguments const& arguments) {
    po::options_description options("options");
    options.add_options()("data", po::value<std::string>(), "rows in JSON: JSONL or an array, .gz too")(
        "out", po::value<std::string>(), "the HDF5 file to write")(
        "set", po::value<std::vector<std::string>>()->composing(),
        "section.key=value: overrides the files, e.g. --set sweep.seed=1 (may be repeated)");
    auto const values = parse(arguments, usage, description, "file", options);
    if (!values) { return 0; }
    std::string const data = required(*values, "data", usage), out = required(*values, "out", usage);
    auto const sweep = read_sweep(*values).spec;
    print(score::gold({score::trial_of_one_world(sweep), data, out}));
    std::cout << "\nresults: " << out << '\n';
    return 0;
}

}  // namespace alignsweep::cli
