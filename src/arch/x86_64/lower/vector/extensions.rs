//! Which extensions of the vector instructions the settings enable.

use crate::arch::x86_64::lower::inputs::Cx;

/// Whether there are SSSE3 or later instructions.
pub fn has_ssse3(cx: &Cx) -> bool {
    cx.flags.has_ssse3() || has_sse41(cx)
}

/// Whether there are SSE4.1 or later instructions.
pub fn has_sse41(cx: &Cx) -> bool {
    cx.flags.has_sse41() || has_sse42(cx)
}

/// Whether there are SSE4.2 or later instructions.
pub fn has_sse42(cx: &Cx) -> bool {
    cx.flags.has_sse42() || cx.flags.has_avx()
}

/// Whether AVX-512 has its forms on 128 bits.
pub fn has_avx512(cx: &Cx) -> bool {
    cx.flags.has_avx() && cx.flags.has_avx512f() && cx.flags.has_avx512vl()
}

/// Whether there are products of lanes of 64 bits, and their conversions.
pub fn has_quads(cx: &Cx) -> bool {
    has_avx512(cx) && cx.flags.has_avx512dq()
}

/// Whether there are permutations of the bytes of two vectors.
pub fn has_byte_permutations(cx: &Cx) -> bool {
    has_avx512(cx) && cx.flags.has_avx512vbmi()
}

/// Whether there are counts of the bits of bytes and words.
pub fn has_bit_counts(cx: &Cx) -> bool {
    has_avx512(cx) && cx.flags.has_avx512bitalg()
}

/// Whether there are sums of products.
pub fn has_dot_products(cx: &Cx) -> bool {
    has_avx512(cx) && cx.flags.has_avx512vnni()
}
