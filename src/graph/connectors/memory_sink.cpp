#include "graph/connectors/connector.h"

namespace tapemill::graph {
namespace {

class MemorySink final : public Sink {
 public:
  MemorySink(std::shared_ptr<Captured> into, std::string place) : into_(std::move(into)), place_(std::move(place)) {}
  Status write(std::size_t stream, const Block& rows, std::size_t row) override {
    Block& to = into_->rows[stream];
    for (std::size_t c = 0; c < rows.columns.size(); ++c) to.columns[c].add(rows.columns[c], row);
    to.sequence.push_back(rows.sequence[row]);
    to.time.push_back(rows.time[row]);
    return Status::OK();
  }
  Status state(Archive&) override { return Status::OK(); }  // a resumed run captures what comes after
  Status commit() override { return Status::OK(); }
  void abandon() override {}
  std::string place() const override { return place_; }

 private:
  std::shared_ptr<Captured> into_;
  std::string place_;
};

}  // namespace

std::unique_ptr<Sink> memory_sink(std::shared_ptr<Captured> into, std::string place) {
  into->rows.clear();
  for (const Stream& stream : into->streams) into->rows.emplace_back(stream.schema);
  return std::make_unique<MemorySink>(std::move(into), std::move(place));
}

}  // namespace tapemill::graph
