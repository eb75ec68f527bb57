// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.hpp"

#include "config/text.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

namespace alignsweep::cli {

std::string short_number(double value) { return std::isnan(value) ? "-" : fmt::format("{:.3g}", value); }

namespace {

// Of UTF-8: bytes that begin one.
std::size_t characters(std::string const& text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

std::string format_table(std::vector<std::vector<std::string>> const& rows) {
    std::vector<std::size_t> widths;
    for (auto const& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        if (row.size() == 1) { continue; }  // a remark, which no column is made for
        for (std::size_t i = 0; i < row.size(); ++i) { widths[i] = std::max(widths[i], characters(row[i])); }
    }
    std::string text;
    for (auto const& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            std::size_t const own = characters(row[i]), wide = std::max(widths[i], own);
            line += row[i] + std::string(wide - own + 2, ' ');
        }
        text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    }
    return text;
}

std::string trials_table(std::vector<store::TrialRow> const& rows) {
    constexpr std::array<std::array<char const*, 2>, 8> columns{{{"gold", "eval/gold_reward"},
                                                                 {"vs sft", "eval/gold_vs_sft"},
                                                                 {"t", "eval/gold_vs_sft_t"},
                                                                 {"proxy", "eval/proxy_reward"},
                                                                 {"KL", "eval/kl"},
                                                                 {"win rate", "eval/win_rate"},
                                                                 {"asks back", "eval/behaviour/asks_back"},
                                                                 {"same", "eval/diversity/modal_share_of_kind"}}};
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
                            : number != row.axes.end()  ? config::format_number(number->second)
                                                        : "-");
        }
        cells.push_back(row.status);
        for (auto const& column : columns) {
            auto const metric = row.metrics.find(column[1]);
            double const value = metric == row.metrics.end() ? NAN : metric->second;
            cells.push_back(
                short_number(std::abs(value) < 5e-7 ? 0.0 : value));  // rounding, where a model is compared with itself
        }
        table.push_back(cells);
        if (!row.error.empty()) { table.push_back({"  " + row.error}); }
    }
    return format_table(table);
}

}  // namespace alignsweep::cli
