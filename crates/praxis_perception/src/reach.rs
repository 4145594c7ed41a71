//! How far a patch of points reaches in several directions.

/// Directions within a quarter turn.
const DIRECTIONS: usize = 9;
/// Counters a direction: within one the points are taken as evenly spread.
const BINS: usize = 512;
/// Of so many points the outermost one on either side is left out.
const ONE_IN: usize = 50;

/// From where to where points reach along an axis and across it, the outermost 2 % left out, for
/// axes at even turns within a quarter turn; metres.
#[derive(Clone, Debug)]
pub(crate) struct Reach([[[f64; 2]; 2]; DIRECTIONS]);

impl Reach {
    /// None when there are too few points to tell.
    pub fn of(points: &[[f64; 2]]) -> Option<Self> {
        if points.len() < 8 {
            return None;
        }
        let count = points.len() as f64;
        let middle = [0, 1].map(|axis| points.iter().map(|p| p[axis]).sum::<f64>() / count);
        let from_middle = |p: &[f64; 2]| [p[0] - middle[0], p[1] - middle[1]];
        let farthest2 =
            points.iter().map(from_middle).map(|[x, y]| x * x + y * y).fold(0.0, f64::max);
        // A margin, so that the farthest point has a counter as well.
        let half = farthest2.sqrt() * 1.001 + 1e-9;
        if !(half.is_finite() && middle.iter().all(|at| at.is_finite())) {
            return None;
        }
        let per_metre = BINS as f64 / (2.0 * half);
        let mut ranges = [[[0.0; 2]; 2]; DIRECTIONS];
        for (direction, range) in ranges.iter_mut().enumerate() {
            let (sin, cos) = yaw_rad(direction).sin_cos();
            let mut counts = [[0u32; BINS]; 2];
            for point in points {
                let [x, y] = from_middle(point);
                let at = [cos * x + sin * y, cos * y - sin * x];
                for (counts, at) in counts.iter_mut().zip(at) {
                    counts[((at + half) * per_metre) as usize % BINS] += 1;
                }
            }
            let centre = [cos * middle[0] + sin * middle[1], cos * middle[1] - sin * middle[0]];
            for axis in 0..2 {
                let inner = inner(&counts[axis], points.len());
                range[axis] = inner.map(|bin| bin / per_metre - half + centre[axis]);
            }
        }
        Some(Self(ranges))
    }

    /// How many directions there are.
    pub fn directions(&self) -> usize {
        self.0.len()
    }

    /// The yaw of a direction, and the ranges along and across it.
    pub fn towards(&self, direction: usize) -> (f64, [[f64; 2]; 2]) {
        (yaw_rad(direction), self.0[direction])
    }
}

fn yaw_rad(direction: usize) -> f64 {
    std::f64::consts::FRAC_PI_2 * direction as f64 / DIRECTIONS as f64
}

/// Where, in counters and parts of one, the first and the last point lie that are not left out.
fn inner(counts: &[u32; BINS], points: usize) -> [f64; 2] {
    let left_out = (points / ONE_IN) as f64 + 0.5;
    let depth = |counts: &mut dyn Iterator<Item = &u32>| {
        let mut before = 0.0;
        for (bin, &count) in counts.enumerate() {
            let count = f64::from(count);
            if before + count >= left_out {
                return bin as f64 + (left_out - before) / count;
            }
            before += count;
        }
        BINS as f64
    };
    [depth(&mut counts.iter()), BINS as f64 - depth(&mut counts.iter().rev())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// By sorting.
    fn plainly(points: &[[f64; 2]], direction: usize) -> [[f64; 2]; 2] {
        let (sin, cos) = yaw_rad(direction).sin_cos();
        let inner = |mut values: Vec<f64>| {
            values.sort_by(f64::total_cmp);
            let cut = values.len() / ONE_IN;
            [values[cut], values[values.len() - 1 - cut]]
        };
        [
            inner(points.iter().map(|p| cos * p[0] + sin * p[1]).collect()),
            inner(points.iter().map(|p| cos * p[1] - sin * p[0]).collect()),
        ]
    }

    proptest! {
        #[test]
        fn counting_agrees_with_sorting_to_the_width_of_a_counter(
            points in prop::collection::vec(prop::array::uniform2(-0.05..0.05f64), 8..400),
            shift in prop::array::uniform2(-1.0..1.0f64),
        ) {
            let moved = points.iter().map(|p| [p[0] + shift[0], p[1] + shift[1]]);
            let points: Vec<[f64; 2]> = moved.collect();
            let reach = Reach::of(&points).unwrap();
            for direction in 0..reach.directions() {
                let (_, found) = reach.towards(direction);
                let truth = plainly(&points, direction);
                for (found, truth) in found.iter().flatten().zip(truth.iter().flatten()) {
                    prop_assert!((found - truth).abs() < 2.0 * 0.15 / BINS as f64, "{found} {truth}");
                }
            }
        }
    }

    #[test]
    fn too_few_or_broken_points_reach_nowhere() {
        assert!(Reach::of(&[[0.0; 2]; 7]).is_none());
        assert!(Reach::of(&[[f64::INFINITY, 0.0]; 9]).is_none());
        assert!(Reach::of(&[[0.3; 2]; 9]).is_some());
    }
}
