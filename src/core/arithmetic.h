#pragma once
#include <cmath>
#include <limits>

namespace tapemill {

/// What the operators and functions of the expression language mean, once for rows, batches and ticks. Null is one NaN
/// and passes through; what is no finite number (a division by zero, log(0)) or larger than 1e100 is null, so that one
/// such value cannot poison a running sum. Truth is 1, falsehood 0, any number but 0 is true; `and` and `or` follow SQL's
/// three-valued logic.
namespace arithmetic {

inline constexpr double kNull = std::numeric_limits<double>::quiet_NaN();
inline bool is_null(double x) { return x != x; }

inline constexpr double kLargest = 1e100;
/// x, or null where it is out of range, infinite or any NaN.
inline double finite(double x) { return std::fabs(x) <= kLargest ? x : kNull; }

inline double add(double a, double b) { return finite(a + b); }
inline double subtract(double a, double b) { return finite(a - b); }
inline double multiply(double a, double b) { return finite(a * b); }
inline double divide(double a, double b) { return finite(a / b); }
/// The remainder with the sign of the dividend, as in C and SQL.
inline double remainder(double a, double b) { return finite(std::fmod(a, b)); }

inline double truth(bool yes, double a, double b) { return is_null(a) || is_null(b) ? kNull : yes ? 1.0 : 0.0; }
inline double less(double a, double b) { return truth(a < b, a, b); }
inline double less_equal(double a, double b) { return truth(a <= b, a, b); }
inline double greater(double a, double b) { return truth(a > b, a, b); }
inline double greater_equal(double a, double b) { return truth(a >= b, a, b); }
inline double equal(double a, double b) { return truth(a == b, a, b); }
inline double not_equal(double a, double b) { return truth(a != b, a, b); }

inline double both(double a, double b) {
  if (a == 0 || b == 0) return 0;
  return is_null(a) || is_null(b) ? kNull : 1;
}
inline double either(double a, double b) {
  if ((a != 0 && !is_null(a)) || (b != 0 && !is_null(b))) return 1;
  return is_null(a) || is_null(b) ? kNull : 0;
}
inline double negate(double a) { return finite(-a); }
inline double invert(double a) { return is_null(a) ? kNull : a == 0 ? 1 : 0; }

inline double absolute(double a) { return finite(std::fabs(a)); }
inline double logarithm(double a) { return a > 0 ? finite(std::log(a)) : kNull; }
inline double exponential(double a) { return finite(std::exp(a)); }
inline double root(double a) { return finite(std::sqrt(a)); }
inline double least(double a, double b) { return is_null(a) || is_null(b) ? kNull : b < a ? b : a; }
inline double greatest(double a, double b) { return is_null(a) || is_null(b) ? kNull : b > a ? b : a; }
inline double missing(double a) { return is_null(a) ? 1 : 0; }
inline double coalesce(double a, double b) { return is_null(a) ? finite(b) : a; }

}  // namespace arithmetic
}  // namespace tapemill
