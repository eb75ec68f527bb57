// SPDX-License-Identifier: Apache-2.0
#include "model/device/generate.hpp"

#include "core/error.hpp"
#include "kernels/sampling.hpp"

#include <algorithm>

namespace alignsweep::model::device {

namespace {

// Chunks of prompts, one after the other, with memory for the largest. Tokens, positions, answers and the cache stay on
// the device; a chunk goes there once, and its answers come back once.
template <class ExecSpace, class Scalar>
class Generator {
public:
    Generator(Transformer<ExecSpace, Scalar>& transformer, Parameters<ExecSpace, Scalar> const& weights,
              GenerationRequest const& request)
        : transformer_(transformer),
          weights_(weights),
          request_(request),
          space_(transformer.space()),
          int_staging_(space_),
          scalar_staging_(space_) {
        std::size_t longest = 0;
        for (auto const& prompt : request.prompts) { longest = std::max(longest, prompt.size()); }
        int const positions = static_cast<int>(longest) + request.max_new_tokens;
        if (positions > transformer.shape().context) {
            throw core::ConfigError(core::concat("a prompt of ", longest,
                                                 " tokens and max_new_tokens = ", request.max_new_tokens,
                                                 " exceed model.context = ", transformer.shape().context));
        }
        allocate(std::min(static_cast<std::size_t>(request.chunk), request.prompts.size()), positions);
    }

    // The completions of prompts [first, first + count).
    void run(std::size_t first, std::size_t count, std::vector<Completion>& completions) {
        if (request_.max_new_tokens == 0) {
            completions.resize(completions.size() + count);
            return;
        }
        auto rows = rows_of(0, count);
        auto logits = prompt_logits(first, count, rows);
        int which = 0, left = static_cast<int>(count);
        for (int made = 1;; ++made) {
            auto const logprob = as_vector<ExecSpace, Scalar>(logprob_, 0, left);
            kernels::sample_tokens<ExecSpace, Scalar>(space_, request_.rule, request_.stream, request_.step,
                                                      rows.row_id, rows.made, logits, rows.token, logprob);
            which = 1 - which;
            left = kernels::append_tokens<ExecSpace, Scalar>(space_, request_.end_token, rows, logprob, answers_,
                                                             rows_of(which, rows.token.extent(0)));
            if (left == 0 || made == request_.max_new_tokens) { break; }
            rows = rows_of(which, static_cast<std::size_t>(left));
            logits = transformer_.decode(weights_, rows, cache_);
        }
        collect(count, completions);
    }

private:
    using Ints = kernels::Vector<ExecSpace, std::int32_t>;

    void allocate(std::size_t slots, int positions) {
        auto const& shape = transformer_.shape();
        auto const bare = [&](std::string const& label) {
            return Kokkos::view_alloc(space_, Kokkos::WithoutInitializing, label);
        };
        using Storage = Kokkos::View<Scalar***, Kokkos::LayoutRight, ExecSpace>;
        int const width = shape.kv_heads * shape.head_dim();
        for (int i = 0; i < shape.depth; ++i) {
            cache_.push_back({Storage(bare("alignsweep::model::cache::keys"), slots, positions, width),
                              Storage(bare("alignsweep::model::cache::values"), slots, positions, width)});
        }
        slots_ = slots;
        auto const most = static_cast<std::size_t>(request_.max_new_tokens);
        growing_ = Ints(bare("alignsweep::model::growing"), 2 * row_fields * slots);
        logprob_ = kernels::Vector<ExecSpace, Scalar>(bare("alignsweep::model::sampled_logprobs"), slots);
        answer_ints_ = Ints(bare("alignsweep::model::answers"), slots * (most + 2));
        answers_ = {kernels::Matrix<ExecSpace, std::int32_t>(answer_ints_.data() + 2 * slots, slots, most),
                    kernels::Matrix<ExecSpace, Scalar>(bare("alignsweep::model::answer_logprobs"), slots, most),
                    Ints(answer_ints_.data(), slots), Ints(answer_ints_.data() + slots, slots)};
    }

