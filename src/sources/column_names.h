#pragma once
#include <set>
#include <string>

namespace tapemill::sources {

/// A header as a column's name: snake case, letters with marks written without (ue for u with two dots), none of `taken` again.
std::string column_name(const std::string& header, std::set<std::string>& taken);
/// symbol, ticker, isin and the like, of a name in snake case.
bool names_an_instrument(const std::string& name);
/// symbol, ticker and the like, which part the rows of one file from those of the next: in the key even where a file has one.
bool names_a_symbol(const std::string& name);

}  // namespace tapemill::sources
