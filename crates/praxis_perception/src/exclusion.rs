//! What belongs to the robot and is therefore neither object nor obstacle.

use nalgebra::{Point3, Vector3};
use praxis_geometry::Pose;

/// A ball in the planning frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sphere {
    /// The middle.
    pub centre: Point3<f64>,
    /// Radius in metres.
    pub radius_m: f64,
}

/// A turned box in the planning frame: a known object, or one that the robot holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KnownBox {
    /// Takes a point of the planning frame into the box's own axes.
    pub box_from_world: Pose,
    /// Half of its sides in metres.
    pub half_m: [f64; 3],
}

impl KnownBox {
    /// A box by its pose and full extents.
    pub fn new(world_from_box: &Pose, size_m: &Vector3<f64>) -> Self {
        let half_m = [0, 1, 2].map(|axis| 0.5 * size_m[axis]);
        Self { box_from_world: world_from_box.inverse(), half_m }
    }

    /// Whether a point lies in the box grown by `padding_m`.
    #[inline]
    pub fn contains(&self, point: [f32; 3], padding_m: f64) -> bool {
        let local = self.box_from_world * Point3::from(point.map(f64::from));
        (0..3).all(|axis| local[axis].abs() <= self.half_m[axis] + padding_m)
    }
}

/// The robot's body as padded spheres, and what it holds as padded boxes; empty when nobody knows
/// where it is.
///
/// It fails safe: with no spheres nothing is removed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RobotBody {
    /// x, y, z and squared radius, padding included.
    spheres: Vec<[f32; 4]>,
    held: Vec<KnownBox>,
    /// Parts of it have no known place.
    lacks_parts: bool,
    padding_m: f64,
    low: [f32; 3],
    high: [f32; 3],
    cells: Cells,
}

impl RobotBody {
    /// The body covered by `spheres`, each grown by `padding_m`; spheres that are not finite are
    /// left out.
    pub fn new(spheres: &[Sphere], padding_m: f64) -> Self {
        let mut body = Self {
            spheres: Vec::with_capacity(spheres.len()),
            padding_m,
            low: [f32::INFINITY; 3],
            high: [f32::NEG_INFINITY; 3],
            ..Self::default()
        };
        for sphere in spheres {
            let radius = (sphere.radius_m + padding_m) as f32;
            let centre = [0, 1, 2].map(|axis| sphere.centre[axis] as f32);
            if radius > 0.0 && radius.is_finite() && centre.iter().all(|c| c.is_finite()) {
                body.grow(centre, [radius; 3]);
                body.spheres.push([centre[0], centre[1], centre[2], radius * radius]);
            } else {
                body.lacks_parts = true;
            }
        }
        body.cells = Cells::over(&body.spheres, body.low, body.high);
        body
    }

    /// The body that moves from `begin` to `end` while a frame is exposed, sphere by sphere.
    ///
    /// A sphere that one of the two lacks, or that is not finite in one, is left out: nothing is
    /// removed on half a guess.
    pub fn moving(begin: &[Sphere], end: &[Sphere], padding_m: f64) -> Self {
        let swept = begin.iter().zip(end).map(|(begin, end)| {
            let way = end.centre - begin.centre;
            Sphere {
                centre: begin.centre + 0.5 * way,
                radius_m: begin.radius_m.max(end.radius_m) + 0.5 * way.norm(),
            }
        });
        Self::new(&swept.collect::<Vec<_>>(), padding_m)
    }

    /// Adds what the robot holds, grown by the body's padding.
    #[must_use]
    pub fn holding(mut self, held: &[KnownBox]) -> Self {
        for object in held {
            let finite = object.box_from_world.to_homogeneous().iter().all(|v| v.is_finite());
            if !finite || object.half_m.iter().any(|half| !half.is_finite()) {
                continue;
            }
            let reach = object.half_m.iter().map(|half| half.powi(2)).sum::<f64>().sqrt();
            let centre = object.box_from_world.inverse().translation.vector;
            let centre = [0, 1, 2].map(|axis| centre[axis] as f32);
            self.grow(centre, [(reach + 2.0 * self.padding_m) as f32; 3]);
            self.held.push(*object);
        }
        self
    }

    /// Says that there are parts whose place nobody knows.
    #[must_use]
    pub fn lacking_parts(mut self, lacks_parts: bool) -> Self {
        self.lacks_parts |= lacks_parts;
        self
    }

    /// Whether the place of every part is known.
    pub fn is_whole(&self) -> bool {
        !self.is_empty() && !self.lacks_parts
    }

    fn grow(&mut self, centre: [f32; 3], reach: [f32; 3]) {
        if self.spheres.is_empty() && self.held.is_empty() {
            (self.low, self.high) = ([f32::INFINITY; 3], [f32::NEG_INFINITY; 3]);
        }
        for axis in 0..3 {
            self.low[axis] = self.low[axis].min(centre[axis] - reach[axis]);
            self.high[axis] = self.high[axis].max(centre[axis] + reach[axis]);
        }
    }

