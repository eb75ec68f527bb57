// SPDX-License-Identifier: Apache-2.0
#include "score/score_rows.hpp"

#include "config/checks.hpp"
#include "core/log.hpp"
#include "data/token_rows.hpp"
#include "infer/scoring.hpp"
#include "sources/source.hpp"
#include "train/partners.hpp"

#include <algorithm>

namespace alignsweep::score {

namespace {

class Reader {
public:
    Reader(ScoreRequest const& request, infer::ModelSource const& policy, std::int64_t vocabulary, std::int64_t context)
        : request_(request),
          policy_(policy),
          kind_(request.method.rows),
          vocabulary_(vocabulary),
          context_(context),
          too_long_(request.config.get<config::DataConfig>().too_long),
          bad_rows_(request.config.get<config::DataConfig>().bad_rows) {}

    ScoreRows read() {
        data::holds_token_ids(request_.data, bad_rows_) ? read_ids() : read_texts();
        config::require(!rows_.lines.empty(), request_.data.string(), ": no row fits the context of ", context_,
                        " tokens; data.too_long = truncate_left shortens prompts");
        if (kind_ == data::TokenRowKind::thumbs && mismatched_.empty()) { draw(); }
        for (std::size_t i = 0; i < mismatched_.size(); ++i) { add_mismatched(i, mismatched_[i]); }
        return std::move(rows_);
    }

private:
    [[nodiscard]] bool in_pairs() const { return kind_ == data::TokenRowKind::pairs; }

    void read_ids() {
        auto rows = data::read_token_rows(request_.data, kind_, vocabulary_, bad_rows_);
        count(rows.counts);
        for (std::size_t i = 0; i < rows.rows.size(); ++i) {
            auto& row = rows.rows[i];
            bool const added = in_pairs() ? add(rows.lines[i], {{row.prompt, row.chosen}, {row.prompt, row.rejected}})
                                          : add(rows.lines[i], {{row.prompt, row.completion}});
            if (!added) { continue; }
            rows_.desirable.push_back(row.label);
            if (!row.mismatched.empty()) { mismatched_.push_back(std::move(row.mismatched)); }
        }
    }

    void read_texts() {
        TextTokens const tokens(policy_, request_.tokenizer);
        auto const add_all = [&](auto const& rows, auto const& answers_of, auto const& label_of) {
            count(rows.counts);
            config::require(rows.counts.conversational == 0 || tokens.chat_defect().empty(), request_.data.string(),
                            ": conversations: ", tokens.chat_defect());
            for (std::size_t i = 0; i < rows.rows.size(); ++i) {
                auto const& row = rows.rows[i];
                auto examples = tokens.examples(row.prompt, answers_of(row));
                for (data::Example const& example : examples) { check_ids(example, rows.lines[i]); }
                if (add(rows.lines[i], std::move(examples))) { rows_.desirable.push_back(label_of(row)); }
            }
        };
        using Texts = std::vector<std::string>;
        auto const completion = [](auto const& row) { return Texts{row.completion}; };
        auto const no_label = [](auto const&) { return false; };
        auto const answers = [](auto const& row) { return Texts{row.chosen, row.rejected}; };
        if (in_pairs()) {
            add_all(data::read_preferences(request_.data, bad_rows_), answers, no_label);
        } else if (kind_ == data::TokenRowKind::thumbs) {
            add_all(data::read_thumbs(request_.data, bad_rows_), completion, [](auto const& row) { return row.label; });
        } else {
            add_all(data::read_completions(request_.data, bad_rows_), completion, no_label);
        }
    }

    void count(data::ReadCounts const& counts) {
        rows_.counts = counts;
        std::string const skipped = data::skipped_rows(request_.data, counts);
        if (!skipped.empty()) { core::log_warning(skipped); }
    }

    [[nodiscard]] std::string place(std::int64_t line) const { return core::concat(request_.data.string(), ":", line); }

    void check_ids(data::Example const& example, std::int64_t line) const {
        for (auto const* ids : {&example.prompt, &example.completion}) {
            for (std::int32_t const id : *ids) {
                if (id < vocabulary_) { continue; }
                throw core::IoError(place(line), ": the tokenizer gives the token ", id,
                                    ", and the policy's vocabulary has ", vocabulary_);
            }
        }
    }

    // False where the row does not fit.
    bool add(std::int64_t line, std::vector<data::Example> examples) {
        if (!sources::fit_together(examples, context_, too_long_, place(line))) {
            ++rows_.too_long;
            return false;
        }
        if (kind_ == data::TokenRowKind::completions && examples[0].tokens() < 2) {
            ++rows_.counts.empty_completion;  // a single token has none before it that would predict it
            return false;
        }
        rows_.lines.push_back(line);
        rows_.first.push_back(std::move(examples[0]));
        if (examples.size() > 1) { rows_.second.push_back(std::move(examples[1])); }
        return true;
    }

    void draw() {
        std::int64_t const seed = request_.config.get<config::SeedConfig>().feedback;
        core::RandomStream const stream(static_cast<std::uint64_t>(seed >= 0 ? seed : 1), "feedback/partners");
        for (std::int64_t const partner : train::draw_partners(infer::pointers(rows_.first), context_, stream, 0)) {
            mismatched_.push_back(partner < 0 ? data::TokenIds()
                                              : rows_.first[static_cast<std::size_t>(partner)].completion);
        }
    }

    void add_mismatched(std::size_t row, data::TokenIds const& completion) {
        data::Example const example{rows_.first[row].prompt, completion};
        if (completion.empty() || example.tokens() > context_) { return; }
        rows_.mismatched.push_back(example);
        rows_.mismatched_rows.push_back(static_cast<std::int64_t>(row));
    }

    ScoreRequest const& request_;
    infer::ModelSource const& policy_;
    data::TokenRowKind kind_;
    std::int64_t vocabulary_, context_;
    config::TooLong too_long_;
    config::BadRows bad_rows_;
    ScoreRows rows_;
    std::vector<data::TokenIds> mismatched_;  // a row; empty: none
};

}  // namespace

ScoreRows read_score_rows(ScoreRequest const& request, infer::ModelSource const& policy, std::int64_t vocabulary,
                          std::int64_t context) {
    return Reader(request, policy, vocabulary, context).read();
}

void write_scores(ScoreRequest const& request, ScoreRows const& rows, Columns const& scores) {
    store::FileWriter file(request.out, scores_format.schema, scores_format.version);
    write_columns(file, request.data, rows.lines, scores);
    auto const note = [&](char const* name, store::Attribute const& value) { file.set_attribute("/", name, value); };
    note("method", request.method.name);
    note("policy", request.policy.string());
    if (!request.reference.empty()) { note("reference", request.reference.string()); }
    note("scalar", request.in_double ? "float64" : "float32");
    note("rows_read", rows.counts.rows);
    note("rows_bad", rows.counts.bad);
    note("rows_empty", rows.counts.empty_completion);
    note("rows_equal", rows.counts.equal_answers);
    note("rows_too_long", rows.too_long);
    file.publish();
}

}  // namespace alignsweep::score
