// SPDX-License-Identifier: Apache-2.0
// The ways back from fields to text: to_ini, canonical, value_of.
#include "config/text.hpp"
#include "config/values.hpp"
#include "core/digest.hpp"
#include "core/error.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <system_error>

namespace alignsweep::config {

namespace fs = std::filesystem;
using core::concat;

namespace {

char const* text_of(bool value) { return value ? "true" : "false"; }

class IniText {
public:
    explicit IniText(std::string& text) : text_(text) {}

    void operator()(char const* key, Int const& value, Range const&, char const*) { line(key, std::to_string(value)); }
    void operator()(char const* key, double const& value, Range const&, char const*) {
        line(key, format_number(value));
    }
    void operator()(char const* key, bool const& value, char const*) { line(key, text_of(value)); }
    void operator()(char const* key, std::string const& value, Choices const&, char const*) { line(key, value); }
    void operator()(char const* key, std::string const& value, InputFile, char const*) {
        line(key, value.empty() ? value : quote(value));  // a path may hold " #" or end in a blank
    }

private:
    void line(char const* key, std::string const& value) {
        text_ += concat(key, value.empty() ? " =" : " = ", value, "\n");
    }

    std::string& text_;
};

// Finds one field's value.
class Getter {
public:
    Getter(std::string_view key, Value& value, bool& found) : key_(key), value_(value), found_(found) {}

    void operator()(char const* key, Int const& value, Range const&, char const*) {
        set(key, std::to_string(value), static_cast<double>(value));
    }
    void operator()(char const* key, double const& value, Range const&, char const*) {
        set(key, format_number(value), value);
    }
    void operator()(char const* key, bool const& value, char const*) { set(key, text_of(value), value ? 1.0 : 0.0); }
    void operator()(char const* key, std::string const& value, Choices const& choices, char const*) {
        auto const index = std::find(choices.begin(), choices.end(), value) - choices.begin();
        set(key, value, static_cast<double>(index));
    }
    void operator()(char const* key, std::string const& value, InputFile, char const*) { set(key, value, 0.0); }

private:
    void set(char const* key, std::string text, double number) {
        if (key_ != key) { return; }
        value_ = {std::move(text), number};
        found_ = true;
    }

    std::string_view key_;
    Value& value_;
    bool& found_;
};

struct CachedDigest {
    std::uintmax_t size;
    fs::file_time_type changed;
    std::string digest;
};

}  // namespace

std::string to_ini(Config const& config) {
    std::string text;
    Config::sections(config, [&]<class Section>(char const* name, Section const& section) {
        text += concat(text.empty() ? "[" : "\n[", name, "]\n");
        IniText lines(text);
        Section::fields(section, lines);
    });
    return text;
}

Value value_of(Config const& config, std::string_view section, std::string_view key) {
    Value value;
    bool found = false;
    Config::sections(config, [&]<class Section>(char const* name, Section const& fields) {
        if (section != name) { return; }
        Getter getter(key, value, found);
        Section::fields(fields, getter);
    });
    core::check(found, "no field ", section, ".", key);
    return value;
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

void CanonicalText::line(char const* key, std::string const& value) { text_ += concat(key, "=", value, "\n"); }
void CanonicalText::operator()(char const* key, Int const& value, Range const&, char const*) {
    line(key, std::to_string(value));
}
void CanonicalText::operator()(char const* key, double const& value, Range const&, char const*) {
    line(key, format_number(value));
}
void CanonicalText::operator()(char const* key, bool const& value, char const*) { line(key, text_of(value)); }
void CanonicalText::operator()(char const* key, std::string const& value, Choices const&, char const*) {
    line(key, value);
}
void CanonicalText::operator()(char const* key, std::string const& value, InputFile, char const*) {
    line(key, value.empty() ? "" : digest_of_input(value));
}

}  // namespace alignsweep::config
