#include "sources/feed.h"

#include <arrow/api.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "sources/avro.h"
#include "sources/csv.h"
#include "sources/encoding.h"
#include "sources/protobuf.h"
#include "sources/table.h"

namespace tapemill::sources {
namespace {

constexpr std::size_t kChunk = 4 << 20;
constexpr std::size_t kMostOfDocument = 16 << 20;  // of one JSON document, whose values are all in memory at once

Result<std::vector<Feed>> feeds_of(const Dataset& dataset) {
  if (dataset.source == "corporate_actions") return action_feeds(dataset);
  return json_feeds(dataset);
}

std::string names_of(const std::vector<Feed>& feeds) {
  std::string all;
  for (const Feed& feed : feeds) all += (all.empty() ? "" : ", ") + feed.form.name;
  return all;
}

/// The form, with what it says of the file itself.
Form form_of(const RecordReader& reader, const FileInfo& info) {
  Form form = reader.form();
  for (Take& take : form.takes)
    if (take.column == "delivery") take.constant = stem_of(info.path);
  return form;
}

Header header_of(const Form& form) {
  Header header;
  header.names = form.header;
  header.line = fmt::format("{}", fmt::join(form.header, ","));
  return header;
}

/// A file of documents, cut into stretches of whole ones: JSON by the line, one JSON document, or CSV.
class FeedReader final : public RecordReader {
 public:
  static Result<std::unique_ptr<FeedReader>> open(const Dataset& dataset, const std::string& path) {
    auto reader = std::unique_ptr<FeedReader>(new FeedReader(dataset, path));
    ARROW_ASSIGN_OR_RAISE(reader->bytes_, open_text(path, dataset.csv_encoding));
    ARROW_RETURN_NOT_OK(reader->begin());
    return reader;
  }
  const Form& form() const override { return feed_.form; }
  std::int64_t bytes_read() const override { return bytes_->bytes_read(); }

  /// False at the end.
  Result<bool> next(Records& out) override {
    if (!lines_) {
      if (done_) return false;
      done_ = true;
      if (!feed_.csv.empty()) return read_csv(out);
      auto text = std::make_shared<const std::string>(std::move(text_));
      start(out, text, 0, 1);
      ARROW_ASSIGN_OR_RAISE(JsonValue document, parse(*text));
      feed_.read(document, dataset_, words_, feed_.form, out);
      return true;
    }
    while (!ended_ && text_.find('\n') == std::string::npos) {
      if (text_.size() > kMostOfDocument)
        return data_error(fmt::format("{}: line {} has over {} MB", path_, line_, kMostOfDocument >> 20));
      ARROW_RETURN_NOT_OK(fill(text_.size() + kChunk));
    }
    if (text_.empty()) return false;
    const std::size_t end = ended_ ? text_.size() : text_.rfind('\n') + 1;
    auto text = std::make_shared<const std::string>(text_.substr(0, end));
    text_.erase(0, end);
    start(out, text, at_, line_);
    for (std::string_view rest = *text; !rest.empty();) {
      const std::size_t cut = std::min(rest.find('\n'), rest.size());
      const std::string_view line = rest.substr(0, cut);
      rest.remove_prefix(std::min(cut + 1, rest.size()));
      ++line_;
      if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
      auto document = parse_json(line);
      if (!document.ok()) out.refuse(line, "parse", "the line " + document.status().message());
      else feed_.read(*document, dataset_, words_, feed_.form, out);
    }
    at_ += static_cast<std::int64_t>(end);
    if (!ended_) ARROW_RETURN_NOT_OK(fill(kChunk));
    return true;
  }

 private:
  FeedReader(const Dataset& dataset, std::string path)
      : dataset_(dataset), words_(feed_words(dataset)), path_(std::move(path)) {}

  void start(Records& out, const std::shared_ptr<const std::string>& text, std::int64_t at, std::int64_t line) const {
    out.begin(text, at, line, feed_.form);
    if (words_.floats_rounded) out.round_to(scales_of(dataset_, feed_.form));
  }

  Status fill(std::size_t wanted) {
    while (!ended_ && text_.size() < wanted) {
      const std::size_t have = text_.size();
      text_.resize(wanted);
      ARROW_ASSIGN_OR_RAISE(std::size_t got, bytes_->read(text_.data() + have, wanted - have));
      text_.resize(have + got);
      ended_ = got == 0;
    }
    return Status::OK();
  }

