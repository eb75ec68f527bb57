// SPDX-License-Identifier: Apache-2.0
#include "sources/source.hpp"

#include "config/checks.hpp"
#include "core/log.hpp"
#include "data/text.hpp"
#include "infer/reward.hpp"
#include "sources/labels.hpp"

#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <tuple>

namespace alignsweep::sources {

namespace {

using config::DataConfig;

// Which prompts are kept for evaluation: by the text alone, so that every row of a prompt, in every file, falls on the
// same side.
bool is_heldout(std::string const& prompt, double share) {
    return core::RandomStream(0, "heldout/" + prompt).uniform(0, 0, 0) < share;
}

// Documents of a text; one without blank lines is cut in two between words, so that a share of it can be held out.
std::vector<std::string> documents_of(std::string const& file, double heldout_share) {
    auto documents = data::split_documents(data::read_text(file));
    if (documents.size() > 1 || heldout_share == 0.0) { return documents; }
    std::string& text = documents.at(0);
    auto const share = static_cast<std::size_t>((1.0 - heldout_share) * static_cast<double>(text.size()));
    std::size_t const cut = text.find_last_of(" \n", share);
    if (cut != std::string::npos) {
        documents.push_back(text.substr(cut + 1));
        documents[0].resize(cut);
    }
    return documents;
}

// Rows of texts as prompts and completions in tokens.
class Rows {
public:
    explicit Rows(Context const& context)
        : tokenizer_(stages::load_tokenizer(context.input("corpus"))),
          policy_(context.get(&DataConfig::too_long)),
          heldout_share_(context.get(&DataConfig::heldout_share)),
          room_(context.get(&config::ModelConfig::context)) {}

    // Indices of a row's new completions; none where they do not fit.
    std::vector<std::int64_t> add(std::string const& prompt, std::vector<std::string> const& answers,
                                  std::string const& file) {
        std::vector<data::Example> examples;
        for (auto const& answer : answers) { examples.push_back(data::make_example(tokenizer_, prompt, answer)); }
        if (!fit_together(examples, room_, policy_, file) || examples[0].prompt.empty()) {
            ++dropped;
            return {};
        }
        std::int64_t const asked = prompt_index(examples[0].prompt, prompt);
        std::vector<std::int64_t> added;
        for (auto& example : examples) {
            added.push_back(static_cast<std::int64_t>(feedback.completions.size()));
            feedback.completions.push_back(
                {asked, std::move(example.completion), true, std::numeric_limits<double>::quiet_NaN(), 0});
        }
        return added;
    }

    FeedbackData feedback;
    std::int64_t dropped = 0;

private:
    // Every prompt stands once, however many rows it has: PPO and evaluation ask it once a round.
    std::int64_t prompt_index(Tokens const& tokens, std::string const& text) {
        bool const heldout = is_heldout(text, heldout_share_);
        auto const next = static_cast<std::int64_t>(feedback.prompts.size());
        auto const [place, is_new] = index_.try_emplace({tokens, heldout}, next);
        if (is_new) { feedback.prompts.push_back({tokens, -1, 0, 0, 0, heldout}); }
        return place->second;
    }

    data::Tokenizer tokenizer_;
    config::TooLong policy_;
    double heldout_share_;
    config::Int room_;
    std::map<std::pair<Tokens, bool>, std::int64_t> index_;
};

class Files final : public Source {
public:
    explicit Files(Context& context) : Source(context) {}

    [[nodiscard]] CorpusData corpus() const override {
        double const heldout_share = get(&DataConfig::heldout_share);
        Texts texts;
        auto const documents = documents_of(get(&DataConfig::corpus), heldout_share);
        // The end of the text is held out: neighbouring documents are alike, so a random share would leak.
        auto const kept =
            static_cast<std::ptrdiff_t>(std::ceil(static_cast<double>(documents.size()) * (1.0 - heldout_share)));
        texts.train.assign(documents.begin(), documents.begin() + kept);
        texts.heldout.assign(documents.begin() + kept, documents.end());
        bool const of_pairs = get(&DataConfig::sft).empty();
        std::string const& file = of_pairs ? get(&DataConfig::preferences) : get(&DataConfig::sft);
        if (of_pairs) {
            for (auto& row : read(file, data::read_preferences).rows) { texts.sft.push_back({row.prompt, row.chosen}); }
        } else {
            texts.sft = read(file, data::read_completions).rows;
        }
        // Without what answers a held-out prompt.
        std::erase_if(texts.sft, [&](auto const& row) { return is_heldout(row.prompt, heldout_share); });
        return tokenised(context(), texts, file);
    }

