#pragma once
// Lane code: everything in the inline namespace is compiled once per instruction set, by isa_*.cpp alone. It uses no
// standard container and no inline function from outside, or the linker would keep one unit's copy for all (design.md 4.4).
#if !defined(TAPEMILL_ISA) || !defined(TAPEMILL_LANES)
#error "lane code is compiled by isa_*.cpp only; include indicators/indicator.h"
#endif
#if TAPEMILL_LANES == 8 && defined(__GNUC__) && !defined(__clang__)
// g++ 12's own avx512fintrin.h reads a value it calls undefined (GCC bug 105593): not ours to mend.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

namespace tapemill::indicators {
inline namespace TAPEMILL_ISA {

/// L is double (tick by tick) or Vector (a symbol per lane). Arithmetic, comparisons and `mask ? a : b` read alike for
/// both. Only IEEE +, -, *, / and sqrt are used, so every lane gives the scalar's bits.
inline constexpr int kLanes = TAPEMILL_LANES;
using Vector = double __attribute__((vector_size(8 * kLanes)));

inline constexpr double kNull = __builtin_nan("");  // the one bit pattern of an absent value
inline constexpr double kTiny = 1e-100;  // what is smaller is zero: it can only be what an average decayed to

template <class L> L splat(double x) { return L{} + x; }
template <class L> L null() { return splat<L>(kNull); }

// The second where they are equal, as `a > b ? a : b`.
inline double larger(double a, double b) { return a > b ? a : b; }
inline double smaller(double a, double b) { return a < b ? a : b; }
inline double root(double x) { return __builtin_sqrt(x); }
inline bool any_at_least(double a, double b) { return a >= b; }

#if TAPEMILL_LANES == 8
inline Vector larger(Vector a, Vector b) { return (Vector)_mm512_max_pd((__m512d)a, (__m512d)b); }
inline Vector smaller(Vector a, Vector b) { return (Vector)_mm512_min_pd((__m512d)a, (__m512d)b); }
inline Vector root(Vector x) { return (Vector)_mm512_sqrt_pd((__m512d)x); }
inline bool any_at_least(Vector a, Vector b) { return _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_GE_OQ) != 0; }
#elif TAPEMILL_LANES == 4
inline Vector larger(Vector a, Vector b) { return (Vector)_mm256_max_pd((__m256d)a, (__m256d)b); }
inline Vector smaller(Vector a, Vector b) { return (Vector)_mm256_min_pd((__m256d)a, (__m256d)b); }
inline Vector root(Vector x) { return (Vector)_mm256_sqrt_pd((__m256d)x); }
inline bool any_at_least(Vector a, Vector b) {
  return _mm256_movemask_pd(_mm256_cmp_pd((__m256d)a, (__m256d)b, _CMP_GE_OQ)) != 0;
}
#else
inline Vector larger(Vector a, Vector b) { return (Vector)_mm_max_pd((__m128d)a, (__m128d)b); }
inline Vector smaller(Vector a, Vector b) { return (Vector)_mm_min_pd((__m128d)a, (__m128d)b); }
inline Vector root(Vector x) { return (Vector)_mm_sqrt_pd((__m128d)x); }
inline bool any_at_least(Vector a, Vector b) { return _mm_movemask_pd(_mm_cmpge_pd((__m128d)a, (__m128d)b)) != 0; }
#endif

template <class L> L magnitude(L x) { return larger(x, -x); }

/// Several outputs of one update, in the order of Spec::outputs.
template <class L, int N> struct Values {
  L value[N];
};

}  // namespace TAPEMILL_ISA
}  // namespace tapemill::indicators
