use nalgebra::Point3;

use crate::distance_field::DistanceField;
use crate::kernel::SLACK_M;
use crate::lanes::{Lanes, Plain, Triple, WIDTH};

/// Most cells of the grid; more points do not make it finer.
const MAX_CELLS: f32 = 120_000.0;
const LEAST_CELL_M: f32 = 0.02;
/// Bins of the near field in a cell, along each axis.
const BINS_A_CELL: usize = 4;
/// Cells that one of the far field is long; its bins are cells.
const FAR: usize = 4;

/// Points that the robot must not touch, in a grid that answers "is any within r of here?".
///
/// Two fields of distances, a near one and a coarse one that reaches far, answer most questions with
/// a few looks for all lanes together; only what they leave open is held against points.
#[derive(Clone, Debug)]
pub struct PointCloud {
    /// Coordinates of the points, side by side, with a row of points at infinity at the end.
    points: [Vec<f32>; 3],
    /// Points of cell k stand at `starts[k]..starts[k + 1]`.
    starts: Vec<u32>,
    grid: Grid,
    point_radius_m: f32,
    near: DistanceField,
    far: DistanceField,
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
        let grid = Grid::around(&finite);
        let (points, starts) = grid.sorted(&finite);
        let [nx, ny, nz] = grid.counts;
        let fine = grid.cut(BINS_A_CELL);
        let bins: Vec<[u32; 3]> = (0..finite.len())
            .map(|k| fine.cell([points[0][k], points[1][k], points[2][k]]).map(|n| n as u32))
            .collect();
        let near = DistanceField::new(grid.low, grid.cell_m, grid.counts, BINS_A_CELL, &bins);
        let filled: Vec<[u32; 3]> = (0..nx * ny * nz)
            .filter(|&cell| starts[cell] < starts[cell + 1])
            .map(|cell| [cell / (ny * nz), cell / nz % ny, cell % nz].map(|n| n as u32))
            .collect();
        let far_counts = grid.counts.map(|count| count.div_ceil(FAR));
        let far = DistanceField::new(grid.low, FAR as f32 * grid.cell_m, far_counts, FAR, &filled);
        Self { points, starts, grid, point_radius_m: point_radius_m.max(0.0), near, far }
    }

    /// The same points as balls of another radius, without sorting them anew.
    #[must_use]
    pub fn with_point_radius(&self, point_radius_m: f32) -> Self {
        Self { point_radius_m: point_radius_m.max(0.0), ..self.clone() }
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.points[0].len() - WIDTH
    }

    /// Whether there is no point at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether any point's ball touches the ball of `radius_m` around `centre`.
    pub fn any_within(&self, centre: Point3<f32>, radius_m: f32) -> bool {
        self.clearance::<Plain>([centre.x, centre.y, centre.z], radius_m, 0.0) < 0.0
    }

    /// Distance of each place to the nearest point's ball, at least, as the coarse field tells it.
    #[inline(always)]
    pub(crate) fn far_distance<L: Lanes>(&self, at: &Triple<L>) -> L {
        self.told(self.far.squared_at_least(at))
    }

    /// Distance of each place to the nearest point's ball, at least. It need not be told beyond
    /// `enough`.
    #[inline(always)]
    pub(crate) fn near_distance<L: Lanes>(&self, at: &Triple<L>, enough: L) -> L {
        let near = self.told(self.near.squared_at_least(at));
        if enough.greatest() + self.point_radius_m < self.near.most_m()
            || enough.below(near) == L::ALL
        {
            return near;
        }
        near.max(self.far_distance(at))
    }

    #[inline(always)]
    fn told<L: Lanes>(&self, squared: L) -> L {
        squared.max(L::splat(0.0)).sqrt() - L::splat(self.point_radius_m + SLACK_M)
    }

    /// Distance between the surfaces of a ball and of the nearest point's ball, `most` if it is no
    /// less than that. If they overlap it is below zero and no more than that: another point may lie
    /// deeper. Forced inline for the kernels' instructions.
    #[inline(always)]
    pub(crate) fn clearance<L: Lanes>(&self, centre: [f32; 3], radius_m: f32, most: f32) -> f32 {
        let grid = &self.grid;
        let touch = radius_m + self.point_radius_m;
        let reach = touch + most;
        let (reach_squared, touch_squared) = (reach * reach, L::splat(touch * touch));
        let from = grid.cell([centre[0] - reach, centre[1] - reach, centre[2] - reach]);
        let to = grid.cell([centre[0] + reach, centre[1] + reach, centre[2] + reach]);
        let at = [L::splat(centre[0]), L::splat(centre[1]), L::splat(centre[2])];
        let mut best = L::splat(reach_squared);
        for x in from[0]..=to[0] {
            let off_x = grid.off(0, x, centre[0]);
            for y in from[1]..=to[1] {
                let off_y = grid.off(1, y, centre[1]);
                if off_x * off_x + off_y * off_y > reach_squared {
                    continue;
                }
                // Cells along z are neighbours in memory.
                let row = (x * grid.counts[1] + y) * grid.counts[2];
                let first = self.starts[row + from[2]] as usize;
                let last = self.starts[row + to[2] + 1] as usize;
                best = best.min(self.least_squared(first, last, &at, best));
            }
            if best.below(touch_squared) != 0 {
                break;
            }
        }
        let best = best.least();
        if best < reach_squared { best.sqrt() - touch } else { most }
    }

    /// The least squared distances of some points, if less than `best`. The last row may hold some
    /// of the next cells' points: they count as well.
    #[inline(always)]
    fn least_squared<L: Lanes>(&self, first: usize, last: usize, at: &Triple<L>, mut best: L) -> L {
        let mut first = first;
        while first < last {
            let x = L::load_from(&self.points[0][first..]) - at[0];
            let y = L::load_from(&self.points[1][first..]) - at[1];
            let z = L::load_from(&self.points[2][first..]) - at[2];
            best = best.min(x.mul_add(x, y.mul_add(y, z * z)));
            first += L::COUNT;
        }
        best
    }

    /// The point nearest to `centre`, and the distance between it and the ball's surface.
    pub(crate) fn nearest(&self, centre: [f32; 3]) -> Option<([f32; 3], f32)> {
        let points = (0..self.len()).map(|k| self.points.each_ref().map(|values| values[k]));
        let of = |p: &[f32; 3]| (0..3).map(|i| (p[i] - centre[i]).powi(2)).sum::<f32>();
        let point = points.min_by(|a, b| of(a).total_cmp(&of(b)))?;
        Some((point, of(&point).sqrt() - self.point_radius_m))
    }
}