    // Completions are tokenised, rows that do not fit follow data.too_long. Metric: feedback/dropped.
    [[nodiscard]] FeedbackData feedback() const override {
        Rows rows(context());
        auto const &pairs_file = get(&DataConfig::preferences), &thumbs_file = get(&DataConfig::thumbs);
        auto const preferences = read(pairs_file, data::read_preferences);
        rows.dropped += preferences.counts.empty_completion + preferences.counts.equal_answers;
        for (auto const& row : preferences.rows) {
            auto const added = rows.add(row.prompt, {row.chosen, row.rejected}, pairs_file);
            if (added.empty()) { continue; }
            rows.feedback.pairs.push_back({added[0], added[1], 1.0});
            if (thumbs_file.empty()) { take_apart(rows.feedback, added[0], added[1]); }
        }
        if (!thumbs_file.empty()) {
            auto const thumbs = read(thumbs_file, data::read_thumbs);
            rows.dropped += thumbs.counts.empty_completion;
            for (auto const& row : thumbs.rows) {
                auto const added = rows.add(row.prompt, {row.completion}, thumbs_file);
                if (!added.empty()) { rows.feedback.thumbs.push_back({added[0], row.label ? 1 : 0, -1}); }
            }
        }
        context().result.metrics["feedback/dropped"] = static_cast<double>(rows.dropped);
        config::require(!rows.feedback.pairs.empty(), pairs_file,
                        ": no pair fits model.context = ", context().get(&config::ModelConfig::context));
        return std::move(rows.feedback);
    }

    // Each held-out prompt of the input "feedback" once, in the order of the files.
    [[nodiscard]] std::vector<PromptRow> exam(config::Int count, config::Int max_new_tokens) const override {
        std::vector<PromptRow> exam;
        std::set<Tokens> seen;
        for (auto& prompt : stages::load_feedback(context().input("feedback")).prompts) {
            bool const room = static_cast<config::Int>(prompt.tokens.size()) + max_new_tokens <=
                              context().get(&config::ModelConfig::context);
            if (!prompt.heldout || !room || static_cast<config::Int>(exam.size()) == count) { continue; }
            if (seen.insert(prompt.tokens).second) { exam.push_back(std::move(prompt)); }
        }
        config::require(!exam.empty(), "evaluate: no held-out prompt leaves room for an answer; raise ",
                        "data.heldout_share or model.context");
        return exam;
    }

    // By the reward model of the input "gold".
    [[nodiscard]] std::vector<double> judge(std::vector<PromptRow> const& exam,
                                            std::vector<Completion> const& answers) const override {
        std::vector<data::Example> examples;
        for (std::size_t i = 0; i < exam.size(); ++i) { examples.push_back({exam[i].tokens, answers[i].tokens}); }
        infer::Reward reward(context().input("gold"), context().chunk());
        return reward.score(infer::pointers(examples));
    }

private:
    template <class Value>
    [[nodiscard]] Value const& get(Value DataConfig::*key) const {
        return context().get(key);
    }

    // The rows of a file. Those that data.bad_rows = skip left out are added to the metric <kind>/bad_rows, which is
    // there with `skip` alone, and named in the stage's log (check_data has named them to the user).
    template <class Row>
    [[nodiscard]] data::Rows<Row> read(std::string const& file, data::Rows<Row> (*rows_of)(std::filesystem::path const&,
                                                                                           config::BadRows)) const {
        auto rows = rows_of(file, get(&DataConfig::bad_rows));
        if (get(&DataConfig::bad_rows) == config::BadRows::skip) {
            context().result.metrics[context().kind() + "/bad_rows"] += static_cast<double>(rows.counts.bad);
            if (rows.counts.bad > 0) { core::log_detail(data::skipped_rows(file, rows.counts)); }
        }
        return rows;
    }
};

}  // namespace

std::unique_ptr<Source const> make_files(Context& context) { return std::make_unique<Files>(context); }

void check_data(std::vector<config::DataConfig const*> const& sections) {
    std::set<std::tuple<std::string, std::string, config::BadRows>> seen;
    for (DataConfig const* data : sections) {
        auto const is_new = [&](char const* role, std::string const& file) {
            return !file.empty() && seen.emplace(role, file, data->bad_rows).second;
        };
        auto const check = [&](char const* role, std::string const& file, auto const& read) {
            if (!is_new(role, file)) { return; }
            std::string const skipped = data::skipped_rows(file, read(file, data->bad_rows).counts);
            if (!skipped.empty()) { core::log_warning(skipped); }
        };
        if (is_new("corpus", data->corpus)) { static_cast<void>(data::read_text(data->corpus)); }
        check("sft", data->sft, data::read_completions);
        check("preferences", data->preferences, data::read_preferences);
        check("thumbs", data->thumbs, data::read_thumbs);
    }
}

}  // namespace alignsweep::sources
