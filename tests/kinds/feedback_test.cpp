// SPDX-License-Identifier: Apache-2.0
// What the feedback, reference and rlhf stages hand on.
#include "config/values.hpp"
#include "sources/source.hpp"
#include "stages/artifacts.hpp"
#include "store/manifest.hpp"
#include "store/metrics.hpp"
#include "support/tiny.hpp"
#include "train/trainer.hpp"

#include <cmath>
#include <set>

namespace alignsweep::kinds {
namespace {

using testing::finished_life;
using testing::TemporaryFolder;
namespace fs = std::filesystem;

stages::Tokens const& prompt_of(stages::FeedbackData const& feedback, std::int64_t completion) {
    auto const prompt = feedback.completions[static_cast<std::size_t>(completion)].prompt;
    return feedback.prompts[static_cast<std::size_t>(prompt)].tokens;
}

void expect_mismatched_partners(stages::FeedbackData const& feedback) {
    ASSERT_FALSE(feedback.thumbs.empty());
    std::set<std::int64_t> partners;
    for (auto const& thumb : feedback.thumbs) {
        ASSERT_GE(thumb.partner, 0);
        EXPECT_NE(prompt_of(feedback, thumb.partner), prompt_of(feedback, thumb.completion));
        partners.insert(thumb.partner);
    }
    EXPECT_GT(partners.size(), 2U);
}

TEST(Feedback, PartnersAreOfAnotherPromptAndBothClassesOccur) {
    for (std::string const thumbs : {"annotators", "pairs"}) {
        auto config = testing::tiny_config();
        config::assign(config, "feedback", "thumbs", thumbs, config::Entry{});
        TemporaryFolder folder;
        finished_life().copy_inputs("feedback", folder.path());
        auto const spec = make_stage("feedback", config, 3, finished_life().specs.at("feedback").inputs);
        execute(spec, testing::host_of(folder.path()));
        auto const feedback = stages::load_feedback(folder.path() / spec.id());
        expect_mismatched_partners(feedback);
        std::int64_t up = 0;
        for (auto const& thumb : feedback.thumbs) { up += thumb.desirable; }
        EXPECT_GT(up, 0);
        EXPECT_LT(up, static_cast<std::int64_t>(feedback.thumbs.size()));
        if (thumbs == "pairs") {
            EXPECT_EQ(feedback.thumbs.size(), 2 * feedback.pairs.size());
            EXPECT_EQ(up, static_cast<std::int64_t>(feedback.pairs.size()));
            for (std::size_t i = 0; i < feedback.pairs.size(); ++i) {  // the chosen answer is the desirable one
                auto const &better = feedback.thumbs[2 * i], &worse = feedback.thumbs[2 * i + 1];
                EXPECT_TRUE(better.completion == feedback.pairs[i].chosen && better.desirable == 1);
                EXPECT_TRUE(worse.completion == feedback.pairs[i].rejected && worse.desirable == 0);
            }
        }
    }
}

TEST(Feedback, PairsAreOfOnePromptAndNeverEqual) {
    auto const feedback = stages::load_feedback(finished_life().of("feedback"));
    auto const manifest = store::read_manifest(finished_life().of("feedback"));
    EXPECT_EQ(feedback.completions.size(), 2 * feedback.prompts.size());
    for (auto const& pair : feedback.pairs) {
        auto const& chosen = feedback.completions[static_cast<std::size_t>(pair.chosen)];
        auto const& rejected = feedback.completions[static_cast<std::size_t>(pair.rejected)];
        EXPECT_EQ(chosen.prompt, rejected.prompt);
        EXPECT_NE(chosen.tokens, rejected.tokens);
    }
    // Prompts whose two answers are equal are counted.
    EXPECT_EQ(manifest->metrics.at("feedback/equal_answers"),
              static_cast<double>(feedback.prompts.size() - feedback.pairs.size()));
}

// What rlhf and online methods score with is what feedback stored.
TEST(Gold, RewardsAnAnswerAsFeedbackDid) {
    auto const spec = finished_life().specs.at("feedback");
    auto const host = testing::host_of(finished_life().folder.path());
    stages::Context context(spec, host);
    auto const source = sources::open_source(context);
    auto const feedback = stages::load_feedback(finished_life().of("feedback"));
    std::set<double> rewards;
    for (auto const& row : feedback.completions) {
        bool const ended = !row.tokens.empty() && row.tokens.back() == data::end_token;
        auto const& prompt = feedback.prompts[static_cast<std::size_t>(row.prompt)];
        EXPECT_EQ(source->gold(prompt, row.tokens, ended), row.gold);
        rewards.insert(row.gold);
    }
    EXPECT_GT(rewards.size(), 2U);
}

TEST(Gold, HasNoneForRealPrompts) {
    auto spec = finished_life().specs.at("feedback");
    spec.config.edit<config::DataConfig>().preferences =
        (finished_life().of("feedback") / "data.h5").string();  // any file
    auto const host = testing::host_of(finished_life().folder.path());
    stages::Context context(spec, host);
    EXPECT_THROW((void)sources::open_source(context)->gold({}, {3}, true), core::ConfigError);
}

// An answer of no tokens at all but the end is what both samples of such a model are.
TEST(Feedback, EqualAnswersGiveNoPair) {
    auto config = testing::tiny_config();
    config.edit<sources::FeedbackConfig>().temperature = 1e-6;  // both answers are the likeliest one
    config.edit<sources::FeedbackConfig>().contrast = 0.0;
    config.edit<sources::FeedbackConfig>().thumbs = sources::ThumbLabels::annotators;
    TemporaryFolder folder;
    finished_life().copy_inputs("feedback", folder.path());
    auto const spec = make_stage("feedback", config, 3, finished_life().specs.at("feedback").inputs);
    execute(spec, testing::host_of(folder.path()));
    auto const feedback = stages::load_feedback(folder.path() / spec.id());
    auto const manifest = store::read_manifest(folder.path() / spec.id());
    EXPECT_TRUE(feedback.pairs.empty());
    EXPECT_EQ(manifest->metrics.at("feedback/equal_answers"), 20.0);
    EXPECT_EQ(feedback.thumbs.size(), 40U);
}

TEST(Feedback, RealPairsThatAreEqualAreDroppedAndCounted) {
    TemporaryFolder folder;
    auto config = testing::tiny_config();
    config.edit<config::DataConfig>().corpus = (folder.path() / "corpus.txt").string();
    config.edit<config::DataConfig>().preferences = (folder.path() / "pairs.jsonl").string();
    config.edit<config::DataConfig>().heldout_share = 0.25;
    std::ofstream corpus(config.get<config::DataConfig>().corpus), pairs(config.get<config::DataConfig>().preferences);
    for (int i = 0; i < 40; ++i) {
        corpus << "The sky of day " << i << " is blue.\n\nThe sea of day " << i << " is green.\n\n";
        pairs << R"({"prompt": "What of day )" << i % 20 << R"(?", "chosen": " Blue )" << i
              << R"(.", "rejected": " Green."})"
              << "\n";
    }
    pairs << R"({"prompt": "Same?", "chosen": " Yes.", "rejected": " Yes."})"
          << "\n"
          << R"({"prompt": "Nothing?", "chosen": " Yes.", "rejected": " "})"
          << "\n";
    corpus.close();
    pairs.close();
    auto const specs = testing::life_of(config, 1);
    for (char const* kind : {"corpus", "feedback"}) { execute(specs.at(kind), testing::host_of(folder.path())); }
    auto const feedback = stages::load_feedback(folder.path() / specs.at("feedback").id());
    auto const manifest = store::read_manifest(folder.path() / specs.at("feedback").id());
    EXPECT_EQ(feedback.pairs.size(), 40U);
    EXPECT_EQ(feedback.prompts.size(), 20U);
    EXPECT_EQ(manifest->metrics.at("feedback/dropped"), 2.0);
    expect_mismatched_partners(feedback);
}

