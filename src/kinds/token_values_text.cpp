// SPDX-License-Identifier: Apache-2.0
// token_values in the text world: beginnings of sampled answers, valued by sampling how they go on.
#include "infer/sampling.hpp"
#include "kinds/evaluate.hpp"
#include "kinds/token_values.hpp"
#include "stats/mean.hpp"
#include "train/cost_meter.hpp"

#include <cmath>
#include <limits>

namespace alignsweep::kinds {

namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();

class TextPrefixes {
public:
    TextPrefixes(stages::Context& context, sources::Source const& source, TokenModels const& models)
        : context_(context),
          models_(models),
          source_(source),
          exam_(source.exam(context.section<TokenValuesConfig>().prompts, 0)),
          chunk_(context.chunk()),
          longest_(static_cast<std::size_t>(context.get(&EvaluateConfig::max_new_tokens))) {}

    stages::PrefixData run() {
        for (auto const& prompt : exam_) { asked_.push_back(prompt.tokens); }
        answer(models_.sft);
        answer(models_.policy);
        prefixes_.estimates["score"] = models_.reward.score(infer::pointers(prefixes_.beginnings));
        for (std::size_t i = 0; i < prefixes_.size(); ++i) {
            bool const whole = prefixes_.finished[i] != 0;
            prefixes_.exact["gold_ended"].push_back(whole ? own_gold_[i] : gold_of(i, {}, true));
        }
        go_on(models_.sft, "sft", 0.0);
        go_on(models_.policy, "policy", 0.5);
        return std::move(prefixes_);
    }

private:
    // Of a row's answer with some tokens more.
    [[nodiscard]] double gold_of(std::size_t row, stages::Tokens const& more, bool ended) const {
        stages::Tokens whole = prefixes_.beginnings[row].completion;
        whole.insert(whole.end(), more.begin(), more.end());
        return source_.gold(exam_[static_cast<std::size_t>(prefixes_.prompt[row])], whole, ended);
    }

    // Both models answer with the same random numbers.
    void answer(infer::Weights const& weights) {
        infer::SamplingPlan const plan{context_.stream(&config::SeedConfig::eval, "token_values/answers"), 0,
                                       context_.get(&EvaluateConfig::temperature),
                                       context_.get(&EvaluateConfig::max_new_tokens)};
        auto const answers = infer::sample(models_.transformer, weights, asked_, plan, chunk_);
        for (std::size_t p = 0; p < answers.size(); ++p) {
            stages::Tokens const& tokens = answers[p].tokens;
            for (std::size_t t = 0; t <= tokens.size(); ++t) {
                stages::Tokens begun(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(t));
                std::int64_t const before = t == 0 ? -1 : static_cast<std::int64_t>(prefixes_.size()) - 1;
                prefixes_.add({asked_[p], std::move(begun)}, static_cast<std::int64_t>(p), before, t == tokens.size());
                prefixes_.weight.push_back(1.0);
                own_gold_.push_back(t == tokens.size() ? gold_of(prefixes_.size() - 1, {}, answers[p].ended) : none);
            }
        }
    }

    // How a model goes on from each beginning; a whole answer is worth what it is.
    void go_on(infer::Weights const& weights, std::string const& who, double done) {
        auto& exact = prefixes_.exact;
        auto& gold = exact["gold_" + who] = own_gold_;
        auto& proxy = exact["proxy_" + who] = prefixes_.estimates.at("score");
        auto& gold_error = exact["gold_" + who + "_error"] = std::vector<double>(prefixes_.size(), 0.0);
        auto& proxy_error = exact["proxy_" + who + "_error"] = std::vector<double>(prefixes_.size(), 0.0);
        auto const stream = context_.stream(&config::SeedConfig::eval, "token_values/" + who);
        // Beginnings of one length have as many tokens left.
        for (std::size_t t = 0; t < longest_; ++t) {
            double const from = done + 0.5 * static_cast<double>(t) / static_cast<double>(longest_);
            std::vector<std::size_t> rows;
            for (std::size_t i = 0; i < prefixes_.size(); ++i) {
                bool const this_long = prefixes_.beginnings[i].completion.size() == t;
                if (this_long && prefixes_.finished[i] == 0) { rows.push_back(i); }
            }
            auto const means = sample_means(
                weights, rows,
                {stream, static_cast<std::uint32_t>(t), context_.get(&EvaluateConfig::temperature),
                 static_cast<config::Int>(longest_ - t)},
                [&](double share) { context_.pass(0.9 * (from + 0.5 * share / static_cast<double>(longest_))); });
            for (std::size_t r = 0; r < rows.size(); ++r) {
                gold[rows[r]] = means[r].gold.mean();
                gold_error[rows[r]] = means[r].gold.error();
                proxy[rows[r]] = means[r].proxy.mean();
                proxy_error[rows[r]] = means[r].proxy.error();
            }
        }
    }

    struct Means {
        stats::Mean gold, proxy;
    };
    // One pair of means a row.
    std::vector<Means> sample_means(infer::Weights const& weights, std::vector<std::size_t> const& rows,
                                    infer::SamplingPlan const& plan, std::function<void(double)> const& passed) {
        auto const count = static_cast<std::size_t>(context_.section<TokenValuesConfig>().continuations);
        std::vector<stages::Tokens> starts;
        for (std::size_t const row : rows) {
            stages::Tokens start = prefixes_.beginnings[row].prompt;
            auto const& begun = prefixes_.beginnings[row].completion;
            start.insert(start.end(), begun.begin(), begun.end());
            starts.insert(starts.end(), count, start);
        }
        auto const samples = infer::sample(models_.transformer, weights, starts, plan, chunk_, passed);
        std::vector<data::Example> examples;
        for (std::size_t s = 0; s < samples.size(); ++s) { examples.push_back({starts[s], samples[s].tokens}); }
        auto const scores = models_.reward.score(infer::pointers(examples));
        std::vector<Means> means(rows.size());
        for (std::size_t s = 0; s < samples.size(); ++s) {
            auto& mean = means[s / count];
            mean.gold.add(gold_of(rows[s / count], samples[s].tokens, samples[s].ended));
            mean.proxy.add(scores[s]);
        }
        context_.add_cost("tokens/token_values", train::tokens_of(examples));
        return means;
    }

    stages::Context& context_;
    TokenModels const& models_;
    sources::Source const& source_;
    std::vector<stages::PromptRow> exam_;
    int chunk_;
    std::size_t longest_;
    std::vector<stages::Tokens> asked_;
    stages::PrefixData prefixes_;
    std::vector<double> own_gold_;  // of whole answers
};

}  // namespace

stages::PrefixData sample_prefixes(stages::Context& context, sources::Source const& source, TokenModels const& models) {
    return TextPrefixes(context, source, models).run();
}

}  // namespace alignsweep::kinds
