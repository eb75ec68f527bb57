// SPDX-License-Identifier: Apache-2.0
#include "model/device/generate.hpp"

#include "core/error.hpp"
#include "kernels/sampling.hpp"

#include <algorithm>

namespace alignsweep::model::device {

namespace {

template <class ExecSpace, class Scalar>
using Cache = std::vector<kernels::LayerCache<ExecSpace, Scalar>>;

template <class ExecSpace, class Scalar>
Cache<ExecSpace, Scalar> make_cache(Shape const& shape, std::size_t slots, int positions) {
    using Storage = Kokkos::View<Scalar***, Kokkos::LayoutRight, ExecSpace>;
    Cache<ExecSpace, Scalar> cache;
    auto const make = [&](std::string const& label) {
        return Storage(Kokkos::view_alloc(Kokkos::WithoutInitializing, label), slots, positions,
                       shape.kv_heads * shape.head_dim());
    };
    for (int i = 0; i < shape.depth; ++i) {
        cache.push_back({make("alignsweep::model::cache::keys"), make("alignsweep::model::cache::values")});
    }
    return cache;
}

// The rows of one chunk that still grow.
struct Active {
    std::vector<std::int32_t> slot, row_id, position, token;
};

// One chunk, from its prompts to the last end token.
template <class ExecSpace, class Scalar>
class ChunkGenerator {
public:
    using Matrix = kernels::Matrix<ExecSpace, Scalar>;

    ChunkGenerator(Transformer<ExecSpace, Scalar>& transformer, Parameters<ExecSpace, Scalar> const& weights,
                   GenerationRequest const& request, std::size_t first, std::size_t count)
        : transformer_(transformer), weights_(weights), request_(request), first_(first), completions_(count) {
        std::size_t longest = 0;
        for (std::size_t i = 0; i < count; ++i) { longest = std::max(longest, request.prompts[first + i].size()); }
        int const positions = static_cast<int>(longest) + request.max_new_tokens;
        if (positions > transformer.shape().context) {
            throw core::ConfigError(core::concat("a prompt of ", longest,
                                                 " tokens and max_new_tokens = ", request.max_new_tokens,
                                                 " exceed model.context = ", transformer.shape().context));
        }
        cache_ = make_cache<ExecSpace, Scalar>(transformer.shape(), count, positions);
    }

    std::vector<Completion> run() {
        if (request_.max_new_tokens == 0) { return completions_; }
        sample(last_hidden_of_prompts());
        for (int made = 1; made < request_.max_new_tokens && !active_.slot.empty(); ++made) {
            for (std::int32_t& position : active_.position) { ++position; }
            typename Transformer<ExecSpace, Scalar>::CacheTarget const target{upload_indices<ExecSpace>(active_.slot),
                                                                              &cache_};
            sample(transformer_.decode(weights_, upload_indices<ExecSpace>(active_.token),
                                       upload_indices<ExecSpace>(active_.position), target));
        }
        return completions_;
    }

private:
    // Runs the prompts packed and returns the hidden state of each prompt's last token.
    Matrix last_hidden_of_prompts() {
        std::vector<std::int32_t> tokens, offsets{0}, slots, last;
        for (std::size_t i = 0; i < completions_.size(); ++i) {
            auto const& prompt = request_.prompts[first_ + i];
            core::check(!prompt.empty(), "generation needs at least one token of prompt");
            tokens.insert(tokens.end(), prompt.begin(), prompt.end());
            slots.insert(slots.end(), prompt.size(), static_cast<std::int32_t>(i));
            offsets.push_back(static_cast<std::int32_t>(tokens.size()));
            last.push_back(offsets.back() - 1);
            active_.slot.push_back(static_cast<std::int32_t>(i));
            active_.row_id.push_back(request_.row_ids[first_ + i]);
            active_.position.push_back(static_cast<std::int32_t>(prompt.size()) - 1);
        }
        ChunkInput const input{tokens, offsets, last, last, {}};
        auto const chunk = upload<ExecSpace>(input, kernels::lanes<ExecSpace, Scalar>);
        auto const hidden = transformer_.prefill(weights_, chunk, {upload_indices<ExecSpace>(slots), &cache_});
        Matrix rows = transformer_.workspace().matrix(chunk.targets, transformer_.shape().width);
        kernels::gather_rows<ExecSpace, Scalar>(transformer_.space(), hidden, chunk.target_rows, rows);
        return rows;
    }

