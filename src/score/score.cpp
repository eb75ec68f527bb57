// SPDX-License-Identifier: Apache-2.0
#include "score/score.hpp"

#include "config/checks.hpp"
#include "core/error.hpp"
#include "infer/scoring.hpp"
#include "kinds/preference.hpp"
#include "kinds/reward_model.hpp"
#include "score/score_rows.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

namespace alignsweep::score {

using config::require;

namespace {

// A model in memory, ready to score.
struct Model {
    infer::StoredModel stored;
    model::Transformer transformer;
    std::string name;
    int chunk;

    Model(infer::ModelSource const& source, model::Precision precision, int chunk_in)
        : stored(infer::load_any_model(source, precision)),
          transformer(stored.weights.shape, precision),
          name((source.is_checkpoint() ? source.checkpoint : source.folder).string()),
          chunk(chunk_in) {}

    [[nodiscard]] model::Shape const& shape() const { return stored.weights.shape; }

    std::vector<double> logprobs(std::vector<data::Example> const& examples) {
        return finite(infer::sequence_logprobs(transformer, stored.weights, infer::pointers(examples), chunk));
    }
    std::vector<double> rewards(std::vector<data::Example> const& examples) {
        return finite(infer::scores(transformer, stored.weights, infer::pointers(examples), chunk));
    }

private:
    [[nodiscard]] std::vector<double> finite(std::vector<double> values) const {
        for (double const value : values) {
            if (std::isfinite(value)) { continue; }
            throw core::IoError(name, ": a log-probability or reward under this model is not finite");
        }
        return values;
    }
};

class Scorer {
public:
    explicit Scorer(ScoreRequest const& request)
        : request_(request), source_(infer::find_model(request.policy)), policy_(source_, precision(), chunk()) {
        bool const wants_head = request.method.reads_head;
        require(wants_head == policy_.shape().scalar_head, policy_.name,
                wants_head ? ": has no scalar head; --method reward needs a reward model"
                           : ": is a reward model; --method reward is allowed");
        if (!request.reference.empty()) { load_reference(); }
    }

    ScoreRows const& rows() {
        auto const own = policy_.shape().context;
        std::int64_t const context = reference_ ? std::min(own, reference_->shape().context) : own;
        return rows_ = read_score_rows(request_, source_, policy_.shape().vocabulary, context);
    }

    Columns run() {
        if (request_.method.rows == data::TokenRowKind::thumbs) {
            thumbs();
        } else if (request_.method.rows == data::TokenRowKind::completions) {
            language_model();
        } else if (request_.method.reads_head) {
            rewards();
        } else {
            pairs();
        }
        return std::move(result_);
    }

private:
    [[nodiscard]] model::Precision precision() const {
        return request_.in_double ? model::Precision::float64 : model::Precision::float32;
    }
    [[nodiscard]] int chunk() const { return static_cast<int>(request_.config.get<config::ModelConfig>().chunk); }

    void load_reference() {
        require(request_.method.reads_reference, "--reference: --method ", request_.method.name, " reads none");
        reference_.emplace(infer::find_model(request_.reference), precision(), chunk());
        auto const own = policy_.shape().vocabulary, other = reference_->shape().vocabulary;
        require(!reference_->shape().scalar_head, reference_->name, ": is a reward model; a language model is allowed");
        require(own == other, reference_->name, ": has a vocabulary of ", other, ", and the policy one of ", own,
                "; two of one tokenizer are allowed");
    }

    void need_reference(std::string const& loss) const {
        require(reference_.has_value(), "no --reference given; ", loss, " needs one");
    }