    /// Middle and bare radius of every sphere.
    pub(crate) fn spheres(&self) -> impl Iterator<Item = (Point3<f64>, f64)> {
        let padding = self.padding_m;
        self.spheres.iter().map(move |&[x, y, z, r2]| {
            let centre = Point3::new(f64::from(x), f64::from(y), f64::from(z));
            (centre, (f64::from(r2.sqrt()) - padding).max(0.0))
        })
    }

    /// Whether there is nothing to remove.
    pub fn is_empty(&self) -> bool {
        self.spheres.is_empty() && self.held.is_empty()
    }

    /// Whether a point lies in the padded body or in what it holds.
    #[inline]
    pub fn contains(&self, point: [f32; 3]) -> bool {
        self.in_hull(point)
            && (self.nearby(point).any(|&[x, y, z, r2]| {
                let (dx, dy, dz) = (point[0] - x, point[1] - y, point[2] - z);
                dx * dx + dy * dy + dz * dz <= r2
            }) || self.holds(point))
    }

    /// How many objects it holds.
    pub fn held_count(&self) -> usize {
        self.held.len()
    }

    /// Whether a point lies in what it holds, padding included.
    pub fn holds(&self, point: [f32; 3]) -> bool {
        self.held.iter().any(|object| object.contains(point, self.padding_m))
    }

    /// Whether a point lies deeper in the bare body than `depth_m`: the robot itself is there, so
    /// nothing else can be.
    pub fn fills(&self, point: [f32; 3], depth_m: f64) -> bool {
        let shrink = (self.padding_m + depth_m) as f32;
        self.in_hull(point)
            && self.nearby(point).any(|&[x, y, z, r2]| {
                let (dx, dy, dz) = (point[0] - x, point[1] - y, point[2] - z);
                let radius = r2.sqrt() - shrink;
                radius > 0.0 && dx * dx + dy * dy + dz * dz <= radius * radius
            })
    }

    #[inline]
    fn in_hull(&self, point: [f32; 3]) -> bool {
        !self.is_empty()
            && (0..3).all(|axis| point[axis] >= self.low[axis] && point[axis] <= self.high[axis])
    }

    #[inline]
    fn nearby(&self, point: [f32; 3]) -> impl Iterator<Item = &[f32; 4]> {
        self.cells.at(point).iter().map(|&index| &self.spheres[index as usize])
    }

    /// Whether the straight line between two points passes through the body.
    pub fn blocks(&self, from: &Point3<f64>, to: &Point3<f64>) -> bool {
        let line = to - from;
        let length2 = line.norm_squared();
        self.spheres.iter().any(|&[x, y, z, r2]| {
            let centre = Point3::new(f64::from(x), f64::from(y), f64::from(z));
            let along = if length2 > 0.0 {
                ((centre - from).dot(&line) / length2).clamp(0.0, 1.0)
            } else {
                0.0
            };
            (centre - (from + line * along)).norm_squared() <= f64::from(r2)
        })
    }
}

/// Which spheres touch each cell of a coarse grid over the body, so that a point asks only a few.
#[derive(Clone, Debug, Default, PartialEq)]
struct Cells {
    low: [f32; 3],
    per_cell: f32,
    count: [usize; 3],
    /// Where each cell's list begins in `members`; one more entry than cells.
    begin: Vec<u32>,
    members: Vec<u32>,
}

impl Cells {
    /// At most so many cells along a side.
    const SIDE: f32 = 24.0;

    fn over(spheres: &[[f32; 4]], low: [f32; 3], high: [f32; 3]) -> Self {
        if spheres.is_empty() {
            return Self::default();
        }
        let longest = (0..3).map(|axis| high[axis] - low[axis]).fold(0.0, f32::max);
        let per_cell = 1.0 / (longest / Self::SIDE).max(1e-3);
        let count = [0, 1, 2].map(|axis| ((high[axis] - low[axis]) * per_cell) as usize + 1);
        let mut cells = Self { low, per_cell, count, begin: Vec::new(), members: Vec::new() };
        // Twice over all spheres: first how many a cell holds, then which.
        let total = count.iter().product::<usize>();
        let mut begin = vec![0u32; total + 1];
        for sphere in spheres {
            cells.each_touched(sphere, |cell| begin[cell + 1] += 1);
        }
        for cell in 0..total {
            begin[cell + 1] += begin[cell];
        }
        let mut next = begin.clone();
        let mut members = vec![0u32; begin[total] as usize];
        for (index, sphere) in spheres.iter().enumerate() {
            cells.each_touched(sphere, |cell| {
                members[next[cell] as usize] = index as u32;
                next[cell] += 1;
            });
        }
        (cells.begin, cells.members) = (begin, members);
        cells
    }

