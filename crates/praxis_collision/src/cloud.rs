use nalgebra::Point3;

/// Most cells of a grid; more points do not make it finer.
const MAX_CELLS: f32 = 120_000.0;
const LEAST_CELL_M: f32 = 0.02;
/// Steps to the nearest filled cell are counted up to this.
const MOST_STEPS: u8 = 16;
/// Points whose distances are reckoned together.
const ROW: usize = 16;

/// Points that the robot must not touch, in a grid that answers "is any within r of here?".
///
/// Each cell knows how many cells away (in the largest coordinate) the nearest filled cell is, so
/// most questions end after one look.
#[derive(Clone, Debug)]
pub struct PointCloud {
    /// Coordinates of the points, side by side, with a row of points at infinity at the end.
    points: [Vec<f32>; 3],
    /// Points of cell k stand at `starts[k]..starts[k + 1]`.
    starts: Vec<u32>,
    /// Steps from each cell to the nearest filled one, at least.
    away: Vec<u8>,
    low: [f32; 3],
    counts: [usize; 3],
    cell_m: f32,
    point_radius_m: f32,
}

impl PointCloud {
    /// Sorts points (root frame, metres) into the grid; each is a ball of `point_radius_m`.
    /// Points that are not finite are left out.
    pub fn new(points: &[Point3<f32>], point_radius_m: f32) -> Self {
        let finite: Vec<[f32; 3]> = points
            .iter()
            .filter(|p| p.iter().all(|x| x.is_finite()))
            .map(|p| [p.x, p.y, p.z])
            .collect();
        let bound = |start: f32, pick: fn(f32, f32) -> f32| -> [f32; 3] {
            std::array::from_fn(|i| finite.iter().map(|p| p[i]).fold(start, pick))
        };
        let (low, high) = if finite.is_empty() {
            ([0.0; 3], [0.0; 3])
        } else {
            (bound(f32::INFINITY, f32::min), bound(f32::NEG_INFINITY, f32::max))
        };
        let extent: [f32; 3] = std::array::from_fn(|i| (high[i] - low[i]).max(LEAST_CELL_M));
        let mut cell_m = LEAST_CELL_M;
        let count = |cell_m: f32| extent.map(|edge| (edge / cell_m).floor() + 1.0);
        while count(cell_m).iter().product::<f32>() > MAX_CELLS {
            cell_m *= 1.1;
        }
        let counts = count(cell_m).map(|n| n as usize);
        let mut cloud = Self {
            points: [0, 1, 2].map(|_| vec![f32::INFINITY; finite.len() + ROW]),
            starts: vec![0; counts.iter().product::<usize>() + 1],
            away: Vec::new(),
            low,
            counts,
            cell_m,
            point_radius_m: point_radius_m.max(0.0),
        };
        cloud.sort_in(&finite);
        cloud.away = cloud.distances();
        cloud
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.points[0].len() - ROW
    }

    /// Whether there is no point at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether any point's ball touches the ball of `radius_m` around `centre`.
    pub fn any_within(&self, centre: Point3<f32>, radius_m: f32) -> bool {
        self.clearance([centre.x, centre.y, centre.z], radius_m, 0.0) < 0.0
    }

    /// Distance between the surfaces of a ball and of the nearest point's ball, negative if they
    /// overlap; `most` if it is no less than that. Forced inline for the kernels' instructions.
    #[inline(always)]
    pub(crate) fn clearance(&self, centre: [f32; 3], radius_m: f32, most: f32) -> f32 {
        if self.is_clear(centre, radius_m + most) {
            return most;
        }
        let touch = radius_m + self.point_radius_m;
        let reach = touch + most;
        let mut best = reach * reach;
        let from = self.cell(centre.map(|x| x - reach));
        let to = self.cell(centre.map(|x| x + reach));
        for x in from[0]..=to[0] {
            for y in from[1]..=to[1] {
                // Cells along z are neighbours in memory.
                let row = (x * self.counts[1] + y) * self.counts[2];
                let first = self.starts[row + from[2]] as usize;
                let last = self.starts[row + to[2] + 1] as usize;
                best = self.least_squared(first, last, &centre, best);
            }
        }
        if best < reach * reach { best.sqrt() - touch } else { most }
    }

    /// The least squared distance of some points, if it is less than `best`. The last row may hold
    /// some of the next cells' points: they count as well.
    #[inline(always)]
    fn least_squared(&self, first: usize, last: usize, centre: &[f32; 3], mut best: f32) -> f32 {
        for first in (first..last).step_by(ROW) {
            let mut squared = [0.0; ROW];
            for (values, at) in self.points.iter().zip(centre) {
                let values = &values[first..first + ROW];
                for (sum, value) in squared.iter_mut().zip(values) {
                    *sum += (value - at) * (value - at);
                }
            }
            let mut half = ROW / 2;
            while half > 0 {
                for k in 0..half {
                    let (a, b) = (squared[k], squared[k + half]);
                    squared[k] = if a < b { a } else { b };
                }
                half /= 2;
            }
            best = if squared[0] < best { squared[0] } else { best };
        }
        best
    }

    /// A quick look: true only if no point's ball touches the ball.
    #[inline(always)]
    pub(crate) fn is_clear(&self, centre: [f32; 3], radius_m: f32) -> bool {
        if self.is_empty() {
            return true;
        }
        let nearest = self.cell(centre);
        let away = f32::from(self.away[self.index(nearest)]);
        // `centre` may lie outside the grid: then its nearest cell is where the look is taken.
        let clamped: [f32; 3] = std::array::from_fn(|i| {
            let high = self.low[i] + self.counts[i] as f32 * self.cell_m;
            centre[i].clamp(self.low[i], high)
        });
        let outside = squared(&clamped, &centre).sqrt();
        let reach = radius_m + self.point_radius_m + 1e-5;
        outside > reach || (away - 1.0) * self.cell_m - outside > reach
    }

