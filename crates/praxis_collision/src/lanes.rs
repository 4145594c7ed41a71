use std::ops::{Add, Div, Mul, Sub};

/// Most configurations that a kernel looks at together.
pub(crate) const WIDTH: usize = 16;

/// One number for each of [`WIDTH`] configurations, in memory.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub(crate) struct Row(pub(crate) [f32; WIDTH]);

impl Row {
    pub(crate) const ZERO: Self = Self([0.0; WIDTH]);
}

/// One number for each of [`Lanes::COUNT`] configurations, in registers. Comparisons answer with one
/// bit a lane. Kernels are written once over this; `Plain` is the twin that the others are held to.
pub(crate) trait Lanes:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    /// How many there are: the first ones of a row.
    const COUNT: usize;
    /// The bits of all lanes.
    const ALL: u32 = ((1_u64 << Self::COUNT) - 1) as u32;

    fn splat(value: f32) -> Self;
    #[inline(always)]
    fn load(row: &Row) -> Self {
        Self::load_from(&row.0)
    }
    /// The first values of a slice.
    fn load_from(values: &[f32]) -> Self;
    #[inline(always)]
    fn store(self, row: &mut Row) {
        self.store_to(&mut row.0);
    }
    /// To the first places of a slice.
    fn store_to(self, values: &mut [f32]);
    /// `self * factor + term`.
    fn mul_add(self, factor: Self, term: Self) -> Self;
    /// `self * factor - term`.
    fn mul_sub(self, factor: Self, term: Self) -> Self;
    fn max(self, other: Self) -> Self;
    fn min(self, other: Self) -> Self;
    fn abs(self) -> Self;
    fn round(self) -> Self;
    fn floor(self) -> Self;
    fn sqrt(self) -> Self;
    fn below(self, other: Self) -> u32;
    fn least(self) -> f32;
    fn greatest(self) -> f32;
    /// The bytes, the lowest first, of the values at these indices (whole numbers in the slice, but
    /// not its last), then those of the values after them.
    fn gather_bytes(self, values: &[u32]) -> [Self; 8];
}

/// Lanes as an array: any processor, and the plain twin in tests.
#[derive(Clone, Copy)]
pub(crate) struct Plain([f32; PLAIN]);

const PLAIN: usize = 8;

impl Plain {
    #[inline(always)]
    fn map(self, f: impl Fn(f32) -> f32) -> Self {
        Self(self.0.map(f))
    }

    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Self(std::array::from_fn(|i| f(self.0[i], other.0[i])))
    }
}

impl Add for Plain {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }
}

impl Sub for Plain {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }
}

impl Mul for Plain {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }
}

impl Div for Plain {
    type Output = Self;
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        self.zip(other, |a, b| a / b)
    }
}

impl Lanes for Plain {
    const COUNT: usize = PLAIN;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        Self([value; PLAIN])
    }
    #[inline(always)]
    fn load_from(values: &[f32]) -> Self {
        Self(std::array::from_fn(|i| values[i]))
    }
    #[inline(always)]
    fn store_to(self, values: &mut [f32]) {
        values[..PLAIN].copy_from_slice(&self.0);
    }
    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        // Without a fused instruction `f32::mul_add` is a slow library call.
        self * factor + term
    }
    #[inline(always)]
    fn mul_sub(self, factor: Self, term: Self) -> Self {
        self * factor - term
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        self.zip(other, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        self.zip(other, |a, b| if a < b { a } else { b })
    }
    #[inline(always)]
    fn abs(self) -> Self {
        self.map(f32::abs)
    }
    #[inline(always)]
    fn round(self) -> Self {
        self.map(f32::round_ties_even)
    }
    #[inline(always)]
    fn floor(self) -> Self {
        self.map(f32::floor)
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        self.map(f32::sqrt)
    }
    #[inline(always)]
    fn below(self, other: Self) -> u32 {
        (0..PLAIN).fold(0, |bits, i| bits | (u32::from(self.0[i] < other.0[i]) << i))
    }
    #[inline(always)]
    fn least(self) -> f32 {
        self.0.into_iter().fold(f32::INFINITY, f32::min)
    }
    #[inline(always)]
    fn greatest(self) -> f32 {
        self.0.into_iter().fold(f32::NEG_INFINITY, f32::max)
    }
    #[inline(always)]
    fn gather_bytes(self, values: &[u32]) -> [Self; 8] {
        let bytes = self.0.map(|index| values[index as usize].to_le_bytes());
        let next = self.0.map(|index| values[index as usize + 1].to_le_bytes());
        std::array::from_fn(|k| {
            Self(std::array::from_fn(|lane| {
                f32::from(if k < 4 { bytes[lane][k] } else { next[lane][k - 4] })
            }))
        })
    }
}

