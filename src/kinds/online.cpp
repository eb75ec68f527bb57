// SPDX-License-Identifier: Apache-2.0
// online_dpo, online_kto: each round samples two answers a prompt from the policy as it is, a judge compares them, and
// one optimiser step of the DPO or KTO loss follows, against the SFT model. Guo et al., arXiv:2402.04792 (there the
// judge is a language model, and KTO is not among the losses).
#include "kinds/online.hpp"
#include "config/checks.hpp"
#include "losses/preference.hpp"
#include "sources/labels.hpp"
#include "stages/descriptor.hpp"
#include "train/cost_meter.hpp"
#include "train/loop.hpp"
#include "train/partners.hpp"
#include "train/rollout.hpp"
#include "train/trainer.hpp"

#include <functional>
#include <numeric>

namespace alignsweep::kinds {

namespace {

using Metrics = std::map<std::string, double>;
using sources::Judge;

// Judged duels: the better answer is the chosen one.
using Pairs = std::vector<losses::Pair>;

class OnlineRun {
public:
    OnlineRun(stages::Context& context, OnlineConfig const& config, config::OptimizerConfig const& optimizer)
        : context_(context),
          config_(config),
          optimizer_(optimizer),
          chunk_(context.chunk()),
          policy_(infer::load_model(context.input("sft"))),
          reference_(infer::load_model(context.input("sft"))),
          reference_transformer_(reference_.shape),
          trainer_(policy_, optimizer, chunk_),
          judge_(context, config.judge),
          prompts_(context, config.max_new_tokens) {}

    // `learn`: one optimiser step on a round's pairs; its metrics.
    using Learn = std::function<Metrics(Pairs, std::int64_t update)>;
    void run(Learn const& learn) {
        std::vector<train::Trainee> const trainees{{"", &policy_, &trainer_.learner()}};
        train::run_steps(context_, trainees, state_, config_.updates, [&](std::int64_t update) {
            double const trained = trainer_.trained_tokens(), probed = trainer_.probe_tokens();
            Metrics metrics;
            auto pairs = hold_round(update, metrics);
            if (!pairs.empty()) { metrics.merge(learn(std::move(pairs), update)); }
            state_["trained"] += trainer_.trained_tokens() - trained;
            state_["probed"] += trainer_.probe_tokens() - probed;
            metrics["num_tokens"] = state_["sampled"];
            metrics["episode"] = static_cast<double>(2 * (update + 1) * config_.prompts);
            metrics["epoch"] =
                static_cast<double>((update + 1) * config_.prompts) / static_cast<double>(prompts_.size());
            return metrics;
        });
        add_costs();
        infer::save_model(context_.folder(), policy_, {{"beta", config_.beta}});
    }

    // Summed log-probabilities under the SFT model.
    std::vector<double> reference_logprobs(std::vector<data::Example const*> const& examples) {
        for (auto const* example : examples) { state_["referred"] += static_cast<double>(example->tokens()); }
        return infer::sequence_logprobs(reference_transformer_, reference_, examples, chunk_);
    }
    Metrics step(losses::Loss& loss, std::int64_t update) {
        std::vector<std::int64_t> all(static_cast<std::size_t>(loss.size()));
        std::iota(all.begin(), all.end(), 0);
        return trainer_.step(loss, all, model::learning_rate(optimizer_, update, config_.updates), update);
    }
    [[nodiscard]] core::RandomStream stream(std::string const& purpose) const {
        return context_.stream(&config::SeedConfig::rollout, name() + "/" + purpose);
    }
    [[nodiscard]] config::Int room() const { return context_.get(&config::ModelConfig::context); }

private:
    [[nodiscard]] std::string const& name() const { return context_.kind(); }

