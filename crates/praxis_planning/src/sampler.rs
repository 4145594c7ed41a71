/// Configurations spread over the bounds: the points of an additive recurrence with the inverse
/// powers of a generalised golden ratio (Roberts, "The unreasonable effectiveness of quasirandom
/// sequences", 2018), shifted by the seed. One seed, one sequence.
#[derive(Clone, Debug)]
pub(crate) struct Sampler {
    /// Where the sequence is and how far it goes on, for each joint, in shares of its range.
    units: Vec<f64>,
    steps: Vec<f64>,
    state: u64,
}

impl Sampler {
    pub fn new(dim: usize, seed: u64) -> Self {
        let ratio = golden_ratio(dim);
        let steps = (1..=dim as i32).map(|power| ratio.powi(-power)).collect();
        let mut sampler = Self { units: Vec::new(), steps, state: seed };
        sampler.units = (0..dim).map(|_| sampler.uniform()).collect();
        sampler
    }

    /// The next configuration within `bounds`, written to `out`.
    pub fn sample_into(&mut self, bounds: impl Iterator<Item = (f64, f64)>, out: &mut [f64]) {
        let units = self.units.iter_mut().zip(&self.steps);
        for ((out, (min, max)), (unit, step)) in out.iter_mut().zip(bounds).zip(units) {
            let next = *unit + step;
            *unit = if next < 1.0 { next } else { next - 1.0 };
            *out = min + *unit * (max - min);
        }
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

/// The positive root of x^(dim + 1) = x + 1.
fn golden_ratio(dim: usize) -> f64 {
    let power = 1.0 / (dim as f64 + 1.0);
    let mut x = 1.5;
    for _ in 0..40 {
        let next = f64::powf(1.0 + x, power);
        if (next - x).abs() < 1e-15 {
            break;
        }
        x = next;
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_one_dimension_it_is_the_golden_ratio() {
        assert!((golden_ratio(1) - 1.618_033_988_749_895).abs() < 1e-12);
    }

    #[test]
    fn samples_fill_every_cell_of_a_grid_evenly() {
        let mut sampler = Sampler::new(2, 3);
        let (mut counts, mut q) = ([0; 100], [0.0; 2]);
        for _ in 0..10_000 {
            sampler.sample_into([(-5.0, 5.0), (0.0, 10.0)].into_iter(), &mut q);
            counts[(q[0] + 5.0) as usize * 10 + q[1] as usize] += 1;
        }
        assert!(counts.iter().all(|count| (90..=110).contains(count)), "{counts:?}");
    }
}
