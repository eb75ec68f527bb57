// SPDX-License-Identifier: Apache-2.0
// What a field of a section may hold. Every section lists its fields once, in `fields(visitor)`; that list gives
// defaults, help, parsing, checking, printing and the hash (no second list to keep in step).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
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

// The words for the values of an enum, in its order; a text field holds one of them itself.
using Choices = std::vector<std::string>;

// Marks a text field as a path to an input file: relative to the INI file that sets it; a stage's key holds the
// digest of the content instead of the path.
struct InputFile {};

// Called by a section with each of its fields, in order: visit(key, field, what is allowed, help).
class FieldVisitor {
public:
    virtual ~FieldVisitor() = default;

    void operator()(char const* key, Int& field, Range const& allowed, char const* help) {
        integer(key, field, allowed, help);
    }
    void operator()(char const* key, double& field, Range const& allowed, char const* help) {
        number(key, field, allowed, help);
    }
    void operator()(char const* key, bool& field, char const* help) { truth(key, field, help); }
    void operator()(char const* key, std::string& field, InputFile, char const* help) { file(key, field, help); }
    // `Enum` has the values 0, 1, ... in the order of `words`.
    template <class Enum>
    requires std::is_enum_v<Enum>
    void operator()(char const* key, Enum& field, Choices const& words, char const* help) {
        auto index = static_cast<std::size_t>(field);
        choice(key, index, words, help, &field);
        field = static_cast<Enum>(index);
    }
    void operator()(char const* key, std::string& field, Choices const& words, char const* help) {
        auto index = static_cast<std::size_t>(std::find(words.begin(), words.end(), field) - words.begin());
        choice(key, index, words, help, &field);
        if (index < words.size()) { field = words[index]; }
    }

private:
    virtual void integer(char const* key, Int& field, Range const& allowed, char const* help) = 0;
    virtual void number(char const* key, double& field, Range const& allowed, char const* help) = 0;
    virtual void truth(char const* key, bool& field, char const* help) = 0;
    // `place`: where the field itself lies.
    virtual void choice(char const* key, std::size_t& index, Choices const& words, char const* help,
                        void const* place) = 0;
    virtual void file(char const* key, std::string& path, char const* help) = 0;
};

}  // namespace alignsweep::config