    // Samples and judges. A prompt whose answers are equal, or equally good to the judge, gives nothing to learn from.
    Pairs hold_round(std::int64_t update, Metrics& metrics) {
        auto const asked = prompts_.ask(update, config_.prompts);
        std::vector<sources::Duel> duels;
        for (auto const* prompt : asked) { duels.push_back({prompt, {}}); }
        double length = 0.0, ends = 0.0, rewards = 0.0, undecided = 0.0;
        for (std::uint32_t which = 0; which < 2; ++which) {
            infer::SamplingPlan const plan{stream("samples"), 2 * static_cast<std::uint32_t>(update) + which,
                                           config_.temperature, config_.max_new_tokens};
            auto answers = train::answer(trainer_.transformer(), policy_, train::tokens_of(asked), plan, chunk_);
            length += answers.length();
            ends += answers.ends();
            state_["sampled"] += train::tokens_of(answers.examples);
            for (std::size_t i = 0; i < duels.size(); ++i) {
                duels[i].answers[which] = std::move(answers.completions[i]);
            }
        }
        auto const judgement = judge_.judge(duels, update * config_.prompts);
        Pairs pairs;
        for (std::size_t i = 0; i < duels.size(); ++i) {
            rewards += judgement.rewards[i][0] + judgement.rewards[i][1];
            if (judgement.verdicts[i].undecided || duels[i].is_equal()) {
                undecided += 1.0;
                continue;
            }
            std::size_t const chosen = judgement.verdicts[i].chose_first ? 0 : 1;
            pairs.push_back({{asked[i]->tokens, duels[i].answers[chosen].tokens},
                             {asked[i]->tokens, duels[i].answers[1 - chosen].tokens}});
        }
        auto const count = static_cast<double>(duels.size());
        metrics["objective/scores"] = rewards / (2.0 * count);
        metrics["objective/length"] = length / (2.0 * count);
        metrics["objective/undecided"] = undecided / count;
        metrics["val/num_eos_tokens"] = ends / (2.0 * count);
        state_["judged"] += static_cast<double>(pairs.size());
        return pairs;
    }

    void add_costs() {
        std::int64_t const parameters = policy_.layout.parameter_count();
        train::add_model_cost(context_, "policy", parameters, state_["sampled"] + state_["probed"], state_["trained"]);
        train::add_model_cost(context_, "reference", parameters, state_["referred"]);
        if (judge_.parameter_count() > 0) {
            train::add_model_cost(context_, "reward_model", judge_.parameter_count(), state_["sampled"]);
        } else {
            context_.add_cost("labels/policy", state_["judged"]);
        }
    }