  Status whole() {
    ARROW_RETURN_NOT_OK(fill(kMostOfDocument));
    if (ended_) return Status::OK();
    return data_error(fmt::format("{}: one document of over {} MB", path_, kMostOfDocument >> 20),
                      "write it by the line: one JSON document a line is read piece by piece");
  }
  Result<JsonValue> parse(std::string_view text) const {
    auto document = parse_json(text);
    if (document.ok()) return document;
    return data_error(fmt::format("{}: {}", path_, document.status().message()),
                      "fetch it again; nothing of the file is kept");
  }

  /// Tells which feed it is, by the first document or the header.
  Status begin() {
    ARROW_RETURN_NOT_OK(fill(kChunk));
    if (text_.starts_with("\xef\xbb\xbf")) text_.replace(0, 3, 3, ' ');  // offsets stay those of the file
    const std::size_t first = text_.find_first_not_of(" \t\r\n");
    if (first == std::string::npos) return data_error(path_ + ": the file is empty", "fetch it again");
    ARROW_ASSIGN_OR_RAISE(auto feeds, feeds_of(dataset_));
    if (text_[first] != '{' && text_[first] != '[') return begin_csv(feeds);
    const std::size_t end = text_.find('\n', first);
    if (end != std::string::npos && text_.find_first_not_of(" \t\r\n", end) != std::string::npos) {
      lines_ = parse_json(std::string_view(text_).substr(first, end - first)).ok();
      if (lines_) return choose(feeds, std::string_view(text_).substr(first, end - first));
    }
    ARROW_RETURN_NOT_OK(whole());
    return choose(feeds, text_);
  }

  Status choose(const std::vector<Feed>& feeds, std::string_view text) {
    ARROW_ASSIGN_OR_RAISE(JsonValue document, parse(text));
    for (const Feed& feed : feeds)
      if (feed.is != nullptr && feed.is(document)) return feed_ = feed, Status::OK();
    std::string keys;
    const JsonValue& shown = document.is_list() && !document.items.empty() ? document.items.front() : document;
    for (const auto& member : shown.members) keys += (keys.empty() ? "" : ", ") + member.key;
    if (keys.size() > 200) keys = keys.substr(0, 200) + "...";
    return data_error(
        fmt::format("{}: is none of the documents that {} takes ({})", path_, dataset_.table, names_of(feeds)),
        keys.empty() ? "it holds no rows" : "its keys are: " + keys);
  }

  Status begin_csv(const std::vector<Feed>& feeds) {
    ARROW_ASSIGN_OR_RAISE(Header header, parse_header(std::string_view(text_).substr(0, kLongestLine), path_));
    for (const Feed& feed : feeds) {
      if (feed.csv.empty()) continue;
      const bool all = std::all_of(feed.csv.begin(), feed.csv.end(), [&](const std::string& name) {
        return std::find(header.names.begin(), header.names.end(), name) != header.names.end();
      });
      if (!all) continue;
      feed_ = feed, header_ = std::move(header);
      return whole();
    }
    return data_error(
        fmt::format("{}: is none of the files that {} takes ({})", path_, dataset_.table, names_of(feeds)),
        "its first line is: " + header.line.substr(0, 200));
  }

  Result<bool> read_csv(Records& out) {
    auto text = std::make_shared<const std::string>(std::move(text_));
    start(out, text, 0, 1);
    TextReader reader(bytes_of(*text), text->size() + 1, true);
    Block block;
    for (;;) {
      ARROW_ASSIGN_OR_RAISE(bool more, reader.next(block));
      if (!more) return true;
      auto raw_at = [&](std::int64_t byte, std::size_t size) {
        return std::string_view(*text).substr(static_cast<std::size_t>(byte), size);
      };
      for (const auto& bad : block.unreadable) out.refuse(raw_at(bad.byte, bad.raw.size()), "columns", bad.reason);
      for (const Record& record : block.records) {
        const std::string_view raw = raw_at(block.at + record.start, record.length);
        if (record.fields != header_.names.size()) {
          out.refuse(raw, "columns", fmt::format("{} columns, the header has {}", record.fields, header_.names.size()));
          continue;
        }
        std::deque<std::string> spare;
        JsonValue row;
        row.type = JsonValue::Type::map, row.raw = raw;
        for (std::uint32_t i = 0; i < record.fields; ++i) {
          auto& [key, value] = row.members.emplace_back();
          key = header_.names[i];
          value.type = JsonValue::Type::text, value.text = block.field(record, i, spare), value.raw = raw;
        }
        feed_.read(row, dataset_, words_, feed_.form, out);
      }
      block.clear();
    }
  }

