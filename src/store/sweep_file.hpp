// SPDX-License-Identifier: Apache-2.0
// sweep.h5, the index of a sweep: one row a trial, and all trials' curves as long columns.
//
//   /trials/trial               int64, the dimension scale `trial`; every other column of /trials has this length
//   /trials/{key,status,error,method,digest}   text, null-padded: the very bytes, UTF-8 where it is not ASCII
//   /trials/{seed,seconds}      int64, float64
//   /trials/<axis>              under its name in the configuration ("dpo.beta"): float64 with NaN, or text
//   /trials/<metric or cost>    float64, NaN where absent; slashes are groups ("eval/gold_reward")
//   /trials/provenance/<fact>   text: git_commit, blas, compiler, processor, ...; "a; b" where a trial's stages differ
//   /methods/{row,aligned,trains_policy}, /methods/{name,beta_key}   the methods, in the order of tables
//   /curves/{row,trial,step}    int64; `row` is the dimension scale
//   /curves/<metric>            float64, NaN where a trial does not log it
#pragma once

#include "store/metric_names.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace alignsweep::store {

struct TrialRow {
    std::int64_t trial = 0;  // place in the plan, unique
    std::string key;
    std::string status;  // pending, running, done, failed, skipped
    std::string error;
    std::string method;
    std::int64_t seed = 0;
    std::map<std::string, double> axes;
    // Axes over words; empty text where one does not apply. A name that stands here is not a column of numbers.
    std::map<std::string, std::string> text_axes;
    std::map<std::string, double> metrics;
    std::string digest;
    double seconds = 0.0;
    std::map<std::string, double> costs;                 // full names: "cost/flops/total"
    std::map<std::string, std::string> provenance{};     // where the trial's stages come from: git_commit, blas, ...
    std::map<std::string, std::string> circumstances{};  // host, ranks, started, ...: no result depends on them
};

struct Curve {
    std::int64_t trial = 0;
    std::vector<std::int64_t> steps;
    std::vector<std::pair<std::string, std::vector<double>>> metrics;  // each [steps.size()]
};

// What stands in the column `method` of /trials, in the order of tables.
struct MethodRow {
    std::string name;
    bool aligned = true;        // a method of alignment; else a model before it
    bool trains_policy = true;  // its policy is one of its own
    std::string beta_key;       // of the strength of the tie to the reference; empty: it has none
};

// Publishes the file and returns its digest. `metrics`: units and descriptions beside those that all programs know.
// `attributes` go to the root: softwareVersion, commit, build facts; date (UTC, ISO 8601) and machine are filled in
// unless given. Throws IoError; std::logic_error where names clash.
std::string write_sweep(std::filesystem::path const& file, std::vector<TrialRow> const& rows,
                        std::vector<Curve> const& curves, std::map<std::string, std::string> const& attributes,
                        std::vector<MethodRow> const& methods = {}, std::span<MetricInfo const> metrics = {});

// Reads every column. Throws IoError where the file is not an index, or damaged.
void check_sweep(std::filesystem::path const& file);

}  // namespace alignsweep::store
