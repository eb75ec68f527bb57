// SPDX-License-Identifier: Apache-2.0
// Every kind, in every variant, reads what its descriptor lists: nothing else, which its context refuses, and all of it
// but for what the descriptor itself says is left unread.
#include "stages/reads.hpp"
#include "stages/context.hpp"
#include "store/metric_names.hpp"
#include "store/paths.hpp"
#include "support/tiny.hpp"
#include "sweep/plan.hpp"

#include "config/values.hpp"

#include <set>

namespace alignsweep::kinds {
namespace {

namespace fs = std::filesystem;
using testing::TemporaryFolder;

// "section.key=value" on top of the tiny configuration.
config::Config config_of(std::vector<std::string> const& settings) {
    auto config = testing::tiny_config();
    for (auto const& setting : settings) { config::assign(config, config::parse_set(setting)); }
    program().validate(config);
    return config;
}

sweep::Plan plan_of(config::Config const& config) {
    config::SweepSpec spec;
    for (auto const& method : program().methods) { spec.trials.push_back({method, 3, config, {}, {}}); }
    return sweep::make_plan(spec);
}

void expect_reads_as_described(stages::Context const& context, stages::StageSpec const& spec) {
    stages::Reads reads(spec.config, spec.seed, spec.inputs);
    spec.descriptor->reads(reads);
    for (auto const& name : context.declared()) {
        std::string const section = name.ends_with(".*") ? name.substr(0, name.size() - 1) : "";
        auto const is_it = [&](auto const& read) { return section.empty() ? read == name : read.starts_with(section); };
        bool const read = std::any_of(context.read().begin(), context.read().end(), is_it);
        bool const left = reads.unread().contains(name);
        EXPECT_EQ(read, !left) << spec.id() << ": " << name
                               << (left ? " is read, though it is said to be left" : " is listed and never read");
    }
    for (auto const& name : context.curves.names()) {
        EXPECT_FALSE(store::metric_info(name, spec.descriptor->metrics).description.empty()) << spec.id() << name;
    }
}

// Stages that an earlier variant has finished are not run again.
void run_all(sweep::Plan const& plan, fs::path const& folder) {
    std::set<std::string> left;
    for (auto const& [id, spec] : plan.stages) { left.insert(id); }
    while (!left.empty()) {
        std::size_t const before = left.size();
        for (auto const& [id, spec] : plan.stages) {
            auto const waits = [&](auto const& input) { return left.contains(input.second); };
            if (!left.contains(id) || std::any_of(spec.inputs.begin(), spec.inputs.end(), waits)) { continue; }
            auto host = testing::host_of(folder);
            host.observe = [&](stages::Context const& context) { expect_reads_as_described(context, spec); };
            if (!is_done(folder, id)) { execute(spec, host); }
            left.erase(id);
        }
        ASSERT_LT(left.size(), before);
    }
}

TEST(Reads, EveryKindInEveryVariantReadsWhatItLists) {
    TemporaryFolder folder, files;
    auto const write = [&](char const* name, std::string const& text) {
        std::ofstream(files.path() / name) << text;
        return (files.path() / name).string();
    };
    std::string corpus, pairs, thumbs, sft;
    for (int i = 0; i < 24; ++i) {
        auto const number = std::to_string(i);
        corpus += "The answer to question " + number + " is " + number + ".\n\n";
        pairs += R"({"prompt": "question )" + number + R"(?", "chosen": " It is )" + number +
                 R"(.", "rejected": " No."})" + "\n";
        thumbs += R"({"prompt": "question )" + number + R"(?", "completion": " Yes.", "label": )" +
                  (i % 2 == 0 ? "true" : "false") + "}\n";
        sft += R"({"prompt": "question )" + number + R"(?", "completion": " It is )" + number + R"(."})" + "\n";
    }
    std::vector<std::string> const real{"data.corpus=" + write("corpus.txt", corpus),
                                        "data.preferences=" + write("pairs.jsonl", pairs), "data.heldout_share=0.3",
                                        "token_values.prompts=0"};
    auto real_files = real;
    real_files.insert(real_files.end(), {"data.sft=" + write("sft.jsonl", sft), "data.bad_rows=skip",
                                         "data.thumbs=" + write("thumbs.jsonl", thumbs)});
    std::vector<std::string> const listed{
        "world.kind=enumerable",       "enumerable.prompts=3", "enumerable.tokens=4",         "enumerable.length=2",
        "corpus.documents=100",        "pretrain.length=6",    "feedback.max_new_tokens=2",   "rlhf.max_new_tokens=2",
        "online_dpo.max_new_tokens=2", "feedback.prompts=40",  "online_kto.max_new_tokens=2", "pretrain.steps=20"};
    auto listed_gold = listed;
    listed_gold.insert(listed_gold.end(), {"rlhf.reward=gold", "online_dpo.judge=gold", "online_kto.judge=gold"});
    std::vector<std::vector<std::string>> const variants{
        {},
        {"rlhf.reward=gold", "rlhf.ptx_coef=0.1", "online_dpo.judge=gold", "online_kto.judge=annotators"},
        {"rlhf.value_model=shared", "rlhf.kl_control=adaptive", "rlhf.kl_horizon=60", "online_dpo.judge=annotators"},
        {"feedback.source=ai", "feedback.labels=probabilities", "dpo.sync_steps=2"},
        {"feedback.source=constitution", "feedback.thumbs=annotators", "kto.loss=apo_zero_unpaired"},
        {"reward_model.share=0.5", "reward_model.normalise=false", "reward_model.width=8", "sft.loss=full"},
        real,
        real_files,
        listed,
        listed_gold};
    for (auto const& settings : variants) {
        SCOPED_TRACE(::testing::PrintToString(settings));
        run_all(plan_of(config_of(settings)), folder.path());
    }
}

