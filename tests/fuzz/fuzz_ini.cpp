// SPDX-License-Identifier: Apache-2.0
// Configuration: the input is an INI file, from its lines to the trials of the sweep, and each line is a --set as well.
#include "config/ini.hpp"
#include "config/sweep_plan.hpp"
#include "config/values.hpp"
#include "fuzz/fuzz.hpp"

#include <array>

using namespace alignsweep;

namespace {

// As a kind's section: fields of its own and those of an optimiser.
struct Dpo {
    config::Int epochs = 3;
    double beta = 0.1;
    bool normalise = true;
    config::OptimizerConfig optimizer{.learning_rate = 3e-4};

    void fields(config::FieldVisitor& visit) {
        visit("epochs", epochs, config::Range{0, 1e6}, "passes over the pairs");
        visit("beta", beta, config::positive, "strength of the tie to the reference");
        visit("normalise", normalise, "scores of mean 0");
        optimizer.fields(visit);
    }
};

// Those that all kinds of stages share, and one more.
config::Config defaults() {
    auto sections = config::Config().sections();
    sections.push_back(config::Section::of<Dpo>("dpo"));
    return config::Config(std::move(sections));
}

std::vector<std::string> const methods{"rlhf", "dpo", "kto", "best_of_n", "online_dpo", "online_kto"};

// A sweep of a million trials is allowed and takes minutes: the target makes no more than this many.
constexpr std::size_t most_points = 2000;

std::size_t points_of(config::SweepEntries const& sweep) {
    std::size_t points = sweep.methods.size() * sweep.seeds.size();
    for (auto const& group : sweep.groups) {
        points *= group.front().values.size();
        if (points > most_points) { break; }
    }
    return points;
}

// to_ini promises that reading it back gives the same configuration.
void check_printing(config::Config const& values) {
    std::string const text = config::to_ini(values);
    auto const again = config::apply(config::read_ini(fuzz::write_file("again.ini", text)), defaults());
    if (config::to_ini(again) != text) { fuzz::finding("to_ini does not read back:\n" + text); }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const text = fuzz::text_of(data, size);
    auto const file = fuzz::write_file("sweep.ini", text);
    fuzz::write_file("base.ini", "[dpo]\nbeta = 0.2\n");
    std::vector<config::Entry> entries;
    for (std::size_t at = 0; at < text.size();) {
        std::size_t const end = std::min(text.find('\n', at), text.size());
        fuzz::accepts("", [&] {
            entries = {config::parse_set(text.substr(at, end - at))};
            return config::apply(entries, defaults());
        });
        at = end + 1;
    }
    if (!fuzz::accepts(".ini", [&] { return (entries = config::read_ini(file)).size(); })) { return 0; }
    fuzz::accepts("", [&] {
        auto const values = config::apply(entries, defaults());
        check_printing(values);
        if (points_of(config::read_sweep(entries, methods, values)) > most_points) { return false; }
        auto const sweep = config::expand(entries, {defaults(), methods, config::validate});
        fuzz::require(!sweep.trials.empty(), "a sweep without a trial");
        check_printing(sweep.trials.back().config);
        return true;
    });
    return 0;
}
