// SPDX-License-Identifier: Apache-2.0
// Every loss of a pair against TRL's own code, its equation, its derivative and its invariants.
#include "losses/preference.hpp"

#include "config/values.hpp"
#include "core/error.hpp"
#include "losses/helpers.hpp"

#include <algorithm>
#include <limits>

namespace alignsweep::losses {
namespace {

using namespace testing;

PairLossRule rule_of(PairLossRow const& row) {
    return {&row, row.name == "simpo" ? 2.5 : 0.3, row.is(reads_smoothing) ? 0.1 : 0.0, 0.4, 0.25};
}
PairLossRule rule_of(std::string const& name) { return rule_of(pair_loss_row(name)); }

std::vector<PairLogprobs> const pairs{
    {-6.0, -9.0, -7.5, -8.25, 3.0, 5.0}, {-12.5, -4.0, -10.0, -6.5, 7.0, 2.0}, {-0.5, -40.0, -3.0, -20.0, 1.0, 16.0}};

PairLogprobs swapped(PairLogprobs const& at) {
    PairLogprobs other = at;
    std::swap(other.chosen, other.rejected);
    std::swap(other.chosen_reference, other.rejected_reference);
    std::swap(other.chosen_tokens, other.rejected_tokens);
    return other;
}

// What the loss functions of TRL 1.16 give for `pairs` in double, gradients by autograd: DPOTrainer (rdpo: `robust`),
// experimental CPOTrainer (simpo, cpo_alpha 0), experimental ORPOTrainer (odds ratio, with the chosen completion's mean
// negative log-likelihood).
struct Golden {
    std::string name;
    std::vector<PairLossValue> losses;
};
std::vector<Golden> const trl{
    {"sigmoid",
     {{0.41155083286785243, -0.10121344884897525, 0.10121344884897525, 0.45, -0.225},
      {1.7014132779827524, -0.24527234285809307, 0.24527234285809307, -0.75, 0.75},
      {0.0011701946758545584, -0.0003508530795166544, 0.0003508530795166544, 0.75, -6.0}}},
    {"rdpo",
     {{0.3271758328678524, -0.13871344884897527, 0.13871344884897527, 0.45, -0.225},
      {1.8889132779827524, -0.28277234285809305, 0.28277234285809305, -0.75, 0.75},
      {-0.8425798053241454, -0.037850853079516654, 0.037850853079516654, 0.75, -6.0}}},
    {"hinge", {{0.325, -0.3, 0.3, 0.45, -0.225}, {2.5, -0.3, 0.3, -0.75, 0.75}, {0.0, 0.0, 0.0, 0.75, -6.0}}},
    {"ipo",
     {{1.033611111111111, -0.6777777777777777, 0.4066666666666666, 0.45, -0.225},
      {10.717828798185941, -0.9353741496598639, 3.2738095238095237, -0.75, 0.75},
      {4.340277777777777, 4.166666666666666, -0.26041666666666663, 0.75, -6.0}}},
    {"apo_zero",
     {{0.8333468755061579, -0.07132768797333879, 0.0740587332198166, 0.45, -0.225},
      {1.358357398350786, -0.06536849812854421, 0.06536849812854421, -0.75, 0.75},
      {0.3232939239812418, -0.06536849812854421, 0.0007399527874080144, 0.75, -6.0}}},
    {"apo_down",
     {{0.9480173967791395, 0.004261446550710632, 0.06706624142262815, 0.45, -0.225},
      {1.1383957770182507, 0.020624562507444356, 0.04474393562109986, -0.75, 0.75},
      {0.6803482094404485, 0.06501805537530558, 0.0003504427532386343, 0.75, -6.0}}},
    {"sigmoid_norm",
     {{0.6003927938630078, -0.04514038914168656, 0.02708423348501194, 0.45, -0.225},
      {0.9629991618980849, -0.02649658934761821, 0.09273806271666374, -0.75, 0.75},
      {0.2811501362483148, -0.07352550393971151, 0.004595343996231969, 0.75, -6.0}}},
    {"simpo",
     {{1.7014132779827524, -0.681312063494703, 0.40878723809682177, -5.0, -4.5},
      {0.9519965990040368, -0.21929656176673087, 0.7675379661835581, -4.464285714285714, -5.0},
      {0.018149927917809738, -0.044965524905228885, 0.0028103453065768053, -1.25, -6.25}}},
    {"orpo",
     {{2.245305266847195, -0.39793030499198856, 0.040149501239311644, -0.6, -0.54},
      {1.9581801407289656, -0.1653706148620603, 0.07584981911021484, -0.5357142857142857, -0.6},
      {0.5169175643013779, -1.0418060504805269, 0.0011200246671759515, -0.15, -0.75}}}};

TEST(PairLosses, IsTrls) {
    for (auto const& [name, losses] : trl) {
        for (std::size_t i = 0; i < pairs.size(); ++i) {
            auto const ours = pair_loss(rule_of(name), pairs[i]);
            std::string const where = name + " pair " + std::to_string(i);
            EXPECT_NEAR(ours.loss, losses[i].loss, 1e-13) << where;
            EXPECT_NEAR(ours.chosen_slope, losses[i].chosen_slope, 1e-13) << where;
            EXPECT_NEAR(ours.rejected_slope, losses[i].rejected_slope, 1e-13) << where;
            EXPECT_NEAR(ours.chosen_reward, losses[i].chosen_reward, 1e-13) << where;
            EXPECT_NEAR(ours.rejected_reward, losses[i].rejected_reward, 1e-13) << where;
        }
    }
}

// TRL has no cDPO.
TEST(PairLosses, CdpoIsTheMeanOverFlippedLabels) {
    for (auto const& at : pairs) {
        double const margin = 0.3 * (at.chosen - at.chosen_reference - at.rejected + at.rejected_reference);
        double const expected = -0.9 * std::log(logistic(margin)) - 0.1 * std::log(logistic(-margin));
        EXPECT_NEAR(pair_loss(rule_of("cdpo"), at).loss, expected, 1e-12);
    }
}

TEST(PairLosses, SlopesAreTheDerivatives) {
    for (PairLossRow const& row : pair_losses()) {
        for (auto at : pairs) {
            for (double const probability : {1.0, 0.7}) {
                if (probability < 1.0 && row.is(hard_labels)) { continue; }
                at.probability = probability;
                auto const here = pair_loss(rule_of(row), at);
                SCOPED_TRACE(row.name);
                expect_derivative({here.chosen_slope, here.rejected_slope}, {at.chosen, at.rejected},
                                  [&](std::vector<double> const& x) {
                                      auto moved = at;
                                      moved.chosen = x[0];
                                      moved.rejected = x[1];
                                      return pair_loss(rule_of(row), moved).loss;
                                  });
            }
        }
    }
}

TEST(PairLosses, WhereThePolicyIsTheReference) {
    PairLogprobs const at{-6.0, -9.0, -6.0, -9.0, 3.0, 5.0};
    auto const loss = [&](std::string const& name) { return pair_loss(rule_of(name), at).loss; };
    for (std::string const name : {"sigmoid", "cdpo", "rdpo", "sigmoid_norm"}) {
        EXPECT_NEAR(loss(name), std::log(2.0), 1e-15);
    }
    EXPECT_EQ(loss("hinge"), 1.0);
    EXPECT_EQ(loss("apo_zero"), 1.0);
    EXPECT_EQ(loss("apo_down"), 1.0);
    EXPECT_NEAR(loss("ipo"), 1.0 / 0.36, 1e-15);
    EXPECT_NEAR(loss("exo_pair"), -std::log(2.0) - 0.5 * std::log(0.9 * 0.1), 1e-15);
    for (std::string const name : {"nca_pair", "bco_pair"}) { EXPECT_NEAR(loss(name), 2.0 * std::log(2.0), 1e-15); }
    EXPECT_NEAR(loss("sppo_hard"), 2.0 / 0.36, 1e-14);
    EXPECT_NEAR(loss("discopop"), 0.5 * (std::log(2.0) + 1.0), 1e-15);
    for (std::string const name : {"aot", "aot_unpaired"}) { EXPECT_NEAR(loss(name), std::log(2.0), 1e-15); }
    for (PairLossRow const& row : pair_losses()) {
        if (row.is(no_reference)) { continue; }
        EXPECT_EQ(pair_loss(rule_of(row), at).chosen_reward, 0.0);
        EXPECT_EQ(pair_loss(rule_of(row), at).rejected_reward, 0.0);
    }
}

TEST(PairLosses, WithoutNoiseCdpoAndRdpoAreDpo) {
    for (auto at : pairs) {
        for (double const probability : {1.0, 0.8}) {
            at.probability = probability;
            auto const plain = pair_loss({&pair_loss_row("sigmoid"), 0.3, 0.0, 0.0}, at);
            for (std::string const name : {"cdpo", "rdpo"}) {
                auto const smooth = pair_loss({&pair_loss_row(name), 0.3, 0.0, 0.0}, at);
                EXPECT_EQ(smooth.loss, plain.loss);
                EXPECT_EQ(smooth.chosen_slope, plain.chosen_slope);
                EXPECT_EQ(smooth.rejected_slope, plain.rejected_slope);
            }
        }
    }
}

// Label smoothing that is asked for acts (trl#3906: it was read and dropped).
TEST(PairLosses, SmoothingMovesTheLoss) {
    for (PairLossRow const& row : pair_losses()) {
        auto const little = pair_loss({&row, 0.3, 0.01, 0.0}, pairs[0]).loss;
        double const change = std::abs(pair_loss({&row, 0.3, 0.2, 0.0}, pairs[0]).loss - little);
        EXPECT_EQ(change > 1e-2, row.is(reads_smoothing)) << row.name;
        EXPECT_EQ(change > 0.0, row.is(reads_smoothing)) << row.name;
    }
}

// A key moves a loss exactly where the table says that the loss reads it, so none is ignored in silence.
TEST(PairLosses, TheTableHasExactlyTheKeysThatMoveTheLoss) {
    for (PairLossRow const& row : pair_losses()) {
        for (PairLossKey const& key : pair_loss_keys()) {
            bool moved = false;
            for (auto const& at : pairs) {
                PairLossRule rule = rule_of(row);
                double const before = pair_loss(rule, at).loss;
                rule.*key.value += 0.01;
                moved = moved || pair_loss(rule, at).loss != before;
            }
            EXPECT_EQ(moved, key.is_read_by(row)) << row.name << " " << key.name;
        }
    }
}

TEST(PairLosses, TheConfigurationOffersExactlyTheTable) {
    std::string names;
    for (PairLossRow const& row : pair_losses()) { names += (names.empty() ? "" : ", ") + row.name; }
    auto const keys = config::all_keys(config::Config({config::Section::of<PairLossRule>("dpo")}));
    auto const allowed = [&](std::string const& key) {
        auto const is_it = [&](auto const& one) { return one.section == "dpo" && one.key == key; };
        return std::find_if(keys.begin(), keys.end(), is_it)->allowed;
    };
    EXPECT_EQ(allowed("loss"), "one of: " + names);
    for (PairLossKey const& key : pair_loss_keys()) { EXPECT_NE(allowed(key.name), "") << key.name; }
}

// Where one pair is all that there is to match, both are cDPO.
TEST(PairLosses, AotOfOnePairIsCdpo) {
    for (auto const& at : pairs) {
        auto const expected = pair_loss(rule_of("cdpo"), at);
        for (std::string const name : {"aot", "aot_unpaired"}) {
            auto const one = pair_loss(rule_of(name), at);
            EXPECT_NEAR(one.loss, expected.loss, 1e-14);
            EXPECT_NEAR(one.chosen_slope, expected.chosen_slope, 1e-14);
            EXPECT_NEAR(one.rejected_slope, expected.rejected_slope, 1e-14);
        }
    }
}

std::vector<PairLogprobs> matched(std::string const& name, std::vector<PairLogprobs> step) {
    auto const matches = match_by_rank(pair_loss_row(name), step);
    for (std::size_t i = 0; i < step.size(); ++i) { step[i].match = matches[i]; }
    return step;
}

// Policy margins -6 + 9 = 3, -12.5 + 4 = -8.5, 39.5 and reference margins .75, -3.5, 17 have the same order; with the
// references of the first two exchanged they do not.
TEST(PairMatch, TakesTheNumberOfTheSameRank) {
    auto step = pairs;
    std::swap(step[0].chosen_reference, step[1].chosen_reference);
    std::swap(step[0].rejected_reference, step[1].rejected_reference);
    auto const matches = match_by_rank(pair_loss_row("aot"), step);
    EXPECT_EQ(matches[0].chosen, 0.75);
    EXPECT_EQ(matches[1].chosen, -3.5);
    EXPECT_EQ(matches[2].chosen, 17.0);
    // c': 1.5, -2.5, 2.5; r': -0.75, 2.5, -20.
    auto const unpaired = match_by_rank(pair_loss_row("aot_unpaired"), pairs);
    EXPECT_EQ(unpaired[0].chosen, -0.75);
    EXPECT_EQ(unpaired[1].chosen, -20.0);
    EXPECT_EQ(unpaired[2].chosen, 2.5);
    EXPECT_EQ(unpaired[0].rejected, 1.5);
    EXPECT_EQ(unpaired[1].rejected, 2.5);
    EXPECT_EQ(unpaired[2].rejected, -2.5);
    EXPECT_TRUE(match_by_rank(pair_loss_row("aot"), {}).empty());
    EXPECT_THROW(static_cast<void>(match_by_rank(pair_loss_row("sigmoid"), pairs)), std::logic_error);
}

TEST(PairMatch, OfEqualsTheFirstIsTheSmaller) {
    std::vector<PairLogprobs> const equal{{-2.0, -1.0, -1.0, -3.0}, {-2.0, -1.0, -1.0, -4.0}};
    auto const matches = match_by_rank(pair_loss_row("aot"), equal);
    EXPECT_EQ(matches[0].chosen, 2.0);
    EXPECT_EQ(matches[1].chosen, 3.0);
}

// The derivative of the step's mean by every log-probability, though the matches are constants to the loss of a pair.
TEST(PairMatch, SlopesAreTheDerivativesOfTheStepsMean) {
    for (std::string const name : {"aot", "aot_unpaired"}) {
        std::vector<double> slopes, place;
        for (auto const& at : matched(name, pairs)) {
            auto const loss = pair_loss(rule_of(name), at);
            slopes.insert(slopes.end(), {loss.chosen_slope / 3.0, loss.rejected_slope / 3.0});
            place.insert(place.end(), {at.chosen, at.rejected});
        }
        expect_derivative(slopes, place, [&](std::vector<double> const& x) {
            auto step = pairs;
            for (std::size_t i = 0; i < step.size(); ++i) {
                step[i].chosen = x[2 * i];
                step[i].rejected = x[2 * i + 1];
            }
            double sum = 0.0;
            for (auto const& at : matched(name, step)) { sum += pair_loss(rule_of(name), at).loss / 3.0; }
            return sum;
        });
    }
}

// rdpo over labels flipped with probability e is, on average, dpo over clean ones: what it is made for.
TEST(PairLosses, RdpoIsUnbiasedUnderItsNoise) {
    PairLossRule const rule{&pair_loss_row("rdpo"), 0.3, 0.2, 0.0};
    for (auto at : pairs) {
        double const clean = pair_loss({&pair_loss_row("sigmoid"), 0.3, 0.0, 0.0}, at).loss;
        EXPECT_NEAR(0.8 * pair_loss(rule, at).loss + 0.2 * pair_loss(rule, swapped(at)).loss, clean, 1e-12);
        at.probability = 0.8;
        EXPECT_NEAR(pair_loss(rule, at).loss, clean, 1e-12);
    }
}

TEST(PairLosses, SwappingTheAnswersNegatesTheMargin) {
    for (PairLossRow const& row : pair_losses()) {
        for (auto const& at : pairs) {
            auto const one = pair_loss(rule_of(row), at), other = pair_loss(rule_of(row), swapped(at));
            EXPECT_EQ(one.chosen_reward - one.rejected_reward, -(other.chosen_reward - other.rejected_reward));
            EXPECT_NE(one.chosen_reward, one.rejected_reward);
        }
    }
}

TEST(PairLosses, ASoftLabelIsTheMeanOverBothLabels) {
    for (PairLossRow const& row : pair_losses()) {
        for (auto at : pairs) {
            auto const one = pair_loss(rule_of(row), at), other = pair_loss(rule_of(row), swapped(at));
            at.probability = 0.75;
            if (row.is(hard_labels)) {
                EXPECT_THROW(static_cast<void>(pair_loss(rule_of(row), at)), core::ConfigError);
                continue;
            }
            auto const soft = pair_loss(rule_of(row), at);
            EXPECT_NEAR(soft.loss, 0.75 * one.loss + 0.25 * other.loss, 1e-12);
            EXPECT_NEAR(soft.chosen_slope, 0.75 * one.chosen_slope + 0.25 * other.rejected_slope, 1e-12);
            EXPECT_NEAR(soft.rejected_slope, 0.75 * one.rejected_slope + 0.25 * other.chosen_slope, 1e-12);
            EXPECT_EQ(soft.chosen_reward, one.chosen_reward);
        }
    }
}

// A pair that says nothing either way pulls nowhere but to margin 0.
TEST(PairLosses, AnEvenLabelHasItsLeastLossAtMarginZero) {
    PairLogprobs at{-6.0, -9.0, -6.0, -9.0, 3.0, 5.0, 0.5};
    for (PairLossRow const& row : pair_losses()) {
        if (row.is(hard_labels) || row.is(no_reference)) { continue; }
        EXPECT_NEAR(pair_loss(rule_of(row), at).chosen_slope, 0.0, 1e-15);
    }
}

TEST(PairLosses, LengthsActWhereTheyShould) {
    for (PairLossRow const& row : pair_losses()) {
        auto longer = pairs[0];
        longer.rejected_tokens = 50.0;
        bool const normalised =
            row.name == "ipo" || row.name == "simpo" || row.name == "orpo" || row.name == "sigmoid_norm";
        double const change = pair_loss(rule_of(row), longer).loss - pair_loss(rule_of(row), pairs[0]).loss;
        EXPECT_EQ(change != 0.0, normalised) << row.name;
    }
}

TEST(PairLosses, WithoutAReferenceItIsNotRead) {
    for (PairLossRow const& row : pair_losses()) {
        auto other = pairs[0];
        other.chosen_reference = std::numeric_limits<double>::quiet_NaN();
        auto const here = pair_loss(rule_of(row), pairs[0]), there = pair_loss(rule_of(row), other);
        EXPECT_EQ(here.loss == there.loss && here.chosen_reward == there.chosen_reward, row.is(no_reference));
    }
}

TEST(PairLosses, OrposLikelihoodIsAMeanOverTheStepsTokens) {
    PairLossRule const rule = rule_of("orpo");
    double sum = 0.0, logprob = 0.0, tokens = 0.0;
    for (auto at : pairs) {
        at.likelihood_tokens = (3.0 + 7.0 + 1.0) / 3.0;
        double const odds_term = pair_loss(rule, at).loss + at.chosen / at.likelihood_tokens;
        at.likelihood_tokens = 0.0;
        EXPECT_NEAR(odds_term, pair_loss(rule, at).loss + at.chosen / at.chosen_tokens, 1e-12);
        at.likelihood_tokens = (3.0 + 7.0 + 1.0) / 3.0;
        sum += (pair_loss(rule, at).loss - odds_term) / 3.0;
        logprob += at.chosen;
        tokens += at.chosen_tokens;
    }
    EXPECT_NEAR(sum, -logprob / tokens, 1e-12);
}

TEST(PairLosses, StaysFinite) {
    std::vector<PairLogprobs> extremes{{0.0, 0.0, 0.0, 0.0, 0.0, 0.0},    // two empty completions
                                       {0.0, -5.0, 0.0, -5.0, 4.0, 4.0},  // the chosen one is certain
                                       {-5.0, 0.0, -5.0, 0.0, 4.0, 4.0},  // the rejected one is
                                       {-1e-30, -1e-30, -1.0, -1.0, 1.0, 1.0}};
    for (double const huge : {1e3, 1e6, 1e9}) {
        extremes.push_back({-1.0, -huge, -huge, -1.0, 1.0, 1.0});
        extremes.push_back({-huge, -1.0, -1.0, -huge, 1.0, 1.0});
    }
    for (PairLossRow const& row : pair_losses()) {
        for (auto at : extremes) {
            for (double const probability : {1.0, 0.5}) {
                if (probability < 1.0 && row.is(hard_labels)) { continue; }
                at.probability = probability;
                auto const loss = pair_loss(rule_of(row), at);
                for (double const value : {loss.loss, loss.chosen_slope, loss.rejected_slope, loss.chosen_reward}) {
                    EXPECT_TRUE(std::isfinite(value)) << row.name << " at " << at.chosen;
                }
            }
        }
    }
}

TEST(PairLossRule, ComesFromTheSection) {
    config::Config const defaults({config::Section::of<PairLossRule>("dpo")});
    EXPECT_EQ(defaults.get<PairLossRule>().row->name, "sigmoid");
    auto const rule_with = [&](std::vector<std::string> const& sets) {
        PairLossRule const rule = config::apply(config::read_all({}, sets), defaults).get<PairLossRule>();
        check_rule(rule);
        return rule;
    };
    for (PairLossRow const& row : pair_losses()) {
        std::string const smoothing = row.is(needs_smoothing) ? "0.001" : "0";
        auto const rule = rule_with({"dpo.beta=0.7", "dpo.loss=" + row.name, "dpo.label_smoothing=" + smoothing});
        EXPECT_EQ(rule.row, &row) << row.name;
        EXPECT_EQ(rule.label_smoothing, row.is(needs_smoothing) ? 0.001 : 0.0);
        EXPECT_EQ(rule.beta, 0.7);
    }
    EXPECT_EQ(rule_with({"dpo.loss=cdpo", "dpo.label_smoothing=0.2"}).label_smoothing, 0.2);
    EXPECT_EQ(rule_with({"dpo.loss=simpo", "dpo.gamma_ratio=0.5"}).gamma_ratio, 0.5);
    EXPECT_EQ(rule_with({"dpo.loss=discopop", "dpo.discopop_tau=0.5"}).discopop_tau, 0.5);
}

// Exactly the losses in `takers` read the key that `change` sets.
void expect_refused_but_by(std::vector<std::string> const& takers, std::string const& key,
                           std::function<void(PairLossRule&)> const& change) {
    for (PairLossRow const& row : pair_losses()) {
        std::string const loss = row.name;
        PairLossRule rule{&row};
        if (row.is(needs_smoothing)) { rule.label_smoothing = 0.001; }
        change(rule);
        bool const taken = std::find(takers.begin(), takers.end(), loss) != takers.end();
        try {
            check_rule(rule);
            EXPECT_TRUE(taken) << key << " was ignored by " << loss;
        } catch (core::ConfigError const& error) {
            EXPECT_FALSE(taken) << error.what();
            EXPECT_NE(std::string(error.what()).find("dpo." + key), std::string::npos) << error.what();
            EXPECT_NE(std::string(error.what()).find(loss), std::string::npos) << error.what();
        }
    }
}

TEST(PairLossRule, RefusesKeysThatTheLossWouldIgnore) {
    expect_refused_but_by({"cdpo", "rdpo", "exo_pair", "aot", "aot_unpaired"}, "label_smoothing",
                          [](auto& rule) { rule.label_smoothing = 0.1; });
    expect_refused_but_by({"simpo"}, "gamma_ratio", [](auto& rule) { rule.gamma_ratio = 0.5; });
    expect_refused_but_by({"discopop"}, "discopop_tau", [](auto& rule) { rule.discopop_tau = 0.5; });
}

TEST(PairLossRule, ExoNeedsSmoothing) { EXPECT_THROW(check_rule({&pair_loss_row("exo_pair")}), core::ConfigError); }

}  // namespace
}  // namespace alignsweep::losses
