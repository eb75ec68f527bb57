// SPDX-License-Identifier: Apache-2.0
#include "config/config.hpp"

#include "config/schema.hpp"
#include "core/error.hpp"

#include <algorithm>

namespace alignsweep::config {

Config::Config()
    : sections_{Section::of<SeedConfig>("seed"),
                Section::of<WorldConfig>("world"),
                Section::of<EnumerableConfig>("enumerable"),
                Section::of<CorpusConfig>("corpus"),
                Section::of<TokenizerConfig>("tokenizer"),
                Section::of<DataConfig>("data"),
                Section::of<ModelConfig>("model"),
                Section::of<RunConfig>("run")} {}

Section const* Config::find(std::string_view name) const {
    auto const found = std::ranges::find(sections_, name, &Section::name);
    return found == sections_.end() ? nullptr : &*found;
}

Section* Config::find(std::string_view name) { return const_cast<Section*>(std::as_const(*this).find(name)); }

void Config::throw_missing(char const* type) { throw std::logic_error(core::concat("no section ", type)); }

std::vector<std::string> keys_within(Fields& fields, std::span<std::byte const> place) {
    std::vector<std::string> keys;
    std::less<> const before;
    fields.visit(FieldVisitor([&](Field const& field) {
        auto const* const byte = static_cast<std::byte const*>(field.place);
        if (!before(byte, place.data()) && before(byte, place.data() + place.size())) { keys.emplace_back(field.key); }
    }));
    core::check(!keys.empty(), "a member that is no field");
    return keys;
}

}  // namespace alignsweep::config
