#pragma once
#include <array>
#include <cstddef>
#include <string_view>

#include "core/arithmetic.h"

namespace tapemill {

/// An operator or function of the expression language whose value in a row depends on that row alone, as a loop over
/// values: rows, batches and ticks (n = 1) run the same loop. `out` may be one of the inputs.
struct Operation {
  const char* name;
  int least = 1, most = 1;  // arguments; more than two are folded from the left
  void (*one)(const double* a, double* out, std::size_t n) = nullptr;
  void (*two)(const double* a, const double* b, double* out, std::size_t n) = nullptr;
};

namespace detail {
template <double (*F)(double)>
void each(const double* a, double* out, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) out[i] = F(a[i]);
}
template <double (*F)(double, double)>
void each_two(const double* a, const double* b, double* out, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) out[i] = F(a[i], b[i]);
}
template <double (*F)(double)>
constexpr Operation unary(const char* name) {
  return {name, 1, 1, each<F>, nullptr};
}
template <double (*F)(double, double)>
constexpr Operation binary(const char* name, int most = 2) {
  return {name, 2, most, nullptr, each_two<F>};
}
}  // namespace detail

inline constexpr int kManyArguments = 1000;
inline constexpr std::array kRowFunctions = {
    detail::unary<arithmetic::absolute>("abs"),
    detail::unary<arithmetic::logarithm>("log"),
    detail::unary<arithmetic::exponential>("exp"),
    detail::unary<arithmetic::root>("sqrt"),
    detail::unary<arithmetic::missing>("is_null"),
    detail::binary<arithmetic::least>("least", kManyArguments),
    detail::binary<arithmetic::greatest>("greatest", kManyArguments),
    detail::binary<arithmetic::coalesce>("coalesce", kManyArguments),
};
inline constexpr std::array kOperators = {
    detail::binary<arithmetic::add>("+"),
    detail::binary<arithmetic::subtract>("-"),
    detail::binary<arithmetic::multiply>("*"),
    detail::binary<arithmetic::divide>("/"),
    detail::binary<arithmetic::remainder>("%"),
    detail::binary<arithmetic::less>("<"),
    detail::binary<arithmetic::less_equal>("<="),
    detail::binary<arithmetic::greater>(">"),
    detail::binary<arithmetic::greater_equal>(">="),
    detail::binary<arithmetic::equal>("=="),
    detail::binary<arithmetic::not_equal>("!="),
    detail::binary<arithmetic::both>("and"),
    detail::binary<arithmetic::either>("or"),
};
inline constexpr std::array kUnaryOperators = {detail::unary<arithmetic::negate>("-"),
                                               detail::unary<arithmetic::invert>("not")};

/// The entry of one of the lists above; null where there is none of that name.
template <class List>
constexpr const Operation* find_operation(const List& list, std::string_view name) {
  for (const Operation& one : list)
    if (name == one.name) return &one;
  return nullptr;
}

}  // namespace tapemill
