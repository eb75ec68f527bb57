// SPDX-License-Identifier: Apache-2.0
// The names of sections and keys, from types and members.
#pragma once

#include "config/config.hpp"

#include <span>
#include <string>
#include <vector>

namespace alignsweep::config {

// Keys of the fields that lie within `place`, in order.
[[nodiscard]] std::vector<std::string> keys_within(Fields& fields, std::span<std::byte const> place);

// The key of each member; of a group of fields, such as an OptimizerConfig, all its keys.
template <class Values, class... Members>
[[nodiscard]] std::vector<std::string> keys_of(Members Values::*... members) {
    FieldsOf<Values> fields{Values{}};
    std::vector<std::string> keys;
    auto const add = [&](auto const& member) {
        for (auto& key : keys_within(fields, std::as_bytes(std::span(&member, 1)))) { keys.push_back(std::move(key)); }
    };
    (add(fields.values.*members), ...);
    return keys;
}

// "rlhf", of RlhfConfig.
template <class Values>
[[nodiscard]] std::string name_of(Config const& config) {
    for (Section const& section : config.sections()) {
        if (section.as<Values>() != nullptr) { return section.name(); }
    }
    static_cast<void>(config.get<Values>());  // says that there is none
    return {};
}

}  // namespace alignsweep::config
