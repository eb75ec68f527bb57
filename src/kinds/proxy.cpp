// SPDX-License-Identifier: Apache-2.0
// proxy: what the reward model says of the answers that evaluate stored.
#include "infer/reward.hpp"
#include "kinds/evaluate.hpp"

#include <numeric>

namespace alignsweep::kinds {

namespace {

void run_proxy(stages::Context& context) {
    auto const answers = stages::load_answers(context.input("evaluate"));
    auto const scores =
        infer::Reward(context.input("reward_model"), context.chunk()).score(infer::pointers(answers.answers));
    if (!answers.weight.empty()) {  // all answers: no sampling error, so no interval
        context.result.metrics["eval/proxy_reward"] =
            std::inner_product(scores.begin(), scores.end(), answers.weight.begin(), 0.0);
        return;
    }
    put_mean(context, "eval/proxy_reward", answers.answers, scores);
}

}  // namespace

stages::Descriptor describe_proxy() {
    stages::Descriptor kind{.name = "proxy", .version = 3, .purpose = stages::Purpose::side, .run = run_proxy};
    kind.reads = [](stages::Reads& r) { r.model_limits().unread({"model.context"}); };
    kind.inputs = [](config::Config const&, stages::Descriptor const* model) {
        return std::vector<stages::Input>{{"evaluate", "evaluate", model->name}, {"reward_model", "reward_model"}};
    };
    kind.work = [](stages::StageSpec const& spec, stages::Lengths const& lengths) {
        double const prompts = static_cast<double>(spec.config.get<EvaluateConfig>().prompts);
        return stages::Work{0.0, lengths.listed ? all_responses(spec.config, lengths) : prompts * lengths.example};
    };
    kind.metrics = {{"eval/proxy_reward", "1", "reward model's (or implicit) reward of the policy's samples"}};
    return kind;
}

}  // namespace alignsweep::kinds
