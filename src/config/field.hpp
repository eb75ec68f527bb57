// SPDX-License-Identifier: Apache-2.0
// What a field of a section may hold. Every section lists its fields once, in `fields(visitor)`; that list gives
// defaults, help, parsing, checking, printing and the hash (no second list to keep in step).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace alignsweep::config {

using Int = std::int64_t;

// Closed range of a number.
struct Range {
    double low = -std::numeric_limits<double>::infinity();
    double high = std::numeric_limits<double>::infinity();
};
inline constexpr Range any{};
inline constexpr Range positive{1e-300};
inline constexpr Range non_negative{0.0};
inline constexpr Range at_least_one{1.0};
inline constexpr Range probability{0.0, 1.0};

// The words for the values of an enum, in its order.
using Choices = std::vector<std::string>;

// Marks a text field as a path to an input file: relative to the INI file that sets it; a stage's key holds the
// digest of the content instead of the path.
struct InputFile {};

enum class Kind { integer, number, boolean, choice, file };

// One field as its section shows it.
struct Field {
    char const* key;
    // In the order of Kind. Of a choice: the index of its word.
    std::variant<Int*, double*, bool*, std::size_t*, std::string*> value;
    char const* help;
    void const* place;  // where the field itself lies
    Range range{};      // of an integer or a number
    Choices words{};    // of a choice

    [[nodiscard]] Kind kind() const { return static_cast<Kind>(value.index()); }
    // Null where the field is of another kind.
    template <class Type>
    [[nodiscard]] Type* as() const {
        Type* const* const found = std::get_if<Type*>(&value);
        return found == nullptr ? nullptr : *found;
    }
};

// Called by a section with each of its fields, in order: visit(key, field, what is allowed, help).
class FieldVisitor {
public:
    // `see` may set the field.
    explicit FieldVisitor(std::function<void(Field const&)> see) : see_(std::move(see)) {}

    void operator()(char const* key, Int& field, Range const& allowed, char const* help) {
        see_({key, &field, help, &field, allowed});
    }
    void operator()(char const* key, double& field, Range const& allowed, char const* help) {
        see_({key, &field, help, &field, allowed});
    }
    void operator()(char const* key, bool& field, char const* help) { see_({key, &field, help, &field}); }
    void operator()(char const* key, std::string& field, InputFile, char const* help) {
        see_({key, &field, help, &field});
    }
    // `Enum` has the values 0, 1, ... in the order of `words`.
    template <class Enum>
    requires std::is_enum_v<Enum>
    void operator()(char const* key, Enum& field, Choices words, char const* help) {
        auto index = static_cast<std::size_t>(field);
        see_({key, &index, help, &field, {}, std::move(words)});
        field = static_cast<Enum>(index);
    }
    // A row of a table, by its name.
    template <class Row>
    void operator()(char const* key, Row const*& field, std::span<Row const> table, char const* help) {
        Choices words;
        for (Row const& row : table) { words.push_back(row.name); }
        auto index = static_cast<std::size_t>(field - table.data());
        see_({key, &index, help, &field, {}, std::move(words)});
        field = &table[index];
    }

private:
    std::function<void(Field const&)> see_;
};

}  // namespace alignsweep::config
