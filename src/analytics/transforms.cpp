#include "analytics/transforms.h"

#include <algorithm>

namespace tapemill::analytics {
namespace {

bool any_method(const TransformSpec& spec, std::initializer_list<std::string_view> wanted) {
  auto is = [&](const std::string& method) { return std::find(wanted.begin(), wanted.end(), method) != wanted.end(); };
  return is(spec.method) ||
         std::any_of(spec.methods.begin(), spec.methods.end(), [&](const auto& one) { return is(one.second); });
}

}  // namespace

bool TransformSpec::fitted() const {
  switch (kind) {
    case Kind::missing: return any_method(*this, {"mean", "median"});
    case Kind::outliers:
    case Kind::scale:
    case Kind::encode: return true;
    default: return false;
  }
}

bool TransformSpec::looks_back() const {
  return kind == Kind::lags || kind == Kind::indicators ||
         (kind == Kind::missing && any_method(*this, {"ffill", "bfill", "interpolate"}));
}

std::string TransformSpec::looks_ahead() const {
  if (kind != Kind::missing) return {};
  for (const char* method : {"bfill", "interpolate"})
    if (any_method(*this, {method})) return fmt::format("{}: {} takes the value after the gap", name, method);
  return {};
}

std::unique_ptr<Transform> make_transform(const TransformSpec& spec, const Workshop& workshop) {
  switch (spec.kind) {
    case TransformSpec::Kind::duplicates:
    case TransformSpec::Kind::missing:
    case TransformSpec::Kind::outliers: return detail::make_clean(spec, workshop);
    case TransformSpec::Kind::time_features:
    case TransformSpec::Kind::lags:
    case TransformSpec::Kind::indicators: return detail::make_feature(spec, workshop);
    default: return detail::make_scaled(spec, workshop);
  }
}

}  // namespace tapemill::analytics
