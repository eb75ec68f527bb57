// SPDX-License-Identifier: Apache-2.0
// The ways back from fields to text: to_ini, canonical, value_of.
#include "config/text.hpp"
#include "config/values.hpp"
#include "core/digest.hpp"
#include "core/error.hpp"

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>

namespace alignsweep::config {

namespace fs = std::filesystem;
using core::concat;

namespace {

// Visits every field with its value as text. Choices count their place, and files nothing, as numbers.
class TextVisitor : public FieldVisitor {
private:
    virtual void text(char const* key, std::string const& value, double number) = 0;
    // A path may be shown in other ways.
    virtual void path(char const* key, std::string const& value) { text(key, value, 0.0); }

    void integer(char const* key, Int& value, Range const&, char const*) final {
        text(key, std::to_string(value), static_cast<double>(value));
    }
    void number(char const* key, double& value, Range const&, char const*) final {
        text(key, format_number(value), value);
    }
    void truth(char const* key, bool& value, char const*) final {
        text(key, value ? "true" : "false", value ? 1.0 : 0.0);
    }
    void choice(char const* key, std::size_t& index, Choices const& words, char const*, void const*) final {
        text(key, words.at(index), static_cast<double>(index));
    }
    void file(char const* key, std::string& value, char const*) final { path(key, value); }
};

class IniText final : public TextVisitor {
public:
    explicit IniText(std::string& text) : text_(text) {}

private:
    void text(char const* key, std::string const& value, double) override {
        text_ += concat(key, value.empty() ? " =" : " = ", value, "\n");
    }
    // It may hold " #" or end in a blank.
    void path(char const* key, std::string const& value) override { text(key, value.empty() ? "" : quote(value), 0.0); }

    std::string& text_;
};

class CanonicalText final : public TextVisitor {
public:
    explicit CanonicalText(std::string& text) : text_(text) {}

private:
    void text(char const* key, std::string const& value, double) override { text_ += concat(key, "=", value, "\n"); }
    void path(char const* key, std::string const& value) override {
        text(key, value.empty() ? "" : digest_of_input(value), 0.0);
    }

    std::string& text_;
};

// Finds one field's value.
class Getter final : public TextVisitor {
public:
    explicit Getter(std::string_view key) : key_(key) {}
    [[nodiscard]] std::optional<Value> const& value() const { return value_; }

private:
    void text(char const* key, std::string const& value, double number) override {
        if (key_ == key) { value_ = {value, number}; }
    }

    std::string_view key_;
    std::optional<Value> value_;
};

struct CachedDigest {
    std::uintmax_t size;
    fs::file_time_type changed;
    std::string digest;
};

}  // namespace

std::string to_ini(Config const& config) {
    std::string text;
    for (Section const& section : config.sections()) {
        text += concat(text.empty() ? "[" : "\n[", section.name(), "]\n");
        IniText lines(text);
        section.read(lines);
    }
    return text;
}

Value value_of(Config const& config, std::string_view section, std::string_view key) {
    Getter getter(key);
    if (Section const* const fields = config.find(section)) { fields->read(getter); }
    core::check(getter.value().has_value(), "no field ", section, ".", key);
    return *getter.value();
}

std::string canonical(Section const& section) {
    std::string text;
    CanonicalText lines(text);
    section.read(lines);
    return text;
}

std::string digest_of_input(fs::path const& file) {
    static std::mutex mutex;
    static std::map<std::string, CachedDigest> cache;
    std::error_code error;
    auto const size = fs::file_size(file, error);
    auto const changed = error ? fs::file_time_type{} : fs::last_write_time(file, error);
    if (error) { throw core::IoError(concat(file.string(), ": ", error.message())); }

    std::lock_guard const lock(mutex);
    auto const known = cache.find(file.string());
    if (known != cache.end() && known->second.size == size && known->second.changed == changed) {
        return known->second.digest;
    }
    std::string digest = core::digest_of_file(file);
    // Time stamps are coarse: a file changed a moment ago may change again and keep its time, so it is not cached yet.
    bool const settled = fs::file_time_type::clock::now() - changed > std::chrono::seconds(2);
    if (settled) { cache.insert_or_assign(file.string(), CachedDigest{size, changed, digest}); }
    return digest;
}

}  // namespace alignsweep::config
