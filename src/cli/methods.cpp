// SPDX-License-Identifier: Apache-2.0
// methods: what there is: signals, models, equations, sources, and every key of the configuration with its default.
#include "cli/commands.hpp"
#include "config/checks.hpp"
#include "config/text.hpp"
#include "config/values.hpp"
#include "kinds/kinds.hpp"

#include <iostream>

namespace alignsweep::cli {

namespace {

using stages::Descriptor;
using Table = std::vector<std::vector<std::string>>;

// The kinds that have something to say, in the order of a model's life.
std::vector<Descriptor> catalogue() {
    std::vector<Descriptor> kinds = kinds::all();
    std::erase_if(kinds, [](Descriptor const& kind) { return !kind.entry; });
    return kinds;
}

std::string models_of(Descriptor const& kind) {
    if (kind.purpose != stages::Purpose::method) { return "-"; }
    return config::join(kinds::models_held(kind.name, kinds::program().defaults));
}

void print_overview() {
    Table table{{"method", "signal", "models in memory", "source"}};
    for (Descriptor const& kind : catalogue()) {
        table.push_back({kind.name, kind.entry->signal, models_of(kind), kind.entry->source});
    }
    std::cout
        << format_table(table)
        << "\nModels in memory go by the defaults; log-probabilities of a fixed reference are stored, not held.\n";
}

void print_entry(Descriptor const& kind) {
    std::cout << "\n" << kind.name << ": " << kind.entry->equation << "\n";
    Table table;
    for (auto const& variant : kind.entry->variants) {
        table.push_back({"  " + variant.key + " = " + variant.value, variant.equation, variant.source});
    }
    std::cout << format_table(table);
}

void print_keys(std::string const& only) {
    std::string section;
    Table table;
    auto const flush = [&] {
        std::cout << format_table(table);
        table.clear();
    };
    for (auto const& key : config::all_keys(kinds::program().defaults)) {
        if (!only.empty() && key.section != only) { continue; }
        if (key.section != section) {
            flush();
            section = key.section;
            std::cout << "\n[" << section << "]\n";
        }
        table.push_back({key.key, key.default_value.empty() ? "(empty)" : key.default_value, key.allowed, key.help});
    }
    flush();
}

}  // namespace

int methods_command(Arguments const& arguments) {
    auto const values = parse(arguments, "alignsweep methods [METHOD]",
                              "Lists the methods with their signals, models, equations and variants, and all keys of "
                              "the configuration; with a name, that method alone.",
                              "method");
    if (!values) { return 0; }
    auto const names = all_of(*values, "method");
    if (names.empty()) {
        print_overview();
        for (Descriptor const& kind : catalogue()) { print_entry(kind); }
        print_keys("");
        return 0;
    }
    config::require(names.size() == 1, "methods: one method at a time");
    std::vector<std::string> allowed;
    for (Descriptor const& kind : catalogue()) {
        allowed.push_back(kind.name);
        if (kind.name != names[0]) { continue; }
        std::cout << format_table(
            {{"signal", kind.entry->signal}, {"models in memory", models_of(kind)}, {"source", kind.entry->source}});
        print_entry(kind);
        print_keys(kind.name);
        return 0;
    }
    throw core::ConfigError("unknown method ", names[0], " (allowed: ", config::join(allowed), ")");
}

}  // namespace alignsweep::cli
