// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"
#include "kernels/sampling.hpp"
#include "model/device/transformer.hpp"

#include <algorithm>

namespace alignsweep::model::device {

namespace {

// Chunks of prompts, one after the other, with memory for the largest. Tokens, positions, answers and the cache stay on
// the device; a chunk goes there once, and its answers come back once.
template <class Scalar>
class Generator {
public:
    Generator(Transformer<Scalar>& transformer, Parameters<Scalar> const& weights, GenerationRequest const& request)
        : transformer_(transformer),
          weights_(weights),
          request_(request),
          space_(transformer.space()),
          slots_(std::min(static_cast<std::size_t>(request.chunk), request.prompts.size())),
          most_(static_cast<std::size_t>(request.max_new_tokens)) {
        auto const& shape = transformer.shape();
        std::size_t longest = 0;
        for (auto const& prompt : request.prompts) { longest = std::max(longest, prompt.size()); }
        std::size_t const positions = longest + most_;
        if (positions > static_cast<std::size_t>(shape.context)) {
            throw core::ConfigError("a prompt of ", longest, " tokens and max_new_tokens = ", request.max_new_tokens,
                                    " exceed model.context = ", shape.context);
        }
        auto const bare = [&](std::string const& label) {
            return Kokkos::view_alloc(space_, Kokkos::WithoutInitializing, label);
        };
        using Storage = Kokkos::View<Scalar***, Kokkos::LayoutRight, Exec>;
        int const width = shape.kv_heads * shape.head_dim();
        std::size_t constexpr unit = kernels::cached_multiple;
        std::size_t const kept = (positions + unit - 1) / unit * unit;
        for (int i = 0; i < shape.depth; ++i) {
            cache_.push_back({Storage(bare("alignsweep::model::cache::keys"), slots_, width, kept),
                              Storage(bare("alignsweep::model::cache::values"), slots_, positions, width)});
        }
        transformer.freeze(weights);
        growing_ = Ints(bare("alignsweep::model::growing"), 2 * row_fields * slots_);
        logprob_ = Vector<Scalar>(bare("alignsweep::model::sampled_logprobs"), slots_);
        answer_ints_ = Ints(bare("alignsweep::model::answers"), slots_ * (most_ + 2));
        answers_ = {Matrix<std::int32_t>(answer_ints_.data() + 2 * slots_, slots_, most_),
                    Matrix<Scalar>(bare("alignsweep::model::answer_logprobs"), slots_, most_),
                    Ints(answer_ints_.data(), slots_), Ints(answer_ints_.data() + slots_, slots_)};
    }

    ~Generator() { transformer_.thaw(); }
    Generator(Generator const&) = delete;
    Generator& operator=(Generator const&) = delete;

    // The completions of prompts [first, first + count).
    void run(std::size_t first, std::size_t count, std::vector<Completion>& completions) {
        if (most_ == 0) {
            completions.resize(completions.size() + count);
            return;
        }
        auto rows = rows_of(0, count);
        auto logits = prompt_logits(first, count, rows);
        int which = 0, left = static_cast<int>(count);
        for (int made = 1;; ++made) {
            auto const logprob = part_of(logprob_, 0, left);
            kernels::sample_tokens<Exec, Scalar>(space_, request_.rule, request_.stream, request_.step, rows.row_id,
                                                 rows.made, logits, rows.token, logprob);
            which = 1 - which;
            left = kernels::append_tokens<Exec, Scalar>(space_, request_.end_token, rows, logprob, answers_,
                                                        rows_of(which, rows.token.extent(0)));
            if (left == 0 || made == request_.max_new_tokens) { break; }
            rows = rows_of(which, static_cast<std::size_t>(left));
            logits = transformer_.decode(weights_, rows, cache_);
        }
        collect(count, completions);
    }

private:
    using Ints = Vector<std::int32_t>;

    // One of two sets of rows: a token is appended from one to the other.
    [[nodiscard]] kernels::DecodeRows<Exec> rows_of(int which, std::size_t count) const {
        auto const field = [&](std::size_t i) {
            return Ints(growing_.data() + (static_cast<std::size_t>(which) * row_fields + i) * slots_, count);
        };
        return {field(0), field(1), field(2), field(3), field(4)};
    }

    // Sends the prompts packed, fills `rows`, and returns the logits of each prompt's last token.
    Matrix<Scalar> prompt_logits(std::size_t first, std::size_t count, kernels::DecodeRows<Exec> const& rows) {
        std::vector<std::int32_t> tokens, offsets{0}, slots, last;
        std::int32_t* const state = transformer_.index_staging().host((row_fields - 1) * slots_);
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
        transformer_.index_staging().upload(Ints(rows.slot.data(), (row_fields - 1) * slots_));
        return transformer_.prefill(weights_, {tokens, offsets, last, last, {}}, slots, cache_);
    }

    void collect(std::size_t count, std::vector<Completion>& completions) {
        std::int32_t const* const ints = transformer_.index_staging().download(answer_ints_);
        Scalar const* const logprobs =
            transformer_.staging().download(Vector<Scalar>(answers_.logprobs.data(), answers_.logprobs.size()));
        for (std::size_t i = 0; i < count; ++i) {
            auto const length = static_cast<std::size_t>(ints[i]);
            std::int32_t const* const tokens = ints + 2 * slots_ + i * most_;
            Scalar const* const of_tokens = logprobs + i * most_;
            completions.push_back({{tokens, tokens + length}, {of_tokens, of_tokens + length}, ints[slots_ + i] != 0});
        }
    }

    static constexpr std::size_t row_fields = 5;  // of DecodeRows

    Transformer<Scalar>& transformer_;
    Parameters<Scalar> const& weights_;
    GenerationRequest const& request_;
    Exec space_;
    std::size_t slots_, most_;  // prompts side by side; new tokens of each
    Cache<Scalar> cache_;
    Ints growing_, answer_ints_;
    Vector<Scalar> logprob_;
    kernels::Answers<Exec, Scalar> answers_;
};

}  // namespace

template <class Scalar>
std::vector<Completion> generate(Transformer<Scalar>& transformer, Parameters<Scalar> const& weights,
                                 GenerationRequest const& request) {
    core::check(request.prompts.size() == request.row_ids.size(), "one row id a prompt");
    core::check(request.chunk >= 1, "a chunk holds at least one prompt");
    std::vector<Completion> completions;
    if (request.prompts.empty()) { return completions; }
    Generator<Scalar> generator(transformer, weights, request);
    auto const chunk = static_cast<std::size_t>(request.chunk);
    for (std::size_t first = 0; first < request.prompts.size(); first += chunk) {
        generator.run(first, std::min(chunk, request.prompts.size() - first), completions);
    }
    return completions;
}

template std::vector<Completion> generate(Transformer<float>&, Parameters<float> const&, GenerationRequest const&);
template std::vector<Completion> generate(Transformer<double>&, Parameters<double> const&, GenerationRequest const&);

}  // namespace alignsweep::model::device
