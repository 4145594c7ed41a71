//! Resampling along one axis: area average when shrinking, bilinear when growing.

/// Which source pixels one destination pixel is made of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Taps {
    /// First source pixel.
    pub start: usize,
    /// Weights from there on; empty when the destination pixel lies outside the picture.
    pub weights: Vec<f32>,
}

/// The taps of every destination pixel for `destination = source * scale + offset`.
pub(crate) fn axis_taps(source: usize, destination: usize, scale: f64, offset: f64) -> Vec<Taps> {
    (0..destination).map(|pixel| pixel_taps(source, pixel, scale, offset)).collect()
}

fn pixel_taps(source: usize, pixel: usize, scale: f64, offset: f64) -> Taps {
    let centre = (pixel as f64 + 0.5 - offset) / scale;
    if centre < 0.0 || centre > source as f64 {
        return Taps::default();
    }
    if scale <= 1.0 { area_taps(source, centre, 0.5 / scale) } else { linear_taps(source, centre) }
}

/// Weights by how much of each source pixel lies under `[centre - half, centre + half]`.
fn area_taps(source: usize, centre: f64, half: f64) -> Taps {
    let low = (centre - half).max(0.0);
    let high = (centre + half).min(source as f64);
    // A border within rounding of a pixel border takes no sliver of the neighbour.
    let start = ((low + 1e-9).floor() as usize).min(source - 1);
    let end = ((high - 1e-9).ceil() as usize).clamp(start + 1, source);
    let covered = |pixel: usize| ((pixel + 1) as f64).min(high) - (pixel as f64).max(low);
    normalised(start, (start..end).map(|pixel| covered(pixel).max(0.0)).collect())
}

fn linear_taps(source: usize, centre: f64) -> Taps {
    let at = (centre - 0.5).clamp(0.0, (source - 1) as f64);
    let start = (at.floor() as usize).min(source.saturating_sub(2));
    let share = at - start as f64;
    let weights = if source == 1 { vec![1.0] } else { vec![1.0 - share, share] };
    normalised(start, weights)
}

fn normalised(start: usize, weights: Vec<f64>) -> Taps {
    let sum: f64 = weights.iter().sum();
    Taps { start, weights: weights.iter().map(|weight| (weight / sum) as f32).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn halving_averages_pairs() {
        let taps = axis_taps(8, 4, 0.5, 0.0);
        for (pixel, tap) in taps.iter().enumerate() {
            assert_eq!((tap.start, tap.weights.as_slice()), (2 * pixel, &[0.5, 0.5][..]));
        }
    }

    #[test]
    fn outside_the_picture_there_is_nothing() {
        let taps = axis_taps(4, 8, 1.0, 2.0);
        assert!(taps[0].weights.is_empty() && taps[7].weights.is_empty());
        assert_eq!((taps[2].start, taps[2].weights.as_slice()), (0, &[1.0][..]));
    }

    proptest! {
        #[test]
        fn weights_sum_to_one_and_stay_inside(
            source in 1usize..700, destination in 1usize..700,
        ) {
            let scale = destination as f64 / source as f64;
            for tap in axis_taps(source, destination, scale, 0.0) {
                prop_assert!(tap.start + tap.weights.len() <= source);
                prop_assert!((tap.weights.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            }
        }
    }
}
