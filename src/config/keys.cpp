// SPDX-License-Identifier: Apache-2.0
#include "config/keys.hpp"

#include "core/error.hpp"

#include <functional>

namespace alignsweep::config {

namespace {

class KeysWithin final : public FieldVisitor {
public:
    explicit KeysWithin(std::span<std::byte const> place) : place_(place) {}
    [[nodiscard]] std::vector<std::string> take() { return std::move(keys_); }

private:
    void integer(char const* key, Int& field, Range const&, char const*) override { add(key, &field); }
    void number(char const* key, double& field, Range const&, char const*) override { add(key, &field); }
    void truth(char const* key, bool& field, char const*) override { add(key, &field); }
    void choice(char const* key, std::size_t&, Choices const&, char const*, void const* place) override {
        add(key, place);
    }
    void file(char const* key, std::string& path, char const*) override { add(key, &path); }
    void add(char const* key, void const* field) {
        auto const* const byte = static_cast<std::byte const*>(field);
        std::less<> const before;
        if (!before(byte, place_.data()) && before(byte, place_.data() + place_.size())) { keys_.emplace_back(key); }
    }

    std::span<std::byte const> place_;
    std::vector<std::string> keys_;
};

}  // namespace

std::vector<std::string> keys_within(Fields& fields, std::span<std::byte const> place) {
    KeysWithin visitor(place);
    fields.visit(visitor);
    auto keys = visitor.take();
    core::check(!keys.empty(), "a member that is no field");
    return keys;
}

}  // namespace alignsweep::config