    // One of two sets of rows: a token is appended from one to the other.
    [[nodiscard]] kernels::DecodeRows<ExecSpace> rows_of(int which, std::size_t count) const {
        auto const field = [&](std::size_t i) {
            return Ints(growing_.data() + (static_cast<std::size_t>(which) * row_fields + i) * slots_, count);
        };
        return {field(0), field(1), field(2), field(3), field(4)};
    }

    // Sends the prompts packed, fills `rows`, and returns the logits of each prompt's last token.
    kernels::Matrix<ExecSpace, Scalar> prompt_logits(std::size_t first, std::size_t count,
                                                     kernels::DecodeRows<ExecSpace> const& rows) {
        std::vector<std::int32_t> tokens, offsets{0}, slots, last;
        std::int32_t* const state = int_staging_.host((row_fields - 1) * slots_);
        for (std::size_t i = 0; i < count; ++i) {
            auto const& prompt = request_.prompts[first + i];
            core::check(!prompt.empty(), "generation needs at least one token of prompt");
            tokens.insert(tokens.end(), prompt.begin(), prompt.end());
            slots.insert(slots.end(), prompt.size(), static_cast<std::int32_t>(i));
            offsets.push_back(static_cast<std::int32_t>(tokens.size()));
            last.push_back(offsets.back() - 1);
            state[i] = static_cast<std::int32_t>(i);
            state[slots_ + i] = request_.row_ids[first + i];
            state[2 * slots_ + i] = static_cast<std::int32_t>(prompt.size()) - 1;
            state[3 * slots_ + i] = 0;
        }
        int_staging_.upload(Ints(rows.slot.data(), (row_fields - 1) * slots_));
        return transformer_.prefill(weights_, {tokens, offsets, last, last, {}}, slots, cache_);
    }

    void collect(std::size_t count, std::vector<Completion>& completions) {
        auto const most = static_cast<std::size_t>(request_.max_new_tokens);
        auto const& logprob_matrix = answers_.logprobs;
        std::int32_t const* const ints = int_staging_.download(answer_ints_);
        Scalar const* const logprobs =
            scalar_staging_.download(kernels::Vector<ExecSpace, Scalar>(logprob_matrix.data(), logprob_matrix.size()));
        for (std::size_t i = 0; i < count; ++i) {
            auto const length = static_cast<std::size_t>(ints[i]);
            std::int32_t const* const tokens = ints + 2 * slots_ + i * most;
            Scalar const* const of_tokens = logprobs + i * most;
            completions.push_back({{tokens, tokens + length}, {of_tokens, of_tokens + length}, ints[slots_ + i] != 0});
        }
    }

    static constexpr std::size_t row_fields = 5;  // of DecodeRows

    Transformer<ExecSpace, Scalar>& transformer_;
    Parameters<ExecSpace, Scalar> const& weights_;
    GenerationRequest const& request_;
    ExecSpace space_;
    Staging<ExecSpace, std::int32_t> int_staging_;
    Staging<ExecSpace, Scalar> scalar_staging_;
    Cache<ExecSpace, Scalar> cache_;
    std::size_t slots_ = 0;
    Ints growing_, answer_ints_;
    kernels::Vector<ExecSpace, Scalar> logprob_;
    kernels::Answers<ExecSpace, Scalar> answers_;
};

}  // namespace

template <class ExecSpace, class Scalar>
std::vector<Completion> generate(Transformer<ExecSpace, Scalar>& transformer,
                                 Parameters<ExecSpace, Scalar> const& weights, GenerationRequest const& request) {
    core::check(request.prompts.size() == request.row_ids.size(), "one row id a prompt");
    core::check(request.chunk >= 1, "a chunk holds at least one prompt");
    std::vector<Completion> completions;
    if (request.prompts.empty()) { return completions; }
    Generator<ExecSpace, Scalar> generator(transformer, weights, request);
    auto const chunk = static_cast<std::size_t>(request.chunk);
    for (std::size_t first = 0; first < request.prompts.size(); first += chunk) {
        generator.run(first, std::min(chunk, request.prompts.size() - first), completions);
    }
    return completions;
}

#define INSTANTIATE(E, S)                                                                        \
    template std::vector<Completion> generate<E, S>(Transformer<E, S>&, Parameters<E, S> const&, \
                                                    GenerationRequest const&);
ALIGNSWEEP_INSTANTIATE(INSTANTIATE)

}  // namespace alignsweep::model::device
