//! Lanes in the registers of x86-64 processors: the crate's one module with unsafe code.
//!
//! Every method below uses instructions that the processor must have: the kernels that hold these
//! types are entered only through [`on_avx512`] and [`on_avx2`], which the caller may call only
//! after asking [`has_avx512`] and [`has_avx2`].
#![expect(unsafe_code, reason = "vector instructions, behind run-time detection")]

use std::arch::x86_64::*;
use std::ops::{Add, Div, Mul, Sub};

use crate::distance_field::squared_distances;
use crate::kernel::{Block, Outcome, Workspace, check};
use crate::lanes::{Lanes, Row};
use crate::model::Model;
use crate::standing::touching;

/// Whether [`on_avx512`] may be called.
pub(crate) fn has_avx512() -> bool {
    is_x86_feature_detected!("avx512f") && has_avx2()
}

/// Whether [`on_avx2`] may be called.
pub(crate) fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

/// The kernel with 512-bit registers; falls back to the plain one where they are missing.
pub(crate) fn on_avx512(model: &Model, block: &Block<'_>, work: &mut Workspace, out: &mut Outcome) {
    debug_assert!(has_avx512());
    // SAFETY: the callers choose this function once, after `has_avx512`.
    unsafe { avx512(model, block, work, out) }
}

/// The kernel for unlike configurations with 512-bit registers.
pub(crate) fn standing_on_avx512(
    model: &Model,
    joints: &[Row],
    lanes: u32,
    work: &mut Workspace,
) -> u32 {
    debug_assert!(has_avx512());
    // SAFETY: the callers choose this function once, after `has_avx512`.
    unsafe { standing_avx512(model, joints, lanes, work) }
}

/// The kernel for unlike configurations with 256-bit registers.
pub(crate) fn standing_on_avx2(
    model: &Model,
    joints: &[Row],
    lanes: u32,
    work: &mut Workspace,
) -> u32 {
    debug_assert!(has_avx2());
    // SAFETY: the callers choose this function once, after `has_avx2`.
    unsafe { standing_avx2(model, joints, lanes, work) }
}

/// The kernel with 256-bit registers.
pub(crate) fn on_avx2(model: &Model, block: &Block<'_>, work: &mut Workspace, out: &mut Outcome) {
    debug_assert!(has_avx2());
    // SAFETY: the callers choose this function once, after `has_avx2`.
    unsafe { avx2(model, block, work, out) }
}

/// The distances of a field, sixteen vertices to a register.
pub(crate) fn squared_distances_on_avx2(
    vertices: [usize; 3],
    bins_a_cell: usize,
    filled: &[[u32; 3]],
) -> Vec<u16> {
    debug_assert!(has_avx2());
    // SAFETY: the callers choose this function after `has_avx2`.
    unsafe { squared_distances_avx2(vertices, bins_a_cell, filled) }
}

#[target_feature(enable = "avx2,fma")]
fn squared_distances_avx2(
    vertices: [usize; 3],
    bins_a_cell: usize,
    filled: &[[u32; 3]],
) -> Vec<u16> {
    squared_distances(vertices, bins_a_cell, filled)
}

#[target_feature(enable = "avx512f,avx2,fma")]
fn avx512(model: &Model, block: &Block<'_>, work: &mut Workspace, out: &mut Outcome) {
    check::<Wide>(model, block, work, out);
}

#[target_feature(enable = "avx2,fma")]
fn avx2(model: &Model, block: &Block<'_>, work: &mut Workspace, out: &mut Outcome) {
    check::<Half>(model, block, work, out);
}

#[target_feature(enable = "avx512f,avx2,fma")]
fn standing_avx512(model: &Model, joints: &[Row], lanes: u32, work: &mut Workspace) -> u32 {
    touching::<Wide>(model, joints, lanes, work)
}

#[target_feature(enable = "avx2,fma")]
fn standing_avx2(model: &Model, joints: &[Row], lanes: u32, work: &mut Workspace) -> u32 {
    touching::<Half>(model, joints, lanes, work)
}

