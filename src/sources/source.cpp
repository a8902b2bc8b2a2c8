#include "sources/source.h"

#include <glob.h>
#include <sys/stat.h>

#include <filesystem>
#include <set>

#include "core/hash.h"
#include "sources/csv.h"
#include "sources/encoding.h"
#include "sources/feed.h"
#include "sources/nse_bhavcopy.h"
#include "sources/nse_index.h"
#include "sources/polygon_flat.h"
#include "sources/snapshots.h"
#include "sources/table.h"

namespace tapemill::sources {
namespace {

constexpr std::size_t kHead = 64 << 10;

Result<std::vector<Form>> forms_of(const Dataset& dataset, const FileInfo& info) {
  if (dataset.source == "polygon_flat") return std::vector<Form>{polygon_form(dataset)};
  if (dataset.source == "nse_bhavcopy") return nse_forms(dataset);
  if (dataset.source == "nse_index") return std::vector<Form>{nse_index_form(dataset)};
  if (dataset.source == "snapshots_52") return std::vector<Form>{snapshots_form(dataset, info)};
  if (dataset.source == "csv") return std::vector<Form>{csv_form(dataset)};
  return usage_error(
      fmt::format("{}: unknown source \"{}\"", dataset.path.empty() ? dataset.table : dataset.path, dataset.source),
      fmt::format("sources are: {}", fmt::join(source_names(), ", ")));
}

/// What of a form a header lacks, and what it has beyond it.
struct Difference {
  std::vector<std::string> missing, unknown;
  bool twice = false;
  bool none() const { return missing.empty() && unknown.empty() && !twice; }
};
Difference compare(const Form& form, const Header& header) {
  Difference out;
  std::multiset<std::string> names(header.names.begin(), header.names.end());
  for (const std::string& name : form.header)
    if (!names.contains(name)) out.missing.push_back(name);
  for (const std::string& name : header.names) {
    const bool wanted = std::find(form.header.begin(), form.header.end(), name) != form.header.end();
    const bool allowed = wanted || std::find(form.optional.begin(), form.optional.end(), name) != form.optional.end();
    if (!allowed && !form.other_columns) out.unknown.push_back(name);
    if (allowed && names.count(name) > 1) out.twice = true;
  }
  return out;
}

Result<Form> recognise(const std::vector<Form>& forms, const Header& header, const Dataset& dataset,
                       const std::string& path) {
  const Form* near = nullptr;
  Difference least;
  for (const Form& form : forms) {
    Difference d = compare(form, header);
    if (d.none()) return form;
    if (near == nullptr || d.missing.size() + d.unknown.size() < least.missing.size() + least.unknown.size())
      near = &form, least = std::move(d);
  }
  std::vector<std::string> names;
  for (const Form& form : forms) names.push_back(form.name);
  std::string what =
      fmt::format("{}: the header is none that {} takes ({})", path, dataset.table, fmt::join(names, ", "));
  std::string hint = fmt::format("nearest is {}", near->name);
  auto list = [](const std::vector<std::string>& all) {
    std::vector<std::string> some(all.begin(),
                                  all.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(all.size(), 6)));
    return fmt::format("{}{}", fmt::join(some, ", "),
                       all.size() > 6 ? fmt::format(" and {} more", all.size() - 6) : "");
  };
  for (std::string& name : least.missing)
    if (std::string near_name = nearest(name, header.names); !near_name.empty())
      name += fmt::format(" (did you mean {}?)", near_name);
  if (!least.missing.empty()) hint += fmt::format("; it lacks {}", list(least.missing));
  if (!least.unknown.empty()) hint += fmt::format("; not known there: {}", list(least.unknown));
  if (least.twice) hint += "; a column stands twice";
  for (auto [separator, shown] : {std::pair{';', ";"}, {'\t', "tab"}, {'|', "|"}})
    if (header.names.size() == 1 && std::count(header.line.begin(), header.line.end(), separator) > 0)
      hint = fmt::format("the file looks {}-separated: a csv data set says so by csv: {{delimiter: \"{}\"}}", shown,
                         shown);
  std::string excerpt = header.line;
  if (header.names.size() > 20)
    excerpt = fmt::format("{} and {} more", fmt::join(header.names.begin(), header.names.begin() + 20, ","),
                          header.names.size() - 20);
  if (excerpt.size() > 400) excerpt = excerpt.substr(0, 400) + "...";
  excerpt.insert(0, "  ");
  return error(Blame::data, std::move(what), std::move(hint), std::move(excerpt));
}

/// The file's first lines: at least the header, and whole lines after it.
Result<std::string> read_head(const Dataset& dataset, const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(auto bytes, open_text(path, dataset.csv_encoding));
  std::string head(kHead, '\0');
  std::size_t have = 0;
  bool ended = false;
  while (!ended && have < head.size()) {
    ARROW_ASSIGN_OR_RAISE(std::size_t got, bytes->read(head.data() + have, head.size() - have));
    have += got;
    ended = got == 0;
    if (have == head.size() && have <= static_cast<std::size_t>(kLongestLine) && head.find('\n') == std::string::npos)
      head.resize(have * 2);
  }
  head.resize(have);
  if (std::size_t end = head.rfind('\n'); !ended && end != std::string::npos) head.resize(end + 1);
  return head;
}

Result<Header> header_of(const Dataset& dataset, std::string_view head, const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(Header header, parse_header(head, path, dataset.csv_delimiter));
  if (!dataset.csv_header) name_by_number(header);
  return header;
}

Result<Form> form_of(const Dataset& dataset, const FileInfo& info, const Header& header) {
  ARROW_ASSIGN_OR_RAISE(auto forms, forms_of(dataset, info));
  return recognise(forms, header, dataset, info.path);
}

/// The last YYYY-MM-DD in a file's name.
std::optional<Date> date_in(const std::string& path) {
  std::string name = std::filesystem::path(path).filename().string();
  for (std::size_t i = name.size(); i-- > 0;)
    if (i + 10 <= name.size())
      if (auto date = Date::parse(std::string_view(name).substr(i, 10)); date.ok()) return *date;
  return std::nullopt;
}

Status hash_file(FileInfo& info) {
  std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(info.path.c_str(), "rb"), std::fclose);
  if (file == nullptr) return errno_error(info.path, errno);
  Sha256 hash;
  std::string buffer(1 << 20, '\0');
  while (std::size_t got = std::fread(buffer.data(), 1, buffer.size(), file.get())) {
    hash.add(std::string_view(buffer).substr(0, got));
    info.size += static_cast<std::int64_t>(got);
  }
  if (std::ferror(file.get())) return errno_error(info.path, errno);
  info.sha256 = hash.hex();
  return Status::OK();
}

}  // namespace