// Of the metrics that several kinds log and of each kind's own; a name that ends in "/" stands for all that begin so.
TEST(MetricNames, NoneIsAPrefixPathOfAnother) {
    auto const shared = store::metric_registry();
    std::vector<store::MetricInfo> metrics(shared.begin(), shared.end());
    for (auto const& described : all()) {
        metrics.insert(metrics.end(), described.metrics.begin(), described.metrics.end());
    }
    std::map<std::string, std::string> known;
    std::vector<std::string> names;
    for (auto const& metric : metrics) {
        SCOPED_TRACE(metric.name);
        EXPECT_FALSE(metric.unit.empty());
        EXPECT_FALSE(metric.description.empty());
        std::string const name = metric.name + (metric.name.ends_with('/') ? "member" : "");
        EXPECT_NO_THROW(store::check_metric_name(name));
        auto const [place, is_new] = known.emplace(name, metric.unit + metric.description);
        EXPECT_EQ(place->second, metric.unit + metric.description);  // two kinds may log the same
        if (!is_new) { continue; }
        for (char const* end : {"", "_low", "_high"}) { names.push_back(name + end); }
    }
    EXPECT_EQ(store::prefix_clash(names), "");
    EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
}

TEST(Reads, AContextRefusesWhatItsKindDoesNotList) {
    auto const& life = testing::finished_life();
    auto const host = testing::host_of(life.folder.path());
    stages::Context const context(life.specs.at("dpo"), host);
    EXPECT_EQ(context.section<DpoConfig>().batch, 6);
    EXPECT_EQ(context.get(&DpoConfig::batch), 6);
    EXPECT_EQ(context.chunk(), 4);
    EXPECT_NO_THROW((void)context.seed(&config::SeedConfig::train));
    EXPECT_THROW((void)context.section<KtoConfig>(), std::logic_error);
    EXPECT_THROW((void)context.get(&KtoConfig::rule), std::logic_error);
    EXPECT_THROW((void)context.section<config::ModelConfig>(), std::logic_error);  // two of its keys alone
    EXPECT_THROW((void)context.get(&config::ModelConfig::width), std::logic_error);
    EXPECT_THROW((void)context.seed(&config::SeedConfig::rollout), std::logic_error);
    EXPECT_THROW((void)context.input("reward_model"), std::logic_error);
    // Of a group of fields every key must be listed.
    stages::Context const reward(life.specs.at("reward_model"), host);
    EXPECT_EQ(reward.get(&RewardModelConfig::optimizer).learning_rate, 1e-3);
    EXPECT_THROW((void)reward.get(&RewardModelConfig::width), std::logic_error);
    EXPECT_THROW((void)reward.section<RewardModelConfig>(), std::logic_error);
}

}  // namespace
}  // namespace alignsweep::kinds
