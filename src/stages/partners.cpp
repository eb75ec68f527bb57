// SPDX-License-Identifier: Apache-2.0
#include "stages/partners.hpp"

#include <algorithm>

namespace alignsweep::stages {

std::vector<std::int64_t> draw_partners(std::span<PartnerRow const> rows, std::size_t room,
                                        core::RandomStream const& stream) {
    std::vector<std::int64_t> partners(rows.size(), -1);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        core::Draws draws(stream, 0, static_cast<std::uint32_t>(i));
        std::size_t const start = draws.index(rows.size());
        for (std::size_t k = 0; k < rows.size(); ++k) {
            std::size_t const other = (start + k) % rows.size();
            bool const fits = rows[i].prompt.size() + rows[other].completion.size() <= room;
            if (!fits || std::ranges::equal(rows[other].prompt, rows[i].prompt)) { continue; }
            partners[i] = static_cast<std::int64_t>(other);
            break;
        }
    }
    return partners;
}

}  // namespace alignsweep::stages