/// Sixteen lanes in one register.
#[derive(Clone, Copy)]
struct Wide(__m512);

/// Eight lanes in one register.
#[derive(Clone, Copy)]
struct Half(__m256);

impl Add for Wide {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: only kernels entered after detection hold this type.
        unsafe { Self(_mm512_add_ps(self.0, other.0)) }
    }
}

impl Add for Half {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: only kernels entered after detection hold this type.
        unsafe { Self(_mm256_add_ps(self.0, other.0)) }
    }
}

impl Sub for Wide {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: only kernels entered after detection hold this type.
        unsafe { Self(_mm512_sub_ps(self.0, other.0)) }
    }
}

impl Sub for Half {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: only kernels entered after detection hold this type.
        unsafe { Self(_mm256_sub_ps(self.0, other.0)) }
    }
}

impl Mul for Wide {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: only kernels entered after detection hold this type.
        unsafe { Self(_mm512_mul_ps(self.0, other.0)) }
    }
}

impl Mul for Half {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: only kernels entered after detection hold this type.
        unsafe { Self(_mm256_mul_ps(self.0, other.0)) }
    }
}

impl Div for Wide {
    type Output = Self;
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        // SAFETY: only kernels entered after detection hold this type.
        unsafe { Self(_mm512_div_ps(self.0, other.0)) }
    }
}

impl Div for Half {
    type Output = Self;
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        // SAFETY: only kernels entered after detection hold this type.
        unsafe { Self(_mm256_div_ps(self.0, other.0)) }
    }
}

impl Wide {
    /// The four bytes of each lane, the lowest first.
    #[inline(always)]
    fn bytes(words: __m512i) -> [Self; 4] {
        // SAFETY: only kernels entered after detection hold this type.
        unsafe {
            let byte = _mm512_set1_epi32(0xff);
            [
                Self(_mm512_cvtepi32_ps(_mm512_and_si512(words, byte))),
                Self(_mm512_cvtepi32_ps(_mm512_and_si512(_mm512_srli_epi32::<8>(words), byte))),
                Self(_mm512_cvtepi32_ps(_mm512_and_si512(_mm512_srli_epi32::<16>(words), byte))),
                Self(_mm512_cvtepi32_ps(_mm512_srli_epi32::<24>(words))),
            ]
        }
    }
}