    void pairs() {
        auto const& rule = request_.config.get<kinds::DpoConfig>().rule;
        losses::check_rule(rule);
        if (!rule.row->is(losses::no_reference)) { need_reference("dpo.loss = " + rule.row->name); }
        auto const chosen = add_logps("logps/chosen", rows_.first),
                   rejected = add_logps("logps/rejected", rows_.second);
        std::vector<double> chosen_reference(chosen.size(), 0.0), rejected_reference = chosen_reference;
        if (reference_) {
            chosen_reference = add_logps("ref_logps/chosen", rows_.first, true);
            rejected_reference = add_logps("ref_logps/rejected", rows_.second, true);
        }
        auto const chosen_tokens = add_tokens("tokens/chosen", rows_.first);
        auto const rejected_tokens = add_tokens("tokens/rejected", rows_.second);
        std::vector<losses::PairLogprobs> numbers;
        for (std::size_t i = 0; i < chosen.size(); ++i) {
            numbers.push_back({chosen[i], rejected[i], chosen_reference[i], rejected_reference[i], chosen_tokens[i],
                               rejected_tokens[i]});
        }
        bool const matched = rule.row->matched != nullptr;
        auto const matches = matched ? losses::match_by_rank(*rule.row, numbers) : std::vector<losses::PairMatch>();
        std::vector<double> loss, better, worse;
        for (std::size_t i = 0; i < numbers.size(); ++i) {
            if (matched) { numbers[i].match = matches[i]; }
            auto const one = losses::pair_loss(rule, numbers[i]);
            loss.push_back(one.loss);
            better.push_back(one.chosen_reward);
            worse.push_back(one.rejected_reward);
        }
        add_rewards("implicit reward: beta times the log-ratio (reference-free losses: beta times the mean logp)",
                    better, worse);
        result_.add("loss", "1",
                    matched ? "loss of the chosen answer, matched over the whole file" : "loss of the pair by itself",
                    loss);
        add_rule(rule, losses::pair_loss_keys());
    }

    void thumbs() {
        auto const& rule = request_.config.get<kinds::KtoConfig>().rule;
        need_reference("kto");
        double const z0 = rule.row->has_z0 ? divergence() : 0.0;
        auto const logps = add_logps("logps/completion", rows_.first);
        auto const reference = add_logps("ref_logps/completion", rows_.first, true);
        std::vector<double> loss, reward, label;
        for (std::size_t i = 0; i < logps.size(); ++i) {
            auto const one = losses::thumb_loss(rule, rows_.desirable[i], logps[i], reference[i], z0);
            loss.push_back(one.loss);
            reward.push_back(one.reward);
            label.push_back(rows_.desirable[i] ? 1.0 : 0.0);
        }
        static_cast<void>(add_tokens("tokens/completion", rows_.first));
        result_.add("rewards/completion", "1", "implicit reward: beta times the log-ratio", reward);
        result_.add_whole("label", "1", "1: desirable", label);
        if (rule.row->has_z0) {
            result_.add("kl", "nats", "z0, one value for the whole file", std::vector<double>(logps.size(), z0));
        }
        result_.add("loss", "1", "loss of the example", loss);
        add_rule(rule, losses::thumb_loss_keys());
    }

    // z0 = max(0, mean log-ratio of the mismatched examples), over the whole file.
    double divergence() {
        require(!rows_.mismatched.empty(), request_.data.string(),
                ": no row has a mismatched completion that fits: z0 needs two different prompts "
                "(kto.loss = apo_zero_unpaired needs none)");
        auto const logps = policy_.logprobs(rows_.mismatched), reference = reference_->logprobs(rows_.mismatched);
        double const none = std::numeric_limits<double>::quiet_NaN();
        std::vector<double> policy_column(rows_.first.size(), none), reference_column = policy_column;
        double sum = 0.0;
        for (std::size_t i = 0; i < logps.size(); ++i) {
            auto const row = static_cast<std::size_t>(rows_.mismatched_rows[i]);
            policy_column[row] = logps[i];
            reference_column[row] = reference[i];
            sum += logps[i] - reference[i];
        }
        char const* const what = "another prompt's completion after this prompt (NaN: none fits), under the ";
        result_.add("logps/mismatched", "nats", core::concat(what, "policy"), policy_column);
        result_.add("ref_logps/mismatched", "nats", core::concat(what, "reference"), reference_column);
        return std::max(0.0, sum / static_cast<double>(logps.size()));
    }

    void rewards() {
        auto const& config = request_.config.get<kinds::RewardModelConfig>();
        auto const chosen = policy_.rewards(rows_.first), rejected = policy_.rewards(rows_.second);
        std::vector<double> loss;
        for (std::size_t i = 0; i < chosen.size(); ++i) {
            double const gap = chosen[i] - rejected[i], total = chosen[i] + rejected[i];
            loss.push_back(-losses::log_sigmoid(gap - config.margin) + config.centering * total * total);
        }
        add_rewards("the scalar head at the last token, as it is (not normalised)", chosen, rejected);
        result_.add("loss", "1", "loss of the pair", loss);
        result_.attributes["margin"] = config.margin;
        result_.attributes["centering"] = config.centering;
        for (auto const& [name, value] : policy_.stored.state) { result_.attributes[name] = value; }
    }

