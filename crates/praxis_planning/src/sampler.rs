/// Bases of the Halton sequence, one a joint; later joints are drawn at random.
const PRIMES: [u64; 10] = [3, 5, 2, 7, 11, 13, 17, 19, 23, 29];

/// Configurations spread over the bounds: a Halton sequence shifted by the seed. One seed, one
/// sequence.
#[derive(Clone, Debug)]
pub(crate) struct Sampler {
    shifts: Vec<f64>,
    index: u64,
    state: u64,
}

impl Sampler {
    pub fn new(dim: usize, seed: u64) -> Self {
        let mut sampler = Self { shifts: Vec::new(), index: 1, state: seed };
        sampler.shifts = (0..dim).map(|_| sampler.uniform()).collect();
        if seed == 0 {
            sampler.shifts.fill(0.0);
        }
        sampler
    }

    /// The next configuration, written to `out`.
    pub fn sample_into(&mut self, bounds: &[(f64, f64)], out: &mut [f64]) {
        for (joint, (out, &(min, max))) in out.iter_mut().zip(bounds).enumerate() {
            let unit = match PRIMES.get(joint) {
                Some(&base) => (radical_inverse(self.index, base) + self.shifts[joint]).fract(),
                None => self.uniform(),
            };
            *out = min + unit * (max - min);
        }
        self.index += 1;
    }

    /// Uniform in [0, 1): splitmix64 (Steele, Lea, Flood 2014).
    pub fn uniform(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// The digits of `index` in `base`, mirrored about the point.
fn radical_inverse(mut index: u64, base: u64) -> f64 {
    let (mut value, mut scale) = (0.0, 1.0 / base as f64);
    let step = scale;
    while index > 0 {
        value += (index % base) as f64 * scale;
        index /= base;
        scale *= step;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halton_in_base_two_bisects() {
        let values: Vec<f64> = (1..=4).map(|i| radical_inverse(i, 2)).collect();
        assert_eq!(values, [0.5, 0.25, 0.75, 0.125]);
    }
}
