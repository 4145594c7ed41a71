use nalgebra::Point3;

use crate::distance_field::DistanceField;
use crate::kernel::SLACK_M;
use crate::lanes::{Lanes, Plain, Triple, WIDTH, dot, everywhere};
use crate::point_grid::{Grid, Rows};

/// Bins of the near field in a cell, along each axis: points are told their place by them.
const BINS_A_CELL: usize = 24;
/// Cells that one of the far field is long; its bins are cells.
const FAR: usize = 4;
/// Cells that one of the points' own is long: looking into many with no point costs more than
/// looking at more points.
const COARSE: usize = 2;

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
        let cells = Grid::around(&finite);
        let (bins, filled) = cells.bins(&finite, BINS_A_CELL);
        let near = DistanceField::new(cells.low, cells.cell_m, cells.counts, BINS_A_CELL, &bins);
        let far = cells.merged(FAR);
        let far = DistanceField::new(far.low, far.cell_m, far.counts, FAR, &filled);
        let grid = cells.merged(COARSE);
        let (points, starts) = grid.sorted(&finite);
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
        self.touches::<Plain>([centre.x, centre.y, centre.z], radius_m)
    }

    /// Distance of each place to the nearest point's ball, at least, as the coarse field tells it.
    #[inline(always)]
    pub(crate) fn far_distance<L: Lanes>(&self, at: &Triple<L>) -> L {
        self.told(self.far.squared_at_least(at))
    }

    /// The same as the near field tells it: finer, and no farther than that reaches.
    #[inline(always)]
    pub(crate) fn near_distance<L: Lanes>(&self, at: &Triple<L>) -> L {
        self.told(self.near.squared_at_least(at))
    }

    /// The same as finely as it matters: it need not be told beyond `enough`.
    #[inline(always)]
    pub(crate) fn distance<L: Lanes>(&self, at: &Triple<L>, enough: L) -> L {
        let near = self.near_distance(at);
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

    /// Whether any point's ball touches a ball. Forced inline for the kernels' instructions.
    #[inline(always)]
    pub(crate) fn touches<L: Lanes>(&self, centre: [f32; 3], radius_m: f32) -> bool {
        let touch = radius_m + self.point_radius_m;
        let squared_touch = L::splat(touch * touch);
        let at: Triple<L> = everywhere(&centre);
        let (low, high) = (centre.map(|x| x - touch), centre.map(|x| x + touch));
        let mut rows = self.rows(low, high);
        while let Some((mut first, last)) = rows.next() {
            while first < last {
                let way = self.way_to_points(first, &at);
                if dot(way, way).below(squared_touch) != 0 {
                    return true;
                }
                first += L::COUNT;
            }
        }
        false
    }

    /// Which share of its way to both sides of its centre a ball can go before it touches a point's
    /// ball, at least; nothing if it touches one for sure, at the centre or on the way.
    #[inline(always)]
    pub(crate) fn free_share<L: Lanes>(&self, ball: &MovingBall) -> Option<f32> {
        let MovingBall { centre, way, radius_m, bend_m } = *ball;
        let touch = radius_m + self.point_radius_m;
        let wide = touch + bend_m + SLACK_M;
        let narrow = (touch - bend_m - SLACK_M).max(0.0);
        let reach = [0, 1, 2].map(|i| wide + way[i].abs());
        let low = [0, 1, 2].map(|i| centre[i] - reach[i]);
        let high = [0, 1, 2].map(|i| centre[i] + reach[i]);
        let squared_way = way[0] * way[0] + way[1] * way[1] + way[2] * way[2];
        let inverse = L::splat(1.0 / squared_way.max(1e-12));
        let (at, way): (Triple<L>, Triple<L>) = (everywhere(&centre), everywhere(&way));
        let (squared_way, one) = (L::splat(squared_way), L::splat(1.0));
        let (squared_wide, squared_narrow) = (L::splat(wide * wide), L::splat(narrow * narrow));
        let squared_touch = L::splat(touch * touch);
        let mut share = one;
        let mut rows = self.rows(low, high);
        while let Some((mut first, last)) = rows.next() {
            while first < last {
                let to_points = self.way_to_points(first, &at);
                let squared = dot(to_points, to_points);
                let along = dot(to_points, way);
                // The nearest place of the straight way to each point, and how far that is.
                let foot = (along * inverse).max(L::splat(-1.0)).min(one);
                let off = foot.mul_add(foot.mul_sub(squared_way, along + along), squared);
                if off.below(squared_wide) != 0 {
                    if (off.below(squared_narrow) | squared.below(squared_touch)) != 0 {
                        return None;
                    }
                    let distance = squared.sqrt();
                    let closing = along.abs() / distance + L::splat(bend_m);
                    let free = (distance - L::splat(touch + SLACK_M)) / closing;
                    // What is beside the way sets no end to it.
                    let beside = (off - squared_wide) * L::splat(1e12);
                    share = free.max(beside).min(share);
                }
                first += L::COUNT;
            }
        }
        Some(share.least().max(0.0))
    }

    /// Ways from a place to as many points as there are lanes. The last ones may be of the next
    /// cells, or infinite.
    #[inline(always)]
    fn way_to_points<L: Lanes>(&self, first: usize, at: &Triple<L>) -> Triple<L> {
        let [x, y, z] = &self.points;
        [
            L::load_from(&x[first..]) - at[0],
            L::load_from(&y[first..]) - at[1],
            L::load_from(&z[first..]) - at[2],
        ]
    }

    /// The rows of cells along z in a box.
    #[inline(always)]
    fn rows(&self, low: [f32; 3], high: [f32; 3]) -> Rows<'_> {
        self.grid.rows(&self.starts, low, high)
    }

    /// The point nearest to `centre`, and the distance between it and the ball's surface.
    pub(crate) fn nearest(&self, centre: [f32; 3]) -> Option<([f32; 3], f32)> {
        let points = (0..self.len()).map(|k| self.points.each_ref().map(|values| values[k]));
        let of = |p: &[f32; 3]| (0..3).map(|i| (p[i] - centre[i]).powi(2)).sum::<f32>();
        let point = points.min_by(|a, b| of(a).total_cmp(&of(b)))?;
        Some((point, of(&point).sqrt() - self.point_radius_m))
    }
}

