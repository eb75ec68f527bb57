// SPDX-License-Identifier: Apache-2.0
// token_values: the estimates, and how well they agree with the exact values.
#include "kinds/token_values.hpp"
#include "config/checks.hpp"
#include "kinds/evaluate.hpp"

#include "core/error.hpp"
#include "stages/descriptor.hpp"
#include "stats/prefix_values.hpp"

#include <cmath>

namespace alignsweep::kinds {

namespace {

void estimate_implicit_rewards(stages::PrefixData& prefixes, TokenModels const& models, int chunk) {
    auto const examples = infer::pointers(prefixes.beginnings);
    auto const policy = infer::sequence_logprobs(models.transformer, models.policy, examples, chunk);
    auto const sft = infer::sequence_logprobs(models.transformer, models.sft, examples, chunk);
    auto& implicit = prefixes.estimates["implicit"];
    for (std::size_t i = 0; i < policy.size(); ++i) { implicit.push_back(models.beta * (policy[i] - sft[i])); }
}

// Where the method has a value model.
void estimate_values(stages::PrefixData& prefixes, std::filesystem::path const& model, int chunk) {
    if (!std::filesystem::exists(model / "value.h5")) { return; }
    infer::Weights const weights = infer::load_value_model(model);
    infer::Transformer transformer(weights.shape);
    auto values = infer::scores(transformer, weights, infer::pointers(prefixes.beginnings), chunk);
    auto const& whole = prefixes.estimates.at("score");
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (prefixes.finished[i] != 0) { values[i] = whole[i]; }
    }
    prefixes.estimates["value"] = std::move(values);
}

// Some rows of the prefixes as columns of their own, for the comparisons eval/token/<name>/...
class Selection {
public:
    using Metrics = std::map<std::string, double>;

    // The rows for which it holds. `within`: compares the rows of each prompt with each other alone. `differences`: of
    // each row less the one before it, that is what a token adds.
    template <class Holds>
    Selection(std::string name, stages::PrefixData const& prefixes, bool within, Holds const& holds,
              bool differences = false)
        : name_(std::move(name)), prefixes_(prefixes), differences_(differences) {
        for (std::size_t i = 0; i < prefixes.size(); ++i) {
            if (!holds(i)) { continue; }
            rows_.push_back(i);
            weight_.push_back(prefixes.weight[i]);
            if (within) { group_.push_back(prefixes.prompt[i]); }
        }
    }

    // Each estimate with an exact value, which the metrics name `target`.
    void correlate(std::string const& exact, std::string const& target, Metrics& metrics) const {
        auto const truth = column(prefixes_.exact.at(exact));
        for (auto const& [estimate, all] : prefixes_.estimates) {
            auto const found = stats::within_correlation(column(all), truth, {weight_, group_});
            if (found) { metrics[core::concat("eval/token/", name_, "/", estimate, "/", target)] = *found; }
        }
    }
    void measure_noise(std::string const& exact, Metrics& metrics) const {
        auto const error = prefixes_.exact.find(exact + "_error");
        if (error == prefixes_.exact.end()) { return; }
        double const variance = stats::within_variance(column(prefixes_.exact.at(exact)), {weight_, group_});
        if (!(variance > 0.0)) { return; }
        metrics[core::concat("eval/token/noise/", name_, "/", exact)] = mean_square(error->second) / variance;
    }

private:
    [[nodiscard]] std::vector<double> column(std::vector<double> const& all) const {
        std::vector<double> result;
        for (std::size_t const i : rows_) { result.push_back(differences_ ? all[i] - all[before(i)] : all[i]); }
        return result;
    }
    // Mean of the squared errors; those of a difference add up.
    [[nodiscard]] double mean_square(std::vector<double> const& errors) const {
        double sum = 0.0, weight = 0.0;
        for (std::size_t const i : rows_) {
            double square = errors[i] * errors[i];
            if (differences_) { square += errors[before(i)] * errors[before(i)]; }
            sum += prefixes_.weight[i] * square;
            weight += prefixes_.weight[i];
        }
        return weight > 0.0 ? sum / weight : 0.0;
    }

    [[nodiscard]] std::size_t before(std::size_t i) const { return static_cast<std::size_t>(prefixes_.previous[i]); }