Result<FileInfo> inspect(const Dataset& dataset, const std::string& path) {
  FileInfo info;
  info.path = path;
  if (is_feed(dataset)) {
    ARROW_RETURN_NOT_OK(inspect_feed(dataset, info));
    info.unit = stem_of(path);
    ARROW_RETURN_NOT_OK(hash_file(info));
    return info;
  }
  ARROW_ASSIGN_OR_RAISE(std::string head, read_head(dataset, path));
  ARROW_ASSIGN_OR_RAISE(Header header, header_of(dataset, head, path));
  ARROW_ASSIGN_OR_RAISE(Form form, form_of(dataset, info, header));
  info.form = form.name;
  info.header = header.line;
  const bool one = form.sessions == Form::Sessions::one;
  if (one && (dataset.session_from_file_name || dataset.source == "polygon_flat")) info.session = date_in(path);
  const std::optional<Date> named = info.session;

  ARROW_ASSIGN_OR_RAISE(auto probe, TableSource::make(dataset, form, header, info, bytes_of(std::move(head)), kHead,
                                                      arrow::default_memory_pool()));
  std::string why;
  ARROW_ASSIGN_OR_RAISE(info.begins, probe->probe(why));
  if (one && !info.begins && !why.empty())
    return data_error(fmt::format("{}: no row of it belongs to {}: {}", path, dataset.table, why),
                      named ? "the session is taken from the file's name; is the file another data set's?"
                            : "is the file another data set's?");
  if (one && !info.session) info.session = info.begins;
  if (one && !info.session)
    return data_error(fmt::format("{}: no rows, and no date in its name: its session is unknown", path),
                      "name it YYYY-MM-DD.csv, or leave it out");
  const std::string stem = stem_of(path);
  if (info.session) info.unit = info.session->str();
  else if (dataset.source == "snapshots_52" && info.begins) info.unit = stem + " " + info.begins->str();
  else info.unit = stem;
  ARROW_RETURN_NOT_OK(hash_file(info));
  return info;
}