impl Lanes for Wide {
    const COUNT: usize = 16;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        // SAFETY: only kernels entered after detection hold this type.
        unsafe { Self(_mm512_set1_ps(value)) }
    }
    #[inline(always)]
    fn load_from(values: &[f32]) -> Self {
        let values = &values[..Self::COUNT];
        // SAFETY: only kernels entered after detection hold this type; the slice is long enough.
        unsafe { Self(_mm512_loadu_ps(values.as_ptr())) }
    }
    #[inline(always)]
    fn store_to(self, values: &mut [f32]) {
        let values = &mut values[..Self::COUNT];
        // SAFETY: only kernels entered after detection hold this type; the slice is long enough.
        unsafe { _mm512_storeu_ps(values.as_mut_ptr(), self.0) }
    }
    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        // SAFETY: only kernels entered after detection hold this type.
        unsafe { Self(_mm512_fmadd_ps(self.0, factor.0, term.0)) }
    }
    #[inline(always)]
    fn mul_sub(self, factor: Self, term: Self) -> Self {
        // SAFETY: only kernels entered after detection hold this type.
        unsafe { Self(_mm512_fmsub_ps(self.0, factor.0, term.0)) }
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        // SAFETY: only kernels entered after detection hold this type.
        unsafe { Self(_mm512_max_ps(self.0, other.0)) }
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        // SAFETY: only kernels entered after detection hold this type.
        unsafe { Self(_mm512_min_ps(self.0, other.0)) }
    }
    #[inline(always)]
    fn abs(self) -> Self {
        // SAFETY: only kernels entered after detection hold this type.
        unsafe { Self(_mm512_abs_ps(self.0)) }
    }
    #[inline(always)]
    fn round(self) -> Self {
        // SAFETY: only kernels entered after detection hold this type.
        unsafe { Self(_mm512_roundscale_ps::<0>(self.0)) }
    }
    #[inline(always)]
    fn floor(self) -> Self {
        // SAFETY: only kernels entered after detection hold this type.
        unsafe { Self(_mm512_roundscale_ps::<1>(self.0)) }
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        // SAFETY: only kernels entered after detection hold this type.
        unsafe { Self(_mm512_sqrt_ps(self.0)) }
    }
    #[inline(always)]
    fn below(self, other: Self) -> u32 {
        // SAFETY: only kernels entered after detection hold this type.
        unsafe { u32::from(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(self.0, other.0)) }
    }
    #[inline(always)]
    fn least(self) -> f32 {
        // SAFETY: only kernels entered after detection hold this type.
        unsafe { _mm512_reduce_min_ps(self.0) }
    }
    #[inline(always)]
    fn greatest(self) -> f32 {
        // SAFETY: only kernels entered after detection hold this type.
        unsafe { _mm512_reduce_max_ps(self.0) }
    }
    #[inline(always)]
    fn gather_bytes(self, values: &[u32]) -> [Self; 8] {
        let last = last_of_two(values);
        // SAFETY: only kernels entered after detection hold this type; unsigned, the indices are
        // less than the last one of the slice, so that two values stand there.
        let (low, high) = unsafe {
            let index = _mm512_min_epu32(_mm512_cvttps_epi32(self.0), _mm512_set1_epi32(last));
            let (first, second) =
                (_mm512_castsi512_si256(index), _mm512_extracti64x4_epi64::<1>(index));
            let first = _mm512_i32gather_epi64::<4>(first, values.as_ptr().cast());
            let second = _mm512_i32gather_epi64::<4>(second, values.as_ptr().cast());
            let low = _mm512_castsi256_si512(_mm512_cvtepi64_epi32(first));
            let low = _mm512_inserti64x4::<1>(low, _mm512_cvtepi64_epi32(second));
            let (first, second) = (_mm512_srli_epi64::<32>(first), _mm512_srli_epi64::<32>(second));
            let high = _mm512_castsi256_si512(_mm512_cvtepi64_epi32(first));
            (low, _mm512_inserti64x4::<1>(high, _mm512_cvtepi64_epi32(second)))
        };
        let [a, b, c, d] = Self::bytes(low);
        let [e, f, g, h] = Self::bytes(high);
        [a, b, c, d, e, f, g, h]
    }
}

impl Half {
    /// The four bytes of each lane, the lowest first.
    #[inline(always)]
    fn bytes(words: __m256i) -> [Self; 4] {
        // SAFETY: only kernels entered after detection hold this type.
        unsafe {
            let byte = _mm256_set1_epi32(0xff);
            [
                Self(_mm256_cvtepi32_ps(_mm256_and_si256(words, byte))),
                Self(_mm256_cvtepi32_ps(_mm256_and_si256(_mm256_srli_epi32::<8>(words), byte))),
                Self(_mm256_cvtepi32_ps(_mm256_and_si256(_mm256_srli_epi32::<16>(words), byte))),
                Self(_mm256_cvtepi32_ps(_mm256_srli_epi32::<24>(words))),
            ]
        }
    }
}