/// Equal cells, side by side.
#[derive(Clone, Copy, Debug)]
struct Grid {
    low: [f32; 3],
    cell_m: f32,
    /// Cells in a metre.
    per_m: f32,
    counts: [usize; 3],
}

impl Grid {
    /// Cells around all points, as small as allowed.
    fn around(points: &[[f32; 3]]) -> Self {
        let bound = |start: f32, pick: fn(f32, f32) -> f32| -> [f32; 3] {
            std::array::from_fn(|i| points.iter().map(|p| p[i]).fold(start, pick))
        };
        let (low, high) = if points.is_empty() {
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
        Self { low, cell_m, per_m: 1.0 / cell_m, counts: count(cell_m).map(|n| n as usize) }
    }

    /// Each cell cut into so many along each axis.
    fn cut(&self, parts: usize) -> Self {
        Self {
            low: self.low,
            cell_m: self.cell_m / parts as f32,
            per_m: self.per_m * parts as f32,
            counts: self.counts.map(|count| count * parts),
        }
    }

    #[inline(always)]
    fn cell(&self, at: [f32; 3]) -> [usize; 3] {
        // A cast to an unsigned number takes what is below zero to zero.
        let along =
            |i: usize| (((at[i] - self.low[i]) * self.per_m) as usize).min(self.counts[i] - 1);
        [along(0), along(1), along(2)]
    }

    /// How far a coordinate is off a cell along an axis, at least. What stands in the last cells
    /// for lack of others is no nearer.
    #[inline(always)]
    fn off(&self, axis: usize, cell: usize, at: f32) -> f32 {
        let low = self.low[axis] + cell as f32 * self.cell_m;
        (low - at).max(at - low - self.cell_m).max(SLACK_M) - SLACK_M
    }

    /// Coordinates of the points, cell by cell, and where each cell's begin.
    fn sorted(&self, points: &[[f32; 3]]) -> ([Vec<f32>; 3], Vec<u32>) {
        let [_, ny, nz] = self.counts;
        let index = |p: &[f32; 3]| {
            let [x, y, z] = self.cell(*p);
            (x * ny + y) * nz + z
        };
        let cells: Vec<usize> = points.iter().map(index).collect();
        let mut starts = vec![0_u32; self.counts.iter().product::<usize>() + 1];
        for &cell in &cells {
            starts[cell + 1] += 1;
        }
        for k in 1..starts.len() {
            starts[k] += starts[k - 1];
        }
        let mut sorted = [0, 1, 2].map(|_| vec![f32::INFINITY; points.len() + WIDTH]);
        let mut next = starts.clone();
        for (point, &cell) in points.iter().zip(&cells) {
            for (values, value) in sorted.iter_mut().zip(point) {
                values[next[cell] as usize] = *value;
            }
            next[cell] += 1;
        }
        (sorted, starts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn balls(points: &[[f32; 3]], point_radius_m: f32) -> PointCloud {
        let points: Vec<_> = points.iter().map(|p| Point3::from(*p)).collect();
        PointCloud::new(&points, point_radius_m)
    }

    proptest! {
        #[test]
        fn clearances_are_those_of_looking_at_all_points(
            points in prop::collection::vec(prop::array::uniform3(-0.4_f32..0.4), 1..200),
            centre in prop::array::uniform3(-0.8_f32..0.8),
            radius_m in 0.0_f32..0.3,
            most in 0.0_f32..0.3,
        ) {
            let cloud = balls(&points, 0.01);
            let (_, nearest) = cloud.nearest(centre).unwrap();
            let found = cloud.clearance::<Plain>(centre, radius_m, most);
            let plain = (nearest - radius_m).min(most);
            if found < 0.0 {
                prop_assert!(plain <= found + 1e-5, "{found} {plain}");
            } else {
                prop_assert!((found - plain).abs() < 1e-5, "{found} {plain}");
            }
            let touches = cloud.any_within(Point3::from(centre), radius_m);
            prop_assert!(touches == (nearest < radius_m) || (nearest - radius_m).abs() < 1e-5);
        }

        #[test]
        fn fields_tell_no_distance_beyond_that_of_the_nearest_point(
            points in prop::collection::vec(prop::array::uniform3(-0.9_f32..0.9), 1..80),
            centre in prop::array::uniform3(-1.5_f32..1.5),
        ) {
            let cloud = balls(&points, 0.01);
            let (_, nearest) = cloud.nearest(centre).unwrap();
            let at = centre.map(Plain::splat);
            let far = cloud.far_distance(&at).least();
            let both = cloud.near_distance(&at, Plain::splat(10.0)).least();
            prop_assert!(far <= nearest + 1e-6 && far <= both, "{far} {both} {nearest}");
            prop_assert!(both <= nearest + 1e-6, "{both} {nearest}");
        }
    }

    #[test]
    fn no_points_touch_nothing() {
        let cloud = balls(&[[f32::NAN, 0.0, 0.0], [0.0, f32::INFINITY, 0.0]], 0.01);
        assert!(cloud.is_empty());
        assert!(!cloud.any_within(Point3::origin(), 10.0));
    }
}