// Data may be moved away while a long stage runs: what it read is known from its identity.
TEST(Execute, ADataFileThatIsGoneByTheEndLosesNothing) {
    TemporaryFolder folder;
    auto config = testing::tiny_config();
    fs::path const corpus = folder.path() / "corpus é.txt";
    config.edit<config::DataConfig>().corpus = corpus.string();
    config.edit<config::DataConfig>().preferences = (folder.path() / "pairs.jsonl").string();
    std::ofstream(corpus) << "The sky is blue.\n\nThe sea is green.\n";
    std::ofstream(config.get<config::DataConfig>().preferences)
        << R"({"prompt": "a", "chosen": " b", "rejected": " c"})";
    std::string const digest = config::digest_of_input(corpus);
    auto const spec = testing::life_of(config, 1).at("corpus");
    auto host = testing::host_of(folder.path());
    host.observe = [&](stages::Context const&) { fs::remove(corpus); };
    execute(spec, host);
    EXPECT_EQ(store::read_manifest(folder.path() / spec.id())->circumstances.at("data.corpus"),
              digest + " " + corpus.string());
}

TEST(Feedback, BadRowsAreSkippedCountedAndNamedInTheLog) {
    TemporaryFolder folder;
    auto config = testing::tiny_config();
    config.edit<config::DataConfig>().corpus = (folder.path() / "corpus.txt").string();
    config.edit<config::DataConfig>().preferences = (folder.path() / "pairs.jsonl").string();
    config.edit<config::DataConfig>().thumbs = (folder.path() / "thumbs.jsonl").string();
    config.edit<config::DataConfig>().heldout_share = 0.0;
    std::ofstream(config.get<config::DataConfig>().corpus) << "The sky is blue.\n\nThe sea is green.\n";
    std::ofstream(config.get<config::DataConfig>().preferences) << R"({"prompt": "a", "chosen": " b", "rejected": " c"}
{"prompt": "a", "chosen": " b"}
{"prompt": "d", "chosen": " e", "rejected": " f"}
)";
    std::ofstream(config.get<config::DataConfig>().thumbs) << R"({"prompt": "a", "completion": " b", "label": true}
{"prompt": "c", "completion": " b", "label": 1}
{"prompt": "d", "completion": " b", "label": false}
)";
    EXPECT_THROW(sources::check_data({&config.get<config::DataConfig>()}), core::IoError);
    config.edit<config::DataConfig>().bad_rows = config::BadRows::skip;
    ::testing::internal::CaptureStderr();
    sources::check_data({&config.get<config::DataConfig>()});
    std::string const said = ::testing::internal::GetCapturedStderr();
    EXPECT_NE(said.find("pairs.jsonl: 1 row skipped: line 2 (key 'rejected' is missing"), std::string::npos) << said;
    EXPECT_NE(said.find("thumbs.jsonl: 1 row skipped: line 2 (key 'label' is of type number"), std::string::npos)
        << said;

    auto const specs = testing::life_of(config, 1);
    ::testing::internal::CaptureStderr();
    for (char const* kind : {"corpus", "feedback"}) { execute(specs.at(kind), testing::host_of(folder.path())); }
    EXPECT_EQ(::testing::internal::GetCapturedStderr().find("skipped"), std::string::npos) << "said once";
    auto const of = [&](char const* kind) { return folder.path() / specs.at(kind).id(); };
    EXPECT_EQ(store::read_manifest(of("corpus"))->metrics.at("corpus/bad_rows"), 1.0);
    EXPECT_EQ(store::read_manifest(of("feedback"))->metrics.at("feedback/bad_rows"), 2.0);
    EXPECT_EQ(store::read_manifest(of("feedback"))->metrics.at("feedback/dropped"), 0.0);
    EXPECT_EQ(stages::load_feedback(of("feedback")).pairs.size(), 2U);
    EXPECT_EQ(stages::load_feedback(of("feedback")).thumbs.size(), 2U);
    std::ifstream log(of("feedback") / "log.txt");
    std::string const text(std::istreambuf_iterator<char>(log), {});
    EXPECT_NE(text.find("pairs.jsonl: 1 row skipped: line 2 (key 'rejected'"), std::string::npos) << text;
    EXPECT_NE(text.find("thumbs.jsonl: 1 row skipped"), std::string::npos) << text;
}