    // Draws the next token of every active row; rows that end leave. A token's random number is named by the row and
    // the token's position in the completion, so the length of the prompt does not matter.
    void sample(Matrix const& hidden) {
        std::size_t const rows = active_.slot.size();
        Matrix const logits = transformer_.lm_logits(weights_, hidden);
        std::vector<std::int32_t> made(rows);
        for (std::size_t i = 0; i < rows; ++i) {
            made[i] = static_cast<std::int32_t>(completions_[slot(i)].tokens.size());
        }
        kernels::Vector<ExecSpace, std::int32_t> token("alignsweep::model::sampled_tokens", rows);
        kernels::Vector<ExecSpace, Scalar> logprob("alignsweep::model::sampled_logprobs", rows);
        kernels::sample_tokens<ExecSpace, Scalar>(transformer_.space(), request_.rule, request_.stream, request_.step,
                                                  upload_indices<ExecSpace>(active_.row_id),
                                                  upload_indices<ExecSpace>(made), logits, token, logprob);
        auto const tokens = to_host(transformer_.space(), token);
        auto const logprobs = to_host(transformer_.space(), logprob);
        Active next;
        for (std::size_t i = 0; i < rows; ++i) {
            Completion& completion = completions_[slot(i)];
            completion.tokens.push_back(tokens[i]);
            completion.logprobs.push_back(static_cast<double>(logprobs[i]));
            completion.ended = tokens[i] == request_.end_token;
            if (completion.ended) { continue; }
            next.slot.push_back(active_.slot[i]);
            next.row_id.push_back(active_.row_id[i]);
            next.position.push_back(active_.position[i]);
            next.token.push_back(tokens[i]);
        }
        active_ = std::move(next);
    }

    [[nodiscard]] std::size_t slot(std::size_t i) const { return static_cast<std::size_t>(active_.slot[i]); }

    Transformer<ExecSpace, Scalar>& transformer_;
    Parameters<ExecSpace, Scalar> const& weights_;
    GenerationRequest const& request_;
    std::size_t first_;
    std::vector<Completion> completions_;
    Cache<ExecSpace, Scalar> cache_;
    Active active_;
};

}  // namespace

template <class ExecSpace, class Scalar>
std::vector<Completion> generate(Transformer<ExecSpace, Scalar>& transformer,
                                 Parameters<ExecSpace, Scalar> const& weights, GenerationRequest const& request) {
    core::check(request.prompts.size() == request.row_ids.size(), "one row id a prompt");
    core::check(request.chunk >= 1, "a chunk holds at least one prompt");
    std::vector<Completion> all;
    auto const chunk = static_cast<std::size_t>(request.chunk);
    for (std::size_t first = 0; first < request.prompts.size(); first += chunk) {
        std::size_t const count = std::min(chunk, request.prompts.size() - first);
        auto part = ChunkGenerator<ExecSpace, Scalar>(transformer, weights, request, first, count).run();
        std::move(part.begin(), part.end(), std::back_inserter(all));
    }
    return all;
}

#define INSTANTIATE(E, S)                                                                        \
    template std::vector<Completion> generate<E, S>(Transformer<E, S>&, Parameters<E, S> const&, \
                                                    GenerationRequest const&);
ALIGNSWEEP_INSTANTIATE(INSTANTIATE)

}  // namespace alignsweep::model::device