    fn each_touched(&self, &[x, y, z, r2]: &[f32; 4], mut visit: impl FnMut(usize)) {
        let radius = r2.sqrt();
        let centre = [x, y, z];
        let range = |axis: usize| {
            let from = (centre[axis] - radius - self.low[axis]) * self.per_cell;
            let to = (centre[axis] + radius - self.low[axis]) * self.per_cell;
            from.max(0.0) as usize..=(to as usize).min(self.count[axis] - 1)
        };
        for i in range(0) {
            for j in range(1) {
                for k in range(2) {
                    visit((i * self.count[1] + j) * self.count[2] + k);
                }
            }
        }
    }

    #[inline]
    fn at(&self, point: [f32; 3]) -> &[u32] {
        if self.members.is_empty() {
            return &[];
        }
        let mut cell = 0;
        for axis in 0..3 {
            let at = (point[axis] - self.low[axis]) * self.per_cell;
            // A point between a held object and the spheres may lie outside the grid.
            if !(at >= 0.0 && (at as usize) < self.count[axis]) {
                return &[];
            }
            cell = cell * self.count[axis] + at as usize;
        }
        &self.members[self.begin[cell] as usize..self.begin[cell + 1] as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn padding_grows_the_body() {
        let ball = Sphere { centre: Point3::new(1.0, 0.0, 0.0), radius_m: 0.1 };
        assert!(!RobotBody::new(&[ball], 0.0).contains([1.15, 0.0, 0.0]));
        assert!(RobotBody::new(&[ball], 0.1).contains([1.15, 0.0, 0.0]));
        assert!(RobotBody::new(&[ball], 0.1).fills([1.05, 0.0, 0.0], 0.02));
        assert!(!RobotBody::new(&[ball], 0.1).fills([1.09, 0.0, 0.0], 0.02));
    }

    #[test]
    fn a_ball_in_between_blocks_the_view() {
        let ball = Sphere { centre: Point3::new(0.0, 0.0, 0.5), radius_m: 0.1 };
        let body = RobotBody::new(&[ball], 0.0);
        assert!(body.blocks(&Point3::origin(), &Point3::new(0.0, 0.0, 1.0)));
        assert!(!body.blocks(&Point3::origin(), &Point3::new(0.0, 0.0, 0.3)));
        assert!(!body.blocks(&Point3::new(0.2, 0.0, 0.0), &Point3::new(0.2, 0.0, 1.0)));
    }

    #[test]
    fn without_spheres_nothing_is_removed() {
        let lost = Sphere { centre: Point3::new(f64::NAN, 0.0, 0.0), radius_m: 0.1 };
        let body = RobotBody::new(&[lost], 0.0);
        assert!(body.is_empty());
        assert!(!body.contains([0.0; 3]));
        let here = Sphere { centre: Point3::origin(), radius_m: 0.1 };
        assert!(RobotBody::moving(&[here], &[lost], 0.0).is_empty());
        assert!(!RobotBody::default().contains([0.0; 3]));
    }

    #[test]
    fn the_way_during_exposure_belongs_to_the_body() {
        let ball = |x| Sphere { centre: Point3::new(x, 0.0, 0.0), radius_m: 0.05 };
        let body = RobotBody::moving(&[ball(0.0)], &[ball(0.2)], 0.0);
        for x in [-0.04, 0.0, 0.1, 0.2, 0.24] {
            assert!(body.contains([x, 0.0, 0.0]), "{x}");
        }
        assert!(!body.contains([0.3, 0.0, 0.0]));
    }

    #[test]
    fn what_the_robot_holds_belongs_to_it() {
        let pose = Pose::translation(0.5, 0.0, 0.3);
        let held = KnownBox::new(&pose, &Vector3::new(0.04, 0.04, 0.1));
        let body = RobotBody::new(&[], 0.01).holding(&[held]);
        assert!(body.contains([0.5, 0.0, 0.355]));
        assert!(!body.contains([0.5, 0.0, 0.365]));
        assert!(!body.is_empty());
    }

    proptest! {
        #[test]
        fn the_grid_forgets_no_sphere(
            raw in prop::collection::vec((-1.0..1.0f64, -1.0..1.0f64, -1.0..1.0f64, 0.01..0.3f64), 0..40),
            asked in prop::collection::vec((-1.5..1.5f32, -1.5..1.5f32, -1.5..1.5f32), 50),
        ) {
            let spheres: Vec<Sphere> = raw
                .iter()
                .map(|&(x, y, z, radius_m)| Sphere { centre: Point3::new(x, y, z), radius_m })
                .collect();
            let body = RobotBody::new(&spheres, 0.02);
            for (x, y, z) in asked {
                let point = [x, y, z];
                let plainly = body.spheres.iter().any(|&[cx, cy, cz, r2]| {
                    (x - cx).powi(2) + (y - cy).powi(2) + (z - cz).powi(2) <= r2
                });
                prop_assert_eq!(body.contains(point), plainly);
            }
        }
    }
}
