// SPDX-License-Identifier: Apache-2.0
// score: log-probabilities, rewards and losses of a data set, row by row.
#include "score/score.hpp"
#include "cli/commands.hpp"
#include "config/checks.hpp"
#include "config/text.hpp"
#include "config/values.hpp"
#include "core/text.hpp"
#include "kinds/kinds.hpp"
#include "model/runtime.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <iostream>

namespace alignsweep::cli {

using config::require;

namespace {

std::vector<std::string> method_names() {
    std::vector<std::string> names;
    for (auto const& method : score::score_methods()) { names.push_back(method.name); }
    return names;
}

std::string usage() {
    return "alignsweep score POLICY [--reference REF] --data FILE.jsonl --method " + config::join(method_names(), "|") +
           " --out scores.h5";
}

std::string description() {
    std::string text =
        R"(Scores every row of a data set, in any model: a stage's folder or its checkpoint.h5, or a Hugging Face folder of
a Llama (config.json, model.safetensors, tokenizer.json with byte-level BPE).

)";
    for (auto const& method : score::score_methods()) {
        text += fmt::format("  {:<8}{:<28}{}\n", method.name, method.reads, method.writes);
    }
    return text + R"(
Texts and conversations are read as Hugging Face TRL reads them, and the end token is appended. Rows of ready
token ids (prompt_ids with chosen_ids, rejected_ids or completion_ids; KL_completion_ids for kto) are used as they
are and need no tokenizer. kto's z0 is one value over the whole file; each row's mismatched completion is drawn
once, from a row of another prompt (--set seed.feedback=N draws others). `line` says on which line the row of each
entry begins. A row that can't be read is an error; --set data.bad_rows=skip leaves such rows out and counts them.
Conversations are rendered as "User: ...\nAssistant: ..."; a model's chat template is not applied, so a message
that calls tools can't be read. Of `messages` rows (lm) the last message of the assistant is the completion.)";
}

// --set, of the keys that the method reads alone.
config::Config read_config(std::vector<std::string> const& sets, score::ScoreMethod const& method) {
    auto const& defaults = kinds::program().defaults;
    std::vector<std::string> allowed = method.keys;
    allowed.insert(allowed.end(), {"data.bad_rows", "data.too_long", "model.chunk"});
    std::vector<config::Entry> entries;
    for (std::string const& set : sets) {
        auto const entry = config::parse_set(set);
        if (!config::find_key(entry.section, entry.key, defaults)) {
            config::throw_unknown(entry.section, entry.key, entry, defaults);
        }
        require(std::ranges::find(allowed, entry.name()) != allowed.end(), entry.location(), ": score --method ",
                method.name, " does not read this key; allowed: ", config::join(allowed));
        entries.push_back(entry);
    }
    return config::apply(entries, defaults);
}

score::ScoreRequest read_request(po::variables_map const& values) {
    auto const models = all_of(values, "policy");
    require(models.size() == 1, models.empty() ? "no POLICY given" : "more than one POLICY given", " (usage: ", usage(),
            ")");
    score::ScoreRequest request;
    request.policy = models[0];
    request.data = required(values, "data", usage());
    request.out = required(values, "out", usage());
    std::string const name = required(values, "method", usage());
    auto const& methods = score::score_methods();
    auto const method = std::ranges::find(methods, name, &score::ScoreMethod::name);
    require(method != methods.end(), "--method ", name, ": ", core::alternatives(method_names()), " is allowed");
    request.method = *method;
    request.reference = one_of(values, "reference");
    request.tokenizer = one_of(values, "tokenizer");
    std::string const scalar = one_of(values, "scalar");
    require(scalar == "float" || scalar == "double", "--scalar ", scalar, ": float or double is allowed");
    request.in_double = scalar == "double";
    request.config = read_config(all_of(values, "set"), request.method);
    return request;
}

}  // namespace

int score_command(Arguments const& arguments) {
    po::options_description options("options");
    auto const add = [&](char const* name, char const* help) {
        options.add_options()(name, po::value<std::string>(), help);
    };
    add("reference", "the model that the policy is compared with (dpo, but for simpo and orpo; kto)");
    add("data", "rows in JSON: JSONL or an array, .gz too");
    add("method", core::alternatives(method_names()).c_str());
    options.add_options()("set", po::value<std::vector<std::string>>()->composing(),
                          "section.key=value, e.g. --set dpo.loss=ipo (may be repeated); of the method's loss, "
                          "data.bad_rows, data.too_long and model.chunk");
    add("out", "the HDF5 file to write");
    add("tokenizer", "a tokenizer.json, or the folder of one or of a corpus stage, in place of the policy's own");
    options.add_options()("scalar", po::value<std::string>()->default_value("float"), "float or double")(
        "threads", po::value<int>()->default_value(0), "threads (default: OMP_NUM_THREADS, else all cores)");
    auto const values = parse(arguments, usage(), description(), "policy", options);
    if (!values) { return 0; }
    auto const request = read_request(*values);
    model::Runtime const runtime(*arguments.argc, *arguments.argv, (*values)["threads"].as<int>());
    auto const summary = score::score(request);
    std::cout << summary.scored << " rows scored of " << summary.counts.rows << " (dropped: " << summary.too_long
              << " too long, " << summary.counts.empty_completion << " with an empty answer, "
              << summary.counts.equal_answers << " with equal answers, " << summary.counts.bad << " bad)\n\n";
    std::vector<std::vector<std::string>> table{{"column", "mean"}};
    for (auto const& [name, mean] : summary.means) { table.push_back({name, config::format_number(mean)}); }
    std::cout << format_table(table) << "\nresults: " << request.out.string() << '\n';
    return 0;
}

}  // namespace alignsweep::cli
