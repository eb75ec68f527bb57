// SPDX-License-Identifier: Apache-2.0
// proxy: what the reward model says of the answers that evaluate stored.
#include "infer/reward.hpp"
#include "kinds/evaluate_exactly.hpp"
#include "stages/artifacts.hpp"
#include "stages/context.hpp"
#include "stages/descriptor.hpp"
#include "stages/reads.hpp"
#include "stats/mean.hpp"

#include <numeric>

namespace alignsweep::kinds {

namespace {

using stages::Reads;

void run_proxy(stages::Context& context) {
    auto const answers = stages::load_answers(context.input("evaluate"));
    auto const scores =
        infer::Reward(context.input("reward_model"), context.chunk()).score(infer::pointers(answers.answers));
    if (!answers.weight.empty()) {  // all answers: no sampling error, so no interval
        context.result.metrics["eval/proxy_reward"] =
            std::inner_product(scores.begin(), scores.end(), answers.weight.begin(), 0.0);
        return;
    }
    stats::Mean proxy;
    for (double const score : scores) { proxy.add(score); }
    context.result.metrics["eval/proxy_reward"] = proxy.mean();
    context.result.metrics["eval/proxy_reward_low"] = proxy.mean() - proxy.half_interval();
    context.result.metrics["eval/proxy_reward_high"] = proxy.mean() + proxy.half_interval();
}

}  // namespace

stages::Descriptor describe_proxy() {
    return {.name = "proxy",
            .version = 1,
            .purpose = stages::Purpose::side,
            .run = run_proxy,
            .reads = [](Reads& r) { r.model_limits().unread({"model.context"}); },
            .inputs =
                [](config::Config const&, stages::Descriptor const* model) {
                    return std::vector<stages::Input>{{"evaluate", "evaluate", model->name},
                                                      {"reward_model", "reward_model"}};
                },
            .work =
                [](stages::StageSpec const& spec, stages::Lengths const& lengths) {
                    double const prompts = static_cast<double>(spec.config.get<config::EvaluateConfig>().prompts);
                    return stages::Work{
                        0.0, lengths.listed ? all_responses(spec.config, lengths) : prompts * lengths.example};
                }};
}

}  // namespace alignsweep::kinds