    void language_model() {
        auto const logps = add_logps("logps/completion", rows_.first), tokens = add_tokens("tokens", rows_.first);
        std::vector<double> loss;
        double total = 0.0, count = 0.0;
        for (std::size_t i = 0; i < logps.size(); ++i) {
            loss.push_back(-logps[i] / tokens[i]);
            total -= logps[i];
            count += tokens[i];
        }
        result_.add("loss", "nats", "mean negative log-probability of a token of this completion", loss);
        result_.attributes["token_loss"] = total / count;
    }

    // Columns that are their own numbers as well.
    std::vector<double> add_logps(std::string const& path, std::vector<data::Example> const& examples,
                                  bool of_reference = false) {
        auto logps = (of_reference ? *reference_ : policy_).logprobs(examples);
        result_.add(path, "nats",
                    core::concat("log-probability of the completion's tokens after the prompt, summed, under the ",
                                 of_reference ? "reference" : "policy"),
                    logps);
        return logps;
    }
    std::vector<double> add_tokens(std::string const& path, std::vector<data::Example> const& examples) {
        std::vector<double> counts;
        for (data::Example const& example : examples) {
            counts.push_back(static_cast<double>(losses::target_count(example, data::TargetKind::completion)));
        }
        result_.add_whole(path, "tokens", "tokens of the completion that are predicted", counts);
        return counts;
    }

    // What the losses depend on.
    template <class Rule, class Keys>
    void add_rule(Rule const& rule, Keys const& keys) {
        result_.attributes["loss"] = rule.row->name;
        for (auto const& key : keys) { result_.attributes[key.name] = rule.*key.value; }
    }

    void add_rewards(std::string const& description, std::vector<double> const& chosen,
                     std::vector<double> const& rejected) {
        result_.add("rewards/chosen", "1", description, chosen);
        result_.add("rewards/rejected", "1", description, rejected);
    }

    ScoreRequest const& request_;
    infer::ModelSource source_;
    Model policy_;
    std::optional<Model> reference_;
    ScoreRows rows_;
    Columns result_;
};

template <class Keys>
std::vector<std::string> keys_of(std::string const& section, Keys const& keys) {
    std::vector<std::string> names{section + ".loss"};
    for (auto const& key : keys) { names.push_back(section + "." + key.name); }
    return names;
}

}  // namespace

std::vector<ScoreMethod> const& score_methods() {
    using data::TokenRowKind;
    static std::vector<ScoreMethod> const methods = [] {
        auto const pairs = keys_of("dpo", losses::pair_loss_keys());
        auto thumbs = keys_of("kto", losses::thumb_loss_keys());
        thumbs.emplace_back("seed.feedback");
        std::vector<std::string> const rewards{"reward_model.margin", "reward_model.centering"};
        return std::vector<ScoreMethod>{
            {"dpo", "prompt, chosen, rejected:", "logps/, ref_logps/, rewards/ and tokens/{chosen,rejected}, loss",
             TokenRowKind::pairs, pairs, false, true},
            {"kto", "prompt, completion, label:",
             "logps/, ref_logps/{completion,mismatched}, rewards/completion, kl, label, loss", TokenRowKind::thumbs,
             thumbs, false, true},
            {"reward", "prompt, chosen, rejected:", "rewards/{chosen,rejected}, loss", TokenRowKind::pairs, rewards,
             true},
            {"lm", "prompt, completion:", "logps/completion, tokens, loss (mean over the completion's tokens)",
             TokenRowKind::completions}};
    }();
    return methods;
}

ScoreSummary score(ScoreRequest const& request) {
    check_out(request.out, scores_format);
    Scorer scorer(request);
    ScoreRows const& rows = scorer.rows();
    Columns const result = scorer.run();
    ScoreSummary summary{static_cast<std::int64_t>(rows.lines.size()), rows.too_long, rows.counts, {}};
    for (auto const& column : result.columns) {
        double sum = 0.0, count = 0.0;
        for (double const value : column.values) {
            require(!std::isinf(value), column.path, ": not finite with these settings of ", request.method.name,
                    "; finite values are allowed");
            if (std::isnan(value)) { continue; }
            sum += value;
            count += 1.0;
        }
        summary.means.emplace_back(column.path, sum / count);
    }
    write_scores(request, rows, result);
    return summary;
}

}  // namespace alignsweep::score