  Dataset dataset_;
  FeedWords words_;
  std::string path_, text_;  // text_: read and not yet given, from byte at_ and line line_ on
  std::unique_ptr<Bytes> bytes_;
  Feed feed_;
  Header header_;  // of CSV
  bool lines_ = false, ended_ = false, done_ = false;
  std::int64_t at_ = 0, line_ = 1;
};

class FeedSource final : public Source {
 public:
  FeedSource(const Dataset& dataset, const FileInfo& info, std::unique_ptr<RecordReader> reader, std::size_t block,
             arrow::MemoryPool* pool)
      : dataset_(dataset), info_(info), reader_(std::move(reader)), block_(block), pool_(pool) {}

  Result<std::optional<SourceBatch>> next(std::stop_token stop) override {
    if (stop.stop_requested()) return Status::Cancelled("interrupted");
    for (;;) {
      if (table_ != nullptr) {
        ARROW_ASSIGN_OR_RAISE(auto batch, table_->next(stop));
        if (batch.has_value()) {
          records_->put_back(*batch);
          return batch;
        }
        table_.reset();
      }
      records_ = std::make_unique<Records>();
      auto more = reader_->next(*records_);
      if (!more.ok()) return more.status();
      if (!*more) return std::nullopt;
      if (records_->count() > 0) {
        ARROW_ASSIGN_OR_RAISE(table_, TableSource::make(dataset_, form_of(*reader_, info_), header_of(reader_->form()),
                                                        info_, bytes_of(records_->table()), block_, pool_));
      }
      if (auto refused = records_->take_refusals(); !refused.empty()) {
        SourceBatch batch;
        ARROW_ASSIGN_OR_RAISE(batch.rows, arrow::RecordBatch::MakeEmpty(dataset_.schema(), pool_));
        batch.text = std::make_shared<const std::string>();
        batch.rows_in = static_cast<std::int64_t>(refused.size());
        batch.refused = std::move(refused);
        return batch;
      }
    }
  }
  std::int64_t bytes_read() const override { return reader_->bytes_read(); }

 private:
  Dataset dataset_;
  FileInfo info_;
  std::unique_ptr<RecordReader> reader_;
  std::size_t block_;
  arrow::MemoryPool* pool_;
  std::unique_ptr<Records> records_;
  std::unique_ptr<TableSource> table_;
};

Result<std::unique_ptr<RecordReader>> open_records(const Dataset& dataset, const std::string& path,
                                                   arrow::MemoryPool* pool) {
  if (dataset.source == "avro") return open_avro(dataset, path, pool);
  if (dataset.source == "protobuf") return open_protobuf(dataset, path);
  ARROW_ASSIGN_OR_RAISE(auto reader, FeedReader::open(dataset, path));
  return std::unique_ptr<RecordReader>(std::move(reader));
}

}  // namespace

std::string stem_of(const std::string& path) {
  const std::string name = std::filesystem::path(path).filename().string();
  return name.substr(0, name.find('.', 1));
}

bool is_feed(const Dataset& dataset) {
  return dataset.source == "json" || dataset.source == "corporate_actions" || dataset.source == "avro" ||
         dataset.source == "protobuf";
}

Status inspect_feed(const Dataset& dataset, FileInfo& info) {
  ARROW_ASSIGN_OR_RAISE(auto reader, open_records(dataset, info.path, arrow::default_memory_pool()));
  info.form = reader->form().name;
  info.header = header_of(reader->form()).line;
  std::string why;
  while (!info.begins) {
    Records records;
    ARROW_ASSIGN_OR_RAISE(bool more, reader->next(records));
    if (!more) return Status::OK();  // no row of it has a session: ingest refuses each with its reason
    if (records.count() == 0) continue;
    ARROW_ASSIGN_OR_RAISE(auto probe,
                          TableSource::make(dataset, form_of(*reader, info), header_of(reader->form()), info,
                                            bytes_of(records.table()), kChunk, arrow::default_memory_pool()));
    ARROW_ASSIGN_OR_RAISE(info.begins, probe->probe(why));
  }
  return Status::OK();
}

Result<std::unique_ptr<Source>> open_feed(const Dataset& dataset, const FileInfo& info, MemoryBudget& budget) {
  ARROW_ASSIGN_OR_RAISE(auto reader, open_records(dataset, info.path, budget.pool()));
  auto block = static_cast<std::size_t>(budget.share(1.0 / 32, 64 << 10, 1 << 20));
  return std::unique_ptr<Source>(new FeedSource(dataset, info, std::move(reader), block, budget.pool()));
}

}  // namespace tapemill::sources