    stages::Context& context_;
    OnlineConfig const& config_;
    config::OptimizerConfig const& optimizer_;
    int chunk_;
    infer::Weights policy_, reference_;
    infer::Transformer reference_transformer_;
    train::Trainer trainer_;
    sources::OnlineJudge judge_;
    train::Prompts prompts_;
    // Tokens sampled, trained on, asked for z0 and given to the reference; answers' pairs that the judge decided.
    Metrics state_{{"sampled", 0.0}, {"trained", 0.0}, {"probed", 0.0}, {"referred", 0.0}, {"judged", 0.0}};
};

// Each pair as a desirable and an undesirable answer, with partners from other prompts of the round.
std::vector<losses::Thumb> thumbs_of(OnlineRun& run, Pairs const& pairs, std::int64_t update) {
    std::vector<data::Example const*> examples, mismatched;
    for (losses::Pair const& pair : pairs) { examples.insert(examples.end(), {&pair.chosen, &pair.rejected}); }
    auto const partners =
        train::draw_partners(examples, run.room(), run.stream("partners"), static_cast<std::uint32_t>(update));
    std::vector<losses::Thumb> thumbs;
    std::vector<data::Example const*> own;
    for (std::size_t i = 0; i < examples.size(); ++i) {
        if (partners[i] < 0) { continue; }
        auto const& partner = *examples[static_cast<std::size_t>(partners[i])];
        thumbs.push_back({*examples[i], i % 2 == 0, 0.0, {examples[i]->prompt, partner.completion}, 0.0});
        own.push_back(examples[i]);
    }
    for (auto const& thumb : thumbs) { mismatched.push_back(&thumb.mismatched); }
    auto const references = run.reference_logprobs(own), others = run.reference_logprobs(mismatched);
    for (std::size_t i = 0; i < thumbs.size(); ++i) {
        thumbs[i].reference = references[i];
        thumbs[i].mismatched_reference = others[i];
    }
    return thumbs;
}

void run_online_dpo(stages::Context& context) {
    auto const& config = context.section<OnlineDpoConfig>();
    OnlineRun run(context, config.online, config.optimizer);
    auto const learn = [&](Pairs pairs, std::int64_t update) {
        std::vector<data::Example const*> examples;
        for (auto const& pair : pairs) { examples.insert(examples.end(), {&pair.chosen, &pair.rejected}); }
        auto const references = run.reference_logprobs(examples);
        for (std::size_t i = 0; i < pairs.size(); ++i) {
            pairs[i].chosen_reference = references[2 * i];
            pairs[i].rejected_reference = references[2 * i + 1];
        }
        losses::PairLoss loss(pairs, {.beta = config.online.beta});
        return run.step(loss, update);
    };
    run.run(learn);
}

void run_online_kto(stages::Context& context) {
    auto const& config = context.section<OnlineKtoConfig>();
    OnlineRun run(context, config.online, config.optimizer);
    auto const learn = [&](Pairs const& pairs, std::int64_t update) {
        auto const thumbs = thumbs_of(run, pairs, update);
        if (thumbs.empty()) { return Metrics{}; }  // one prompt alone: nothing to compare with
        losses::ThumbLoss loss(thumbs, {.beta = config.online.beta,
                                        .lambda_desirable = config.lambda_desirable,
                                        .lambda_undesirable = config.lambda_undesirable});
        return run.step(loss, update);
    };
    run.run(learn);
}

template <class Section>
void validate(config::Config const& config) {
    std::string const& name = config::name_of<Section>(config);
    config::check_training_completion(config, name);
    config::check_choice_of_real_data(config, name, "judge", "reward_model");
    bool const people = config.get<Section>().online.judge == Judge::annotators;
    config::require(!config::is_enumerable(config) || !people, name,
                    ".judge = annotators needs world.kind = text; its people value text");
}

// What the two share. `Section`: of the configuration.
template <class Section>
stages::Descriptor online(std::string const& name, void (*run)(stages::Context&), stages::Entry entry) {
    stages::Descriptor kind{.name = name, .version = 3, .purpose = stages::Purpose::method, .run = run};
    // People and the gold reward judge by the world; people as feedback describes them.
    kind.reads = [](stages::Reads& r) {
        r.section<Section>().model_limits().seeds(&config::SeedConfig::rollout);
        auto const judge = r.get<Section>().online.judge;
        if (judge != Judge::reward_model) { r.gold(); }
        if (judge == Judge::annotators) { r.section<sources::FeedbackConfig>().seeds(&config::SeedConfig::feedback); }
    };
    // The judge is the reward model, or reads answers as the world does.
    kind.inputs = [](config::Config const& config, stages::Descriptor const*) {
        bool const model = config.get<Section>().online.judge == Judge::reward_model;
        std::string const judge = model ? "reward_model" : "corpus";
        return std::vector<stages::Input>{{"sft", "sft"}, {"feedback", "feedback"}, {judge, judge}};
    };
    kind.sections = {config::Section::of<Section>(name)};
    kind.validate = validate<Section>;
    kind.models = [](config::Config const& config) {
        std::vector<std::string> models{"policy", "reference"};
        if (config.get<Section>().online.judge == Judge::reward_model) { models.emplace_back("reward_model"); }
        return models;
    };
    kind.beta_key = name + ".beta";
    kind.work = [](stages::StageSpec const& spec, stages::Lengths const& lengths) {
        auto const& online = spec.config.get<Section>().online;
        double const trained = 2.0 * static_cast<double>(online.updates * online.prompts) * lengths.example;
        return stages::Work{trained, 3.0 * trained};  // sampled, judged, and under the reference
    };
    kind.slowness = 1.7;
    std::string const key = name + ".judge";
    entry.variants = {{key, "reward_model", "the proxy compares", "Guo et al. 2402.04792"},
                      {key, "gold", "the exact gold reward does", ""},
                      {key, "annotators", "the simulated people do", ""}};
    kind.entry = std::move(entry);
    kind.metrics = {
        {"objective/undecided", "1", "online: share of prompts whose two answers are equal, or equally good"}};
    return kind;
}

}  // namespace

stages::Descriptor describe_online_dpo() {
    return online<OnlineDpoConfig>("online_dpo", run_online_dpo,
                                   {"a judge's choice between fresh samples",
                                    "as dpo, on two samples of the policy a prompt", "Guo et al. 2402.04792"});
}

stages::Descriptor describe_online_kto() {
    return online<OnlineKtoConfig>(
        "online_kto", run_online_kto,
        {"a judge's thumbs for fresh samples", "as kto, the better of two samples desirable, the other not",
         "Ethayarajh et al. 2402.01306; Guo et al. 2402.04792"});
}

}  // namespace alignsweep::kinds
