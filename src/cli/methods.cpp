// SPDX-License-Identifier: Apache-2.0
// methods: what there is: signals, models, equations, sources, and every key of the configuration with its default.
#include "cli/catalogue.hpp"
#include "cli/options.hpp"
#include "cli/table.hpp"
#include "config/values.hpp"
#include "core/error.hpp"
#include "kinds/kinds.hpp"

#include <algorithm>
#include <iostream>

namespace alignsweep::cli {

namespace {

using Table = std::vector<std::vector<std::string>>;

std::string models_of(MethodEntry const& entry) {
    auto const& methods = kinds::method_names();
    if (std::find(methods.begin(), methods.end(), entry.name) == methods.end()) { return "-"; }
    std::string text;
    for (std::string const& role : kinds::models_held(entry.name, config::Config{})) {
        text += (text.empty() ? "" : ", ") + role;
    }
    return text;
}

void print_overview() {
    Table table{{"method", "signal", "models in memory", "source"}};
    for (MethodEntry const& entry : catalogue()) {
        table.push_back({entry.name, entry.signal, models_of(entry), entry.source});
    }
    std::cout
        << format_table(table)
        << "\nModels in memory go by the defaults; log-probabilities of a fixed reference are stored, not held.\n";
}

void print_entry(MethodEntry const& entry) {
    std::cout << "\n" << entry.name << ": " << entry.equation << "\n";
    Table table;
    for (Variant const& variant : entry.variants) {
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
    for (auto const& key : config::all_keys()) {
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
    namespace po = boost::program_options;
    auto const values = parse(arguments, "alignsweep methods [METHOD]",
                              "Lists the methods with their signals, models, equations and variants, and all keys of "
                              "the configuration; with a name, that method alone.",
                              po::options_description("options"), "method");
    if (!values) { return 0; }
    if (values->count("method") == 0) {
        print_overview();
        for (MethodEntry const& entry : catalogue()) { print_entry(entry); }
        print_keys("");
        return 0;
    }
    auto const names = (*values)["method"].as<std::vector<std::string>>();
    if (names.size() > 1) { throw core::ConfigError("methods: one method at a time"); }
    std::string const& name = names.front();
    std::string allowed;
    for (MethodEntry const& entry : catalogue()) {
        allowed += (allowed.empty() ? "" : ", ") + entry.name;
        if (entry.name != name) { continue; }
        std::cout << format_table(
            {{"signal", entry.signal}, {"models in memory", models_of(entry)}, {"source", entry.source}});
        print_entry(entry);
        print_keys(entry.section);
        return 0;
    }
    throw core::ConfigError(core::concat("unknown method ", name, " (allowed: ", allowed, ")"));
}

}  // namespace alignsweep::cli
