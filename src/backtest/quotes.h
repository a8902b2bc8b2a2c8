#pragma once
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/time.h"
#include "lake/files.h"

namespace tapemill::backtest {

inline constexpr int kDepth = 5;
inline constexpr std::int32_t kNoPrice = INT32_MIN;

/// One row of a contract: prices in paise (kNoPrice: null), quantities in units. known_at: when a reader may see it.
struct Quote {
  Instant time, known_at;
  std::int32_t bid[kDepth], ask[kDepth];
  std::int32_t bid_size[kDepth], ask_size[kDepth];
  std::int32_t last = kNoPrice;
  std::int64_t volume = -1, interest = -1;  // cumulative since the open; -1: null
};

/// Where quotes of a day wait that have no room in memory: pages of a file without a name, of which the ones used last are kept.
/// A page that cannot be read is one of quotes that nothing may trade on, and status() says why: ask it before the day counts.
class QuoteFile {
 public:
  static constexpr std::size_t kPage = 32;    // quotes
  static constexpr std::size_t kKept = 1024;  // pages: 4 MB
  static Result<std::shared_ptr<QuoteFile>> create(const std::string& folder);
  /// The number of a new page with these quotes, at most kPage.
  Result<std::int64_t> add(const Quote* quotes, std::size_t count);
  /// Valid until kKept other pages were read.
  const Quote* page(std::int64_t number);
  const Status& status() const { return status_; }

 private:
  explicit QuoteFile(lake::PendingFile file) : file_(std::move(file)) {}
  struct Slot {
    std::int64_t page = -1, used = 0;
  };
  lake::PendingFile file_;
  std::int64_t pages_ = 0, clock_ = 0;
  std::vector<std::unique_ptr<Quote[]>> memory_;  // a page each
  std::vector<Slot> slots_;
  std::unordered_map<std::int64_t, std::size_t> places_;  // page -> slot
  Status status_;
};

/// Quotes of a contract in the order in which they became known; one that was already overtaken by a later time is left out.
/// In memory, or in pages. One thread at a time, readers included.
class Quotes {
 public:
  Quotes() = default;
  Quotes(std::initializer_list<Quote> quotes) : memory_(quotes) {}
  std::size_t size() const { return paged_ == nullptr ? memory_.size() : paged_->size + memory_.size(); }
  bool empty() const { return size() == 0; }
  /// Of paged ones: valid until many others were read.
  const Quote& operator[](std::size_t at) const {
    return paged_ == nullptr || at >= paged_->size
               ? memory_[paged_ == nullptr ? at : at - paged_->size]
               : paged_->file->page(paged_->pages[at / QuoteFile::kPage])[at % QuoteFile::kPage];
  }
  /// How many were known at t.
  std::size_t known_at(Instant t) const;

  /// In any order; arrange() follows.
  Status add(const Quote& quote);
  void push_back(const Quote& quote) { memory_.push_back(quote); }  // REQUIRES in memory
  void clear() { memory_.clear(), paged_ = nullptr; }
  /// Moves what is in memory into pages of the file, and what is added later.
  Status move_to(const std::shared_ptr<QuoteFile>& file);
  /// Sorts into the order in which they became known and leaves out what was overtaken; returns how many were. Of paged ones
  /// that did not come in order, all are in memory meanwhile.
  Result<std::int64_t> arrange();

  // REQUIRES in memory
  std::vector<Quote>::iterator begin() { return memory_.begin(); }
  std::vector<Quote>::iterator end() { return memory_.end(); }

 private:
  struct Paged {
    std::shared_ptr<QuoteFile> file;
    std::vector<std::int64_t> pages, first_known;  // of each page
    std::size_t size = 0;                          // of the full pages; what follows is in memory_
    Quote last;
    bool in_order = true;  // nothing to arrange
  };
  Status flush(bool all);
  std::vector<Quote> memory_;  // of paged ones: those behind the last page
  std::shared_ptr<Paged> paged_;
};

}  // namespace tapemill::backtest