    /// The point nearest to `centre`, and the distance between it and the ball's surface.
    pub(crate) fn nearest(&self, centre: [f32; 3]) -> Option<([f32; 3], f32)> {
        let points = (0..self.len()).map(|k| self.points.each_ref().map(|values| values[k]));
        let of = |p: &[f32; 3]| squared(p, &centre);
        let point = points.min_by(|a, b| of(a).total_cmp(&of(b)))?;
        Some((point, of(&point).sqrt() - self.point_radius_m))
    }

    fn cell(&self, at: [f32; 3]) -> [usize; 3] {
        // A cast to an unsigned number takes what is below zero to zero.
        std::array::from_fn(|i| {
            (((at[i] - self.low[i]) / self.cell_m) as usize).min(self.counts[i] - 1)
        })
    }

    fn index(&self, [x, y, z]: [usize; 3]) -> usize {
        (x * self.counts[1] + y) * self.counts[2] + z
    }

    fn sort_in(&mut self, points: &[[f32; 3]]) {
        let cells: Vec<usize> = points.iter().map(|p| self.index(self.cell(*p))).collect();
        for &cell in &cells {
            self.starts[cell + 1] += 1;
        }
        for k in 1..self.starts.len() {
            self.starts[k] += self.starts[k - 1];
        }
        let mut next = self.starts.clone();
        for (point, &cell) in points.iter().zip(&cells) {
            for (values, value) in self.points.iter_mut().zip(point) {
                values[next[cell] as usize] = *value;
            }
            next[cell] += 1;
        }
    }

    /// Steps from each cell to the nearest filled one, in the largest coordinate: what is filled
    /// grows by a cell in all directions, time and again.
    fn distances(&self) -> Vec<u8> {
        let filled = |w: &[u32]| if w[0] < w[1] { 0 } else { MOST_STEPS + 1 };
        let mut away: Vec<u8> = self.starts.windows(2).map(filled).collect();
        let [_, ny, nz] = self.counts;
        let (mut grown, mut least) = (away.clone(), away.clone());
        for _ in 0..MOST_STEPS {
            for (from, to) in away.chunks_exact(nz).zip(least.chunks_exact_mut(nz)) {
                least_of_neighbours(from, to, 1);
            }
            for (from, to) in least.chunks_exact(ny * nz).zip(grown.chunks_exact_mut(ny * nz)) {
                least_of_neighbours(from, to, nz);
            }
            least_of_neighbours(&grown, &mut least, ny * nz);
            let mut changed = false;
            for (away, least) in away.iter_mut().zip(&least) {
                changed |= least + 1 < *away;
                *away = (*away).min(least + 1);
            }
            if !changed {
                break;
            }
        }
        away
    }
}

/// For each value the least of it and those a stride before and after it.
fn least_of_neighbours(from: &[u8], to: &mut [u8], stride: usize) {
    to.copy_from_slice(from);
    if stride < from.len() {
        for (to, from) in to.iter_mut().zip(&from[stride..]) {
            *to = (*to).min(*from);
        }
        for (to, from) in to[stride..].iter_mut().zip(from) {
            *to = (*to).min(*from);
        }
    }
}

fn squared(a: &[f32; 3], b: &[f32; 3]) -> f32 {
    (0..3).map(|i| (a[i] - b[i]) * (a[i] - b[i])).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn clearances_are_those_of_looking_at_all_points(
            points in prop::collection::vec(prop::array::uniform3(-0.4_f32..0.4), 1..200),
            centre in prop::array::uniform3(-0.8_f32..0.8),
            radius_m in 0.0_f32..0.3,
            most in 0.0_f32..0.3,
        ) {
            let all: Vec<_> = points.iter().map(|p| Point3::from(*p)).collect();
            let cloud = PointCloud::new(&all, 0.01);
            let (_, nearest) = cloud.nearest(centre).unwrap();
            let found = cloud.clearance(centre, radius_m, most);
            let plain = (nearest - radius_m).min(most);
            prop_assert!((found - plain).abs() < 1e-5, "{found} {plain}");
            let touches = cloud.any_within(Point3::from(centre), radius_m);
            prop_assert!(touches == (nearest < radius_m) || (nearest - radius_m).abs() < 1e-5);
        }

        #[test]
        fn no_filled_cell_is_nearer_than_its_steps_say(
            points in prop::collection::vec(prop::array::uniform3(0.0_f32..0.9), 1..40),
        ) {
            let all: Vec<_> = points.iter().map(|p| Point3::from(*p)).collect();
            let cloud = PointCloud::new(&all, 0.0);
            let filled: Vec<[usize; 3]> = points.iter().map(|p| cloud.cell(*p)).collect();
            let [nx, ny, nz] = cloud.counts;
            for cell in (0..nx * ny * nz).step_by(7) {
                let here = [cell / (ny * nz), cell / nz % ny, cell % nz];
                let steps = |there: &[usize; 3]| {
                    (0..3).map(|i| here[i].abs_diff(there[i])).max().unwrap_or(0)
                };
                let plain = filled.iter().map(steps).min().unwrap_or(0);
                let most = usize::from(MOST_STEPS) + 1;
                prop_assert_eq!(usize::from(cloud.away[cell]), plain.min(most));
            }
        }
    }
}