/// A ball that goes as far to both sides of its centre, on a way that is straight but for a bend.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MovingBall {
    pub(crate) centre: [f32; 3],
    /// From the centre to one end.
    pub(crate) way: [f32; 3],
    pub(crate) radius_m: f32,
    /// How far off the straight way it may come by its end.
    pub(crate) bend_m: f32,
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
        fn touching_is_told_as_by_looking_at_all_points(
            points in prop::collection::vec(prop::array::uniform3(-0.4_f32..0.4), 1..200),
            centre in prop::array::uniform3(-0.8_f32..0.8),
            radius_m in 0.0_f32..0.3,
        ) {
            let cloud = balls(&points, 0.01);
            let (_, nearest) = cloud.nearest(centre).unwrap();
            let touches = cloud.any_within(Point3::from(centre), radius_m);
            prop_assert!(touches == (nearest < radius_m) || (nearest - radius_m).abs() < 1e-5);
        }

        #[test]
        fn balls_go_as_far_as_told_and_touch_what_they_are_said_to_touch(
            points in prop::collection::vec(prop::array::uniform3(-0.4_f32..0.4), 1..60),
            centre in prop::array::uniform3(-0.5_f32..0.5),
            way in prop::array::uniform3(-0.2_f32..0.2),
            off in prop::array::uniform3(-1.0_f32..1.0),
            radius_m in 0.0_f32..0.15,
            bend_m in 0.0_f32..0.03,
        ) {
            let cloud = balls(&points, 0.01);
            // A curve that is within the bend of the straight way.
            let length = off.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-3);
            let at = |share: f32| -> [f32; 3] {
                let aside = bend_m * share * share / length;
                std::array::from_fn(|i| centre[i] + share * way[i] + aside * off[i])
            };
            let away = |share: f32| cloud.nearest(at(share)).unwrap().1 - radius_m;
            let shares = || (-100_i16..=100).map(|k| f32::from(k) * 0.01);
            match cloud.free_share::<Plain>(&MovingBall { centre, way, radius_m, bend_m }) {
                Some(free) => {
                    let way_m = way.iter().map(|x| x * x).sum::<f32>().sqrt() + bend_m;
                    prop_assert!(shares().all(|s| s.abs() > free || away(s) > -1e-5));
                    // No less than what nothing that moves so fast can bridge.
                    prop_assert!(free >= (away(0.0) / way_m.max(1e-6)).min(1.0) - 1e-3);
                }
                None => prop_assert!(shares().any(|s| away(s) < 0.02 * 0.35 + 1e-5)),
            }
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
            let both = cloud.distance(&at, Plain::splat(10.0)).least();
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
