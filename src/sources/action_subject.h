#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tapemill::sources {

/// One corporate action out of a subject line. A holder of shares_before shares holds shares_after; both 0 where the
/// number of shares does not change.
struct SubjectAction {
  std::string kind;  // split, bonus, consolidation, dividend, rights, other
  std::int64_t shares_before = 0, shares_after = 0;
  std::string amount;   // dividend per share, or the price of a rights share; exact decimal text
  std::string refusal;  // not empty: no rule reads this piece; it says why
};

/// Reads NSE's subjects by rule: pieces between "/", "&", "+", ";" and " and ", each one action:
///   Bonus a:b                                 a new shares for b held
///   Face Value Split ... From Rs x To Rs y    x / y shares for one; Consolidation the same way, y > x
///   Dividend - Rs x Per Share                 also Interim, Final, Special, and x % of the face value
///   Rights a:b @ Premium Rs x                 a new shares for b held at face value + x; "@ Rs x": at x
///   meetings, buy-backs, interest             other: they change no price by a factor
/// A piece that no rule reads (a demerger, a bonus of debentures) comes back with its refusal. Never empty.
std::vector<SubjectAction> parse_subject(std::string_view subject, std::string_view face_value);

/// Two decimal texts as a ratio of whole numbers in lowest terms: "10", "2.5" -> 4, 1. False: no positive numbers of at
/// most six decimals.
bool whole_ratio(std::string_view one, std::string_view other, std::int64_t& first, std::int64_t& second);

}  // namespace tapemill::sources
