// SPDX-License-Identifier: Apache-2.0
#include "cli/table.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <set>

namespace alignsweep::cli {

std::string short_number(double value) {
    if (std::isnan(value)) { return "-"; }
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.3g", value);
    return text.data();
}

std::string format_table(std::vector<std::vector<std::string>> const& rows) {
    std::vector<std::size_t> widths;
    for (auto const& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) { widths[i] = std::max(widths[i], row[i].size()); }
    }
    std::string text;
    for (auto const& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            line += row[i] + std::string(widths[i] - row[i].size() + 2, ' ');
        }
        text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    }
    return text;
}

std::string trials_table(std::vector<store::TrialRow> const& rows) {
    constexpr std::array<std::array<char const*, 2>, 7> columns{{{"gold", "eval/gold_reward"},
                                                                 {"vs sft", "eval/gold_vs_sft"},
                                                                 {"t", "eval/gold_vs_sft_t"},
                                                                 {"proxy", "eval/proxy_reward"},
                                                                 {"KL", "eval/kl"},
                                                                 {"win rate", "eval/win_rate"},
                                                                 {"asks back", "eval/behaviour/asks_back"}}};
    std::set<std::string> axes;
    for (auto const& row : rows) {
        for (auto const& [name, value] : row.axes) { axes.insert(name); }
    }
    std::vector<std::vector<std::string>> table{{"method", "seed"}};
    table[0].insert(table[0].end(), axes.begin(), axes.end());
    table[0].emplace_back("status");
    for (auto const& column : columns) { table[0].emplace_back(column[0]); }
    for (auto const& row : rows) {
        std::vector<std::string> cells{row.method, std::to_string(row.seed)};
        for (std::string const& axis : axes) {
            auto const text = row.text_axes.find(axis);
            auto const number = row.axes.find(axis);
            cells.push_back(text != row.text_axes.end() ? text->second
                            : number != row.axes.end()  ? short_number(number->second)
                                                        : "-");
        }
        cells.push_back(row.status);
        for (auto const& column : columns) {
            auto const metric = row.metrics.find(column[1]);
            double const value = metric == row.metrics.end() ? NAN : metric->second;
            cells.push_back(short_number(std::abs(value) < 5e-7 ? 0.0 : value));  // a model's rounding, not a KL
        }
        table.push_back(cells);
        if (!row.error.empty()) { table.push_back({"  " + row.error}); }
    }
    return format_table(table);
}

}  // namespace alignsweep::cli