impl Lanes for Half {
    const COUNT: usize = 8;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        // SAFETY: only kernels entered after detection hold this type.
        unsafe { Self(_mm256_set1_ps(value)) }
    }
    #[inline(always)]
    fn load_from(values: &[f32]) -> Self {
        let values = &values[..Self::COUNT];
        // SAFETY: only kernels entered after detection hold this type; the slice is long enough.
        unsafe { Self(_mm256_loadu_ps(values.as_ptr())) }
    }
    #[inline(always)]
    fn store_to(self, values: &mut [f32]) {
        let values = &mut values[..Self::COUNT];
        // SAFETY: only kernels entered after detection hold this type; the slice is long enough.
        unsafe { _mm256_storeu_ps(values.as_mut_ptr(), self.0) }
    }
    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        // SAFETY: only kernels entered after detection hold this type.
        unsafe { Self(_mm256_fmadd_ps(self.0, factor.0, term.0)) }
    }
    #[inline(always)]
    fn mul_sub(self, factor: Self, term: Self) -> Self {
        // SAFETY: only kernels entered after detection hold this type.
        unsafe { Self(_mm256_fmsub_ps(self.0, factor.0, term.0)) }
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        // SAFETY: only kernels entered after detection hold this type.
        unsafe { Self(_mm256_max_ps(self.0, other.0)) }
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        // SAFETY: only kernels entered after detection hold this type.
        unsafe { Self(_mm256_min_ps(self.0, other.0)) }
    }
    #[inline(always)]
    fn abs(self) -> Self {
        // SAFETY: only kernels entered after detection hold this type.
        unsafe { Self(_mm256_andnot_ps(_mm256_set1_ps(-0.0), self.0)) }
    }
    #[inline(always)]
    fn round(self) -> Self {
        // SAFETY: only kernels entered after detection hold this type.
        unsafe {
            Self(_mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(self.0))
        }
    }
    #[inline(always)]
    fn floor(self) -> Self {
        // SAFETY: only kernels entered after detection hold this type.
        unsafe { Self(_mm256_floor_ps(self.0)) }
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        // SAFETY: only kernels entered after detection hold this type.
        unsafe { Self(_mm256_sqrt_ps(self.0)) }
    }
    #[inline(always)]
    fn below(self, other: Self) -> u32 {
        // SAFETY: only kernels entered after detection hold this type.
        unsafe { _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_LT_OQ>(self.0, other.0)) as u32 }
    }
    #[inline(always)]
    fn least(self) -> f32 {
        // SAFETY: only kernels entered after detection hold this type.
        unsafe {
            let high = _mm256_extractf128_ps::<1>(self.0);
            let four = _mm_min_ps(_mm256_castps256_ps128(self.0), high);
            let two = _mm_min_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_min_ss(two, _mm_movehdup_ps(two)))
        }
    }
    #[inline(always)]
    fn greatest(self) -> f32 {
        // SAFETY: only kernels entered after detection hold this type.
        unsafe {
            let high = _mm256_extractf128_ps::<1>(self.0);
            let four = _mm_max_ps(_mm256_castps256_ps128(self.0), high);
            let two = _mm_max_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)))
        }
    }
    #[inline(always)]
    fn gather_bytes(self, values: &[u32]) -> [Self; 8] {
        let last = last_of_two(values);
        // SAFETY: only kernels entered after detection hold this type; unsigned, the indices are
        // less than the last one of the slice, so that two values stand there.
        let (low, high) = unsafe {
            let index = _mm256_min_epu32(_mm256_cvttps_epi32(self.0), _mm256_set1_epi32(last));
            // Lanes 0, 1, 4, 5 and 2, 3, 6, 7: two registers' low and high halves then shuffle into
            // the order of the lanes.
            let index = _mm256_permute4x64_epi64::<0b11_01_10_00>(index);
            let (first, second) =
                (_mm256_castsi256_si128(index), _mm256_extracti128_si256::<1>(index));
            let first = _mm256_i32gather_epi64::<4>(values.as_ptr().cast(), first);
            let second = _mm256_i32gather_epi64::<4>(values.as_ptr().cast(), second);
            let (first, second) = (_mm256_castsi256_ps(first), _mm256_castsi256_ps(second));
            let low = _mm256_shuffle_ps::<0b10_00_10_00>(first, second);
            let high = _mm256_shuffle_ps::<0b11_01_11_01>(first, second);
            (_mm256_castps_si256(low), _mm256_castps_si256(high))
        };
        let [a, b, c, d] = Self::bytes(low);
        let [e, f, g, h] = Self::bytes(high);
        [a, b, c, d, e, f, g, h]
    }
}

/// The last index at which two values stand.
///
/// # Panics
/// If there is none, or more than gathers reach.
#[inline(always)]
fn last_of_two(values: &[u32]) -> i32 {
    assert!(values.len() >= 2 && values.len() <= i32::MAX as usize, "{} values", values.len());
    (values.len() - 2) as i32
}