/// Three numbers a lane: a point or a direction. Its functions are all forced inline and use no
/// closures: what is not inlined into a kernel would not get the kernel's instructions.
pub(crate) type Triple<L> = [L; 3];

/// The same triple in every lane.
#[inline(always)]
pub(crate) fn everywhere<L: Lanes>(v: &[f32; 3]) -> Triple<L> {
    [L::splat(v[0]), L::splat(v[1]), L::splat(v[2])]
}

#[inline(always)]
pub(crate) fn dot<L: Lanes>(a: Triple<L>, b: Triple<L>) -> L {
    a[0].mul_add(b[0], a[1].mul_add(b[1], a[2] * b[2]))
}

#[inline(always)]
pub(crate) fn length<L: Lanes>(v: Triple<L>) -> L {
    dot(v, v).sqrt()
}

#[inline(always)]
pub(crate) fn cross<L: Lanes>(a: Triple<L>, b: Triple<L>) -> Triple<L> {
    [
        a[1].mul_sub(b[2], a[2] * b[1]),
        a[2].mul_sub(b[0], a[0] * b[2]),
        a[0].mul_sub(b[1], a[1] * b[0]),
    ]
}

#[inline(always)]
pub(crate) fn plus<L: Lanes>(a: Triple<L>, b: Triple<L>) -> Triple<L> {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}

#[inline(always)]
pub(crate) fn scaled<L: Lanes>(v: Triple<L>, factor: L) -> Triple<L> {
    [v[0] * factor, v[1] * factor, v[2] * factor]
}

#[inline(always)]
pub(crate) fn minus<L: Lanes>(a: Triple<L>, b: Triple<L>) -> Triple<L> {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

/// `a * factor + b`.
#[inline(always)]
pub(crate) fn times_plus<L: Lanes>(a: Triple<L>, factor: L, b: Triple<L>) -> Triple<L> {
    [a[0].mul_add(factor, b[0]), a[1].mul_add(factor, b[1]), a[2].mul_add(factor, b[2])]
}

#[inline(always)]
pub(crate) fn load<L: Lanes>(rows: &[Row; 3]) -> Triple<L> {
    [L::load(&rows[0]), L::load(&rows[1]), L::load(&rows[2])]
}

#[inline(always)]
pub(crate) fn store<L: Lanes>(v: Triple<L>, rows: &mut [Row; 3]) {
    v[0].store(&mut rows[0]);
    v[1].store(&mut rows[1]);
    v[2].store(&mut rows[2]);
}

/// Sine and cosine, to about 3e-7 for angles of a few turns: Taylor's polynomials on half a turn,
/// the sign from the parity of the half turns taken off.
#[inline(always)]
pub(crate) fn sin_cos<L: Lanes>(angle: L) -> (L, L) {
    // Pi in three parts (Cody and Waite), so that the difference keeps its digits.
    let turns = (angle * L::splat(std::f32::consts::FRAC_1_PI)).round();
    let rest = turns.mul_add(L::splat(-3.140_625), angle);
    let rest = turns.mul_add(L::splat(-9.675_026e-4), rest);
    let rest = turns.mul_add(L::splat(-1.509_958e-7), rest);
    let even = (turns * L::splat(0.5)).floor();
    let parity = even.mul_add(L::splat(-2.0), turns);
    let sign = parity.mul_add(L::splat(-2.0), L::splat(1.0));
    let square = rest * rest;
    let sum = L::splat(-2.505_210_8e-8).mul_add(square, L::splat(2.755_732e-6));
    let sum = sum.mul_add(square, L::splat(-1.984_127e-4));
    let sum = sum.mul_add(square, L::splat(8.333_333e-3));
    let sum = sum.mul_add(square, L::splat(-0.166_666_67));
    let sin = (sum * square).mul_add(rest, rest);
    let sum = L::splat(2.087_675_7e-9).mul_add(square, L::splat(-2.755_732e-7));
    let sum = sum.mul_add(square, L::splat(2.480_158_7e-5));
    let sum = sum.mul_add(square, L::splat(-1.388_888_9e-3));
    let sum = sum.mul_add(square, L::splat(4.166_666_7e-2));
    let sum = sum.mul_add(square, L::splat(-0.5));
    (sign * sin, sign * sum.mul_add(square, L::splat(1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sines_agree_with_the_library() {
        for k in -900..900 {
            let angle = k as f32 * 0.01;
            let (s, c) = sin_cos(Plain::splat(angle));
            let (s, c) = (f64::from(s.0[0]), f64::from(c.0[0]));
            let exact = f64::from(angle).sin_cos();
            assert!((s - exact.0).abs() < 5e-7 && (c - exact.1).abs() < 9e-7, "{angle}: {s} {c}");
        }
    }
}
