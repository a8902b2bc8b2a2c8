#include "backtest/quotes.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "backtest/chain.h"

namespace tapemill::backtest {
namespace {

constexpr std::size_t kPageBytes = QuoteFile::kPage * sizeof(Quote);
static_assert(std::is_trivially_copyable_v<Quote>, "quotes go to the file as they are in memory");

bool known_later(Instant t, const Quote& quote) { return t < quote.known_at; }

}  // namespace

Result<std::shared_ptr<QuoteFile>> QuoteFile::create(const std::string& folder) {
  ARROW_ASSIGN_OR_RAISE(lake::PendingFile file, lake::PendingFile::create(folder));
  return std::shared_ptr<QuoteFile>(new QuoteFile(std::move(file)));
}

Result<std::int64_t> QuoteFile::add(const Quote* quotes, std::size_t count) {
  Quote page[kPage] = {};
  std::copy_n(quotes, std::min(count, kPage), page);
  ARROW_RETURN_NOT_OK(file_.write({reinterpret_cast<const char*>(page), kPageBytes}));
  return pages_++;
}

const Quote* QuoteFile::page(std::int64_t number) {
  if (auto known = places_.find(number); known != places_.end()) {
    slots_[known->second].used = ++clock_;
    return memory_[known->second].get();
  }
  std::size_t at = slots_.size();
  if (at < kKept) {
    slots_.emplace_back();
    memory_.push_back(std::make_unique<Quote[]>(kPage));
  } else {
    auto oldest = [](const Slot& a, const Slot& b) { return a.used < b.used; };
    at = static_cast<std::size_t>(std::min_element(slots_.begin(), slots_.end(), oldest) - slots_.begin());
    places_.erase(slots_[at].page);
  }
  char* to = reinterpret_cast<char*>(memory_[at].get());
  for (std::size_t done = 0; done < kPageBytes;) {
    const ssize_t n = ::pread(file_.fd(), to + done, kPageBytes - done,
                              static_cast<off_t>(static_cast<std::size_t>(number) * kPageBytes + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      if (status_.ok()) status_ = errno_error("cannot read the quotes that were put aside", n < 0 ? errno : EIO);
      std::fill_n(memory_[at].get(), kPage, Quote{});
      break;
    }
    done += static_cast<std::size_t>(n);
  }
  slots_[at] = {number, ++clock_};
  places_[number] = at;
  return memory_[at].get();
}

std::size_t Quotes::known_at(Instant t) const {
  std::size_t before = 0;
  if (paged_ != nullptr) {
    const auto& first = paged_->first_known;
    const auto page = static_cast<std::size_t>(std::upper_bound(first.begin(), first.end(), t.us) - first.begin());
    const bool more = page == first.size() && !memory_.empty() && !known_later(t, memory_.front());
    if (!more) {
      if (page == 0) return 0;
      before = (page - 1) * QuoteFile::kPage;
      const Quote* quotes = paged_->file->page(paged_->pages[page - 1]);
      const Quote* end = quotes + std::min(QuoteFile::kPage, paged_->size - before);
      return before + static_cast<std::size_t>(std::upper_bound(quotes, end, t, known_later) - quotes);
    }
    before = paged_->size;
  }
  return before +
         static_cast<std::size_t>(std::upper_bound(memory_.begin(), memory_.end(), t, known_later) - memory_.begin());
}

Status Quotes::add(const Quote& quote) {
  if (paged_ != nullptr) {
    Paged& paged = *paged_;
    if (!empty())
      paged.in_order = paged.in_order && !(quote.known_at < paged.last.known_at) && !(quote.time < paged.last.time);
    paged.last = quote;
  }
  memory_.push_back(quote);
  return paged_ != nullptr && memory_.size() >= QuoteFile::kPage ? flush(false) : Status::OK();
}

Status Quotes::flush(bool all) {
  std::size_t at = 0;
  for (; memory_.size() - at >= QuoteFile::kPage || (all && at < memory_.size()); at += QuoteFile::kPage) {
    const std::size_t count = std::min(QuoteFile::kPage, memory_.size() - at);
    paged_->first_known.push_back(memory_[at].known_at.us);
    ARROW_ASSIGN_OR_RAISE(const std::int64_t page, paged_->file->add(&memory_[at], count));
    paged_->pages.push_back(page);
    paged_->size += count;
    if (count < QuoteFile::kPage) {
      at = memory_.size();
      break;
    }
  }
  memory_.erase(memory_.begin(), memory_.begin() + static_cast<std::ptrdiff_t>(at));
  return Status::OK();
}

Status Quotes::move_to(const std::shared_ptr<QuoteFile>& file) {
  const std::vector<Quote> quotes = std::exchange(memory_, {});
  paged_ = std::make_shared<Paged>();
  paged_->file = file;
  for (const Quote& quote : quotes) ARROW_RETURN_NOT_OK(add(quote));
  return Status::OK();
}

Result<std::int64_t> Quotes::arrange() {
  if (paged_ == nullptr) return backtest::arrange(memory_);
  std::int64_t dropped = 0;
  if (!paged_->in_order) {
    std::vector<Quote> all;
    all.reserve(size());
    for (std::size_t i = 0; i < size(); ++i) all.push_back((*this)[i]);
    dropped = backtest::arrange(all);
    auto file = paged_->file;
    clear();
    paged_ = std::make_shared<Paged>();
    paged_->file = std::move(file);
    for (const Quote& quote : all) ARROW_RETURN_NOT_OK(add(quote));
  }
  ARROW_RETURN_NOT_OK(flush(true));
  memory_.shrink_to_fit();
  return dropped;
}

}  // namespace tapemill::backtest