TEST(Feedback, WithoutASecondPromptKtoHasNothingToCompareWith) {
    stages::FeedbackData feedback;
    feedback.prompts.push_back({{1, 2}});
    feedback.completions.push_back({0, {3}});
    feedback.thumbs.push_back({0, 1, -1});
    EXPECT_THROW(static_cast<void>(stages::make_thumbs(feedback, {})), core::ConfigError);
    // A loss without z0 has no use for a partner.
    EXPECT_EQ(stages::make_thumbs(feedback, {}, false).size(), 1U);
    EXPECT_THROW(static_cast<void>(stages::make_thumbs({}, {}, false)), core::ConfigError);
}

TEST(Reference, IsTheSftModelsSoTheFirstStepSeesNoReward) {
    auto const first = [](std::string const& kind, char const* name) {
        return store::MetricStream::load(finished_life().of(kind) / "metrics.h5").column(name).front();
    };
    EXPECT_NEAR(first("dpo", "loss"), std::log(2.0), 1e-6);
    EXPECT_NEAR(first("dpo", "rewards/margins"), 0.0, 1e-5);
    EXPECT_NEAR(first("kto", "loss"), 0.5, 1e-5);
    EXPECT_NEAR(first("kto", "kl"), 0.0, 1e-4);
}

// Each answer's own, and that of the partner's answer after this prompt: a first z0 of 0 could hide a wrong one.
TEST(Reference, IsOfTheVerySequencesThatMethodsReadItFor) {
    auto const feedback = stages::load_feedback(finished_life().of("feedback"));
    auto const reference = stages::load_reference(finished_life().of("reference"));
    infer::Weights const sft = infer::load_model(finished_life().of("sft"));
    infer::Transformer transformer(sft.shape);
    auto const logprob = [&](data::Example const& example) {
        data::Example const* const pointer = &example;
        return infer::sequence_logprobs(transformer, sft, std::span(&pointer, 1), 1).at(0);
    };
    auto const thumbs = stages::make_thumbs(feedback, reference, true);
    ASSERT_EQ(thumbs.size(), feedback.thumbs.size());
    for (std::size_t i = 0; i < thumbs.size(); ++i) {
        auto const partner = static_cast<std::size_t>(feedback.thumbs[i].partner);
        EXPECT_EQ(thumbs[i].mismatched.prompt, thumbs[i].example.prompt);
        EXPECT_EQ(thumbs[i].mismatched.completion, feedback.completions[partner].tokens);
        EXPECT_NEAR(thumbs[i].reference, logprob(thumbs[i].example), 1e-4);
        EXPECT_NEAR(thumbs[i].mismatched_reference, logprob(thumbs[i].mismatched), 1e-4);
    }
    for (auto const& pair : stages::make_pairs(feedback, reference)) {
        EXPECT_NEAR(pair.chosen_reference, logprob(pair.chosen), 1e-4);
        EXPECT_NEAR(pair.rejected_reference, logprob(pair.rejected), 1e-4);
    }
}