Result<std::unique_ptr<Source>> open(const Dataset& dataset, const FileInfo& info, MemoryBudget& budget) {
  if (is_feed(dataset)) return open_feed(dataset, info, budget);
  std::string head = dataset.csv_header ? info.header : "";
  if (head.empty()) ARROW_RETURN_NOT_OK(read_head(dataset, info.path).Value(&head));
  ARROW_ASSIGN_OR_RAISE(Header header, header_of(dataset, head, info.path));
  ARROW_ASSIGN_OR_RAISE(Form form, form_of(dataset, info, header));
  ARROW_ASSIGN_OR_RAISE(auto bytes, open_text(info.path, dataset.csv_encoding));
  auto block = static_cast<std::size_t>(budget.share(1.0 / 32, 64 << 10, 1 << 20));
  ARROW_ASSIGN_OR_RAISE(auto source,
                        TableSource::make(dataset, form, header, info, std::move(bytes), block, budget.pool()));
  return std::unique_ptr<Source>(std::move(source));
}

Result<std::vector<std::string>> expand_paths(const std::vector<std::string>& paths) {
  namespace fs = std::filesystem;
  std::vector<std::string> out;
  std::set<std::string> seen;
  auto add = [&](const std::string& path) {
    std::error_code failed;
    fs::path real = fs::canonical(path, failed);
    if (seen.insert(failed ? path : real.string()).second) out.push_back(path);
  };
  auto hidden = [](const fs::path& path) { return path.filename().string().starts_with("."); };
  auto add_any = [&](const std::string& path) -> Status {
    std::error_code failed;
    if (!fs::is_directory(path, failed)) return add(path), Status::OK();
    std::vector<std::string> found;
    fs::recursive_directory_iterator it(path, fs::directory_options::follow_directory_symlink, failed);
    if (failed) return errno_error(path, failed.value(), "the folder could not be read");
    for (; it != fs::recursive_directory_iterator(); it.increment(failed)) {
      if (failed) return errno_error(path, failed.value(), "the folder could not be read");
      if (it->is_directory(failed) && (hidden(it->path()) || it.depth() > 32)) it.disable_recursion_pending();
      else if (it->is_regular_file(failed) && !hidden(it->path())) found.push_back(it->path().string());
    }
    if (found.empty()) return usage_error(path + ": the folder holds no files", "hidden files are left out");
    for (const std::string& file : found) add(file);
    return Status::OK();
  };
  for (const std::string& path : paths) {
    struct stat facts{};
    if (::stat(path.c_str(), &facts) == 0) {
      ARROW_RETURN_NOT_OK(add_any(path));
      continue;
    }
    if (errno != ENOENT && errno != ENOTDIR) return errno_error(path, errno);
    glob_t matches{};
    const bool pattern = path.find_first_of("*?[") != std::string::npos;
    if (pattern) ::glob(path.c_str(), 0, nullptr, &matches);
    std::vector<std::string> found(matches.gl_pathv, matches.gl_pathv + matches.gl_pathc);
    if (pattern) ::globfree(&matches);
    if (found.empty())
      return usage_error(path + (pattern ? ": the pattern matches nothing" : ": no such file or folder"),
                         "check the path; files, folders and globs are taken");
    for (const std::string& one : found) ARROW_RETURN_NOT_OK(add_any(one));
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace tapemill::sources
