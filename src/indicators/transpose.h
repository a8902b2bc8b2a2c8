#pragma once
#include "indicators/lane.h"

namespace tapemill::indicators {
inline namespace TAPEMILL_ISA {

/// kLanes rows of kLanes values change places with their columns.
#if TAPEMILL_LANES == 8
inline void transpose(Vector* rows) {
  __m512d pair[8], quad[8];
  for (int i = 0; i < 4; ++i) {
    pair[2 * i] = _mm512_unpacklo_pd((__m512d)rows[2 * i], (__m512d)rows[2 * i + 1]);
    pair[2 * i + 1] = _mm512_unpackhi_pd((__m512d)rows[2 * i], (__m512d)rows[2 * i + 1]);
  }
  for (int half = 0; half < 2; ++half) {
    for (int i = 0; i < 2; ++i) {
      quad[4 * half + i] = _mm512_shuffle_f64x2(pair[4 * half + i], pair[4 * half + 2 + i], 0x88);
      quad[4 * half + 2 + i] = _mm512_shuffle_f64x2(pair[4 * half + i], pair[4 * half + 2 + i], 0xdd);
    }
  }
  for (int i = 0; i < 4; ++i) {
    rows[i] = (Vector)_mm512_shuffle_f64x2(quad[i], quad[4 + i], 0x88);
    rows[4 + i] = (Vector)_mm512_shuffle_f64x2(quad[i], quad[4 + i], 0xdd);
  }
}
inline Vector read(const double* from) { return (Vector)_mm512_loadu_pd(from); }
inline void write(double* to, Vector x) { _mm512_storeu_pd(to, (__m512d)x); }
inline void write_past_cache(double* to, Vector x) { _mm512_stream_pd(to, (__m512d)x); }
#elif TAPEMILL_LANES == 4
inline void transpose(Vector* rows) {
  __m256d a = _mm256_unpacklo_pd((__m256d)rows[0], (__m256d)rows[1]),
          b = _mm256_unpackhi_pd((__m256d)rows[0], (__m256d)rows[1]);
  __m256d c = _mm256_unpacklo_pd((__m256d)rows[2], (__m256d)rows[3]),
          d = _mm256_unpackhi_pd((__m256d)rows[2], (__m256d)rows[3]);
  rows[0] = (Vector)_mm256_permute2f128_pd(a, c, 0x20);
  rows[1] = (Vector)_mm256_permute2f128_pd(b, d, 0x20);
  rows[2] = (Vector)_mm256_permute2f128_pd(a, c, 0x31);
  rows[3] = (Vector)_mm256_permute2f128_pd(b, d, 0x31);
}
inline Vector read(const double* from) { return (Vector)_mm256_loadu_pd(from); }
inline void write(double* to, Vector x) { _mm256_storeu_pd(to, (__m256d)x); }
inline void write_past_cache(double* to, Vector x) { _mm256_stream_pd(to, (__m256d)x); }
#else
inline void transpose(Vector* rows) {
  __m128d low = _mm_unpacklo_pd((__m128d)rows[0], (__m128d)rows[1]),
          high = _mm_unpackhi_pd((__m128d)rows[0], (__m128d)rows[1]);
  rows[0] = (Vector)low;
  rows[1] = (Vector)high;
}
inline Vector read(const double* from) { return (Vector)_mm_loadu_pd(from); }
inline void write(double* to, Vector x) { _mm_storeu_pd(to, (__m128d)x); }
inline void write_past_cache(double* to, Vector x) { _mm_stream_pd(to, (__m128d)x); }
#endif

}  // namespace TAPEMILL_ISA
}  // namespace tapemill::indicators