// Prompts whose answers are equal have no thumbs: a thumb's place and its completion's differ.
TEST(Feedback, PartnersAreAnswersOfOtherThumbs) {
    auto config = testing::tiny_config();
    config.edit<sources::FeedbackConfig>().thumbs = sources::ThumbLabels::pairs;
    config.edit<sources::FeedbackConfig>().temperature = 0.6;
    config.edit<sources::FeedbackConfig>().max_new_tokens = 2;
    TemporaryFolder folder;
    finished_life().copy_inputs("feedback", folder.path());
    auto const spec = make_stage("feedback", config, 3, finished_life().specs.at("feedback").inputs);
    execute(spec, testing::host_of(folder.path()));
    ASSERT_GT(store::read_manifest(folder.path() / spec.id())->metrics.at("feedback/equal_answers"), 0.0);
    auto const feedback = stages::load_feedback(folder.path() / spec.id());
    std::set<std::int64_t> judged;
    for (auto const& thumb : feedback.thumbs) { judged.insert(thumb.completion); }
    for (auto const& thumb : feedback.thumbs) { EXPECT_TRUE(judged.contains(thumb.partner)) << thumb.partner; }
    expect_mismatched_partners(feedback);
}

TEST(CheckData, NamesTheFileThatIsNoData) {
    TemporaryFolder folder;
    config::DataConfig data;
    sources::check_data({&data});  // nothing given, nothing read
    data.preferences = (folder.path() / "pairs.jsonl").string();
    EXPECT_THROW(sources::check_data({&data}), core::IoError);
    std::ofstream(data.preferences) << R"({"prompt": "a", "chosen": "b", "rejected": "c"})"
                                    << "\n{\n";
    try {
        sources::check_data({&data});
        FAIL() << "half an object was read";
    } catch (core::IoError const& error) {
        EXPECT_NE(std::string(error.what()).find("pairs.jsonl:2"), std::string::npos) << error.what();
    }
}

}  // namespace
}  // namespace alignsweep::kinds
