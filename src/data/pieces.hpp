// SPDX-License-Identifier: Apache-2.0
// Pre-tokenisation: cuts text into the pieces that no BPE merge crosses.
#pragma once

#include <cstddef>
#include <string_view>

namespace alignsweep::data {

// Bytes of the longest piece. A cap keeps training and encoding linear on text without spaces (base64, Chinese).
inline constexpr std::size_t longest_piece = 64;

// The first piece of `text` (non-empty wherever `text` is). Every byte belongs to exactly one piece, whatever the bytes
// are, so the pieces joined are the text. A piece is one of
//   "\n"                        one newline
//   " "? letters                A-Z, a-z and every byte above 127 (so UTF-8 sequences stay together)
//   " "? digits
//   " "? other                  punctuation, controls, NUL
//   whitespace                  a run of space, \t, \r, \v, \f; its last space goes to the piece after it
// A longer run is cut at `longest_piece` bytes, before a UTF-8 sequence rather than within it.
// Source: the pattern of GPT-2's byte-level BPE (Radford et al. 2019), without its contractions and Unicode classes.
[[nodiscard]] std::string_view next_piece(std::string_view text);

// Calls `visit(piece)` for every piece of `text`, in order.
template <class Visitor>
void for_each_piece(std::string_view text, Visitor&& visit) {
    while (!text.empty()) {
        std::string_view const piece = next_piece(text);
        visit(piece);
        text.remove_prefix(piece.size());
    }
}

}  // namespace alignsweep::data