    std::string name_;
    stages::PrefixData const& prefixes_;
    std::vector<std::size_t> rows_;
    std::vector<double> weight_;
    std::vector<std::int64_t> group_;
    bool differences_;
};

void run_token_values(stages::Context& context) {
    auto const folder = context.input("model");
    int const chunk = context.chunk();
    infer::StoredModel const model = infer::load_stored_model(folder);
    infer::Weights const sft = infer::load_model(context.input("sft"));
    infer::Transformer transformer(model.weights.shape);
    infer::Reward reward(context.input("reward_model"), chunk);
    auto const beta = model.number("beta");
    if (!beta) {
        throw core::IoError((folder / "checkpoint.h5").string(),
                            ": state beta: missing, so this is not an aligned policy");
    }
    TokenModels const models{model.weights, sft, transformer, reward, *beta};
    auto const source = sources::open_source(context);
    auto const* const world = source->listed();
    auto prefixes =
        world != nullptr ? enumerate_prefixes(context, *world, models) : sample_prefixes(context, *source, models);
    estimate_implicit_rewards(prefixes, models, chunk);
    estimate_values(prefixes, folder, chunk);
    context.result.metrics = compare_token_values(prefixes);
    prefixes.facts["model"] = context.input_id("model");
    prefixes.facts["beta"] = models.beta;
    stages::save_prefixes(context.folder(), prefixes);
}

}  // namespace

std::map<std::string, double> compare_token_values(stages::PrefixData const& prefixes) {
    auto const is_unfinished = [&](std::size_t i) { return prefixes.finished[i] == 0; };
    Selection const within("within", prefixes, true, is_unfinished), all("all", prefixes, false, is_unfinished);
    Selection const whole("finished", prefixes, true, [&](std::size_t i) { return !is_unfinished(i); });
    auto const has_previous = [&](std::size_t i) { return prefixes.previous[i] >= 0; };
    Selection const steps("step", prefixes, false, has_previous, true);
    std::map<std::string, double> metrics;
    for (auto const& [exact, column] : prefixes.exact) {
        if (exact.ends_with("_error")) { continue; }
        within.correlate(exact, exact, metrics);
        all.correlate(exact, exact, metrics);
        within.measure_noise(exact, metrics);
        // gold_ended counts the end of the answer already, so its differences are not what a token adds.
        if (exact == "gold_ended") { continue; }
        steps.correlate(exact, exact, metrics);
        steps.measure_noise(exact, metrics);
    }
    whole.correlate("gold_sft", "gold", metrics);
    return metrics;
}

stages::Descriptor describe_token_values() {
    stages::Descriptor kind{
        .name = "token_values", .version = 3, .purpose = stages::Purpose::side, .run = run_token_values};
    kind.reads = [](stages::Reads& r) {
        r.world().section<TokenValuesConfig>();
        r.keys(&EvaluateConfig::max_new_tokens, &EvaluateConfig::temperature);
        r.model_limits().seeds(&config::SeedConfig::eval).unread({"model.context"});
        if (sources::source_kind(r.config()) == sources::SourceKind::enumerable_world) {
            r.unread(
                {"token_values.*", "evaluate.max_new_tokens", "evaluate.temperature", "seed.eval", "input.corpus"});
        }
    };
    kind.inputs = [](config::Config const&, stages::Descriptor const* model) {
        return std::vector<stages::Input>{
            {"corpus", "corpus"}, {"model", model->name}, {"sft", "sft"}, {"reward_model", "reward_model"}};
    };
    kind.sections = {config::Section::of<TokenValuesConfig>("token_values")};
    kind.validate = [](config::Config const& config) {
        auto const prompts = config.get<TokenValuesConfig>().prompts;
        config::require(!config::is_real(config) || prompts == 0, "token_values.prompts = ", prompts,
                        " with data.preferences: only the simulated world has an exact gold reward; allowed: 0");
    };
    // Of a policy with a beta, which implicit rewards are in units of.
    kind.applies = [](config::Config const& config, stages::Descriptor const& model) {
        return model.purpose == stages::Purpose::method && !model.beta_key.empty() &&
               config.get<TokenValuesConfig>().prompts > 0;
    };
    kind.work = [](stages::StageSpec const& spec, stages::Lengths const& lengths) {
        // Each beginning of two answers a prompt goes on under two models.
        auto const& values = spec.config.get<TokenValuesConfig>();
        return stages::Work{
            0.0, 4.0 * static_cast<double>(values.prompts * values.continuations) * lengths.answer * lengths.example};
    };
    kind.metrics = {{"eval/token/within/", "1", "correlation over unfinished answers, within prompts: "},
                    {"eval/token/all/", "1", "correlation over unfinished answers of all prompts: "},
                    {"eval/token/finished/", "1", "correlation over finished answers, within prompts: "},
                    {"eval/token/step/", "1", "correlation of what single tokens add: "},
                    {"eval/token/noise/", "1", "share of the variance that is Monte Carlo error: "}};
    return kind;
}

}  // namespace alignsweep::kinds
