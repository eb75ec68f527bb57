// SPDX-License-Identifier: Apache-2.0
#include "train/partners.hpp"

namespace alignsweep::train {

std::vector<std::int64_t> draw_partners(std::vector<data::Example const*> const& examples, config::Int room,
                                        core::RandomStream stream, std::uint32_t step) {
    std::size_t const count = examples.size();
    std::vector<std::int64_t> partners(count, -1);
    for (std::size_t i = 0; i < count; ++i) {
        core::Draws draws(stream, step, static_cast<std::uint32_t>(i));
        std::size_t const start = draws.index(count);
        for (std::size_t k = 0; k < count; ++k) {
            std::size_t const other = (start + k) % count;
            std::size_t const length = examples[i]->prompt.size() + examples[other]->completion.size();
            if (length > static_cast<std::size_t>(room) || examples[other]->prompt == examples[i]->prompt) { continue; }
            partners[i] = static_cast<std::int64_t>(other);
            break;
        }
    }
    return partners;
}

}  // namespace alignsweep::train
