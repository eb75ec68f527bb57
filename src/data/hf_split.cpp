// SPDX-License-Identifier: Apache-2.0
#include "data/hf_split.hpp"

#include "data/unicode.hpp"

#include <algorithm>
#include <array>

namespace alignsweep::data {
namespace {

constexpr std::string_view gpt2_expression =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr std::string_view llama3_expression =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view qwen2_expression =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

bool is_line_end(char32_t c) { return c == U'\r' || c == U'\n'; }
bool is_other(char32_t c) { return !is_space(c) && !is_letter(c) && !is_number(c); }

// Bytes of the text: where runs end.
class Cursor {
public:
    explicit Cursor(std::string_view text) : text_(text) {}

    [[nodiscard]] bool has(std::size_t at) const { return at < text_.size(); }
    [[nodiscard]] core::CodePoint at(std::size_t i) const { return code_point(text_, i); }
    // End of the longest run of at most `most` code points from `begin` on that are all of one class.
    template <class Class>
    [[nodiscard]] std::size_t run(std::size_t begin, Class const& in_class,
                                  std::size_t most = std::string::npos) const {
        std::size_t end = begin;
        for (std::size_t n = 0; n < most && has(end); ++n) {
            auto const c = at(end);
            if (!in_class(c.value)) { break; }
            end += c.bytes;
        }
        return end;
    }
    // Bytes of a contraction ('s 't 'm 'd 're 've 'll) at `begin`; 0: none.
    [[nodiscard]] std::size_t contraction(std::size_t begin, bool any_case) const {
        if (text_[begin] != '\'' || !has(begin + 1)) { return 0; }
        std::string word(text_.substr(begin + 1, 2));
        for (char& c : word) {
            if (any_case && c >= 'A' && c <= 'Z') { c = static_cast<char>(c - 'A' + 'a'); }
        }
        for (std::string_view const end : {"s", "t", "m", "d", "re", "ve", "ll"}) {
            if (word.starts_with(end)) { return 1 + end.size(); }
        }
        bool const long_s = any_case && at(begin + 1).value == 0x17F;  // an s, whatever the case
        return long_s ? 1 + at(begin + 1).bytes : 0;
    }
    // `\s+(?!\S)|\s+`: a run of white space without its last character, unless the text ends there or it is alone.
    [[nodiscard]] std::size_t white_space(std::size_t begin) const {
        std::size_t last = begin, end = begin;
        while (has(end) && is_space(at(end).value)) {
            last = end;
            end += at(end).bytes;
        }
        return has(end) && last > begin ? last : end;
    }

private:
    std::string_view text_;
};

std::size_t gpt2_end(Cursor const& text, std::size_t begin) {
    if (std::size_t const bytes = text.contraction(begin, false); bytes > 0) { return begin + bytes; }
    std::size_t const body = text.at(begin).value == U' ' ? begin + 1 : begin;
    for (auto const in_class : {is_letter, is_number, is_other}) {
        if (std::size_t const end = text.run(body, in_class); end > body) { return end; }
    }
    return text.white_space(begin);
}

std::size_t llama3_end(Cursor const& text, std::size_t begin, std::size_t numbers) {
    if (std::size_t const bytes = text.contraction(begin, true); bytes > 0) { return begin + bytes; }
    auto const first = text.at(begin);
    std::size_t const after = begin + first.bytes;
    if (is_letter(first.value)) { return text.run(begin, is_letter); }
    if (!is_line_end(first.value) && !is_number(first.value)) {
        if (std::size_t const end = text.run(after, is_letter); end > after) { return end; }
    }
    if (is_number(first.value)) { return text.run(begin, is_number, numbers); }
    std::size_t const body = first.value == U' ' ? after : begin;
    if (std::size_t const end = text.run(body, is_other); end > body) { return text.run(end, is_line_end); }
    // `\s*[\r\n]+`: white space up to its last line end.
    std::size_t line_end = begin;
    for (std::size_t i = begin; text.has(i) && is_space(text.at(i).value);) {
        auto const c = text.at(i);
        i += c.bytes;
        if (is_line_end(c.value)) { line_end = i; }
    }
    return line_end > begin ? line_end : text.white_space(begin);
}

// GPT-2 writes every byte as a printable character: those that are printable in Latin-1 as themselves, the others, in
// order, as U+0100 and up.
std::array<std::string, 256> byte_characters() {
    std::array<std::string, 256> result;
    char32_t next = 0x100;
    for (char32_t byte = 0; byte < 0x100; ++byte) {
        bool const printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
        append_utf8(printable ? byte : next++, result[byte]);
    }
    return result;
}

std::string as_bytes(std::string_view text) {
    static auto const characters = byte_characters();
    std::string result;
    for (char const c : text) { result += characters[static_cast<unsigned char>(c)]; }
    return result;
}

std::size_t digits_end(Cursor const& text, std::size_t begin, std::size_t most) {
    if (is_digit(text.at(begin).value)) { return text.run(begin, is_digit, most); }
    return text.run(begin, [](char32_t c) { return !is_digit(c); });
}

std::size_t piece_end(SplitKind kind, Cursor const& text, std::size_t begin) {
    switch (kind) {
        case SplitKind::gpt2:
            return gpt2_end(text, begin);
        case SplitKind::llama3:
            return llama3_end(text, begin, 3);
        case SplitKind::qwen2:
            return llama3_end(text, begin, 1);
        case SplitKind::digit:
            return digits_end(text, begin, 1);
        case SplitKind::digits:
            return digits_end(text, begin, std::string::npos);
        case SplitKind::prefix:
        case SplitKind::bytes:
            break;
    }
    return text.run(begin, [](char32_t) { return true; });
}

}  // namespace

std::optional<SplitKind> known_pattern(std::string_view expression) {
    if (expression == gpt2_expression) { return SplitKind::gpt2; }
    if (expression == llama3_expression) { return SplitKind::llama3; }
    if (expression == qwen2_expression) { return SplitKind::qwen2; }
    return std::nullopt;
}

std::vector<std::string> split_pieces(std::vector<SplitKind> const& steps, std::string_view text) {
    std::vector<std::string> pieces;
    if (!text.empty()) { pieces.emplace_back(text); }
    for (SplitKind const kind : steps) {
        std::vector<std::string> next;
        for (std::string& piece : pieces) {
            if (kind == SplitKind::prefix) {
                next.push_back(piece.front() == ' ' ? std::move(piece) : ' ' + piece);
                continue;
            }
            if (kind == SplitKind::bytes) {
                next.push_back(as_bytes(piece));
                continue;
            }
            Cursor const cursor(piece);
            for (std::size_t begin = 0; begin < piece.size();) {
                std::size_t const end = piece_end(kind, cursor, begin);
                next.push_back(piece.substr(begin, end - begin));
                begin = end;
            }
        }
        pieces = std::move(next);
    }
    return pieces;
}

}  // namespace alignsweep::data
