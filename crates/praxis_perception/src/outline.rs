//! Footprints as seen from above, and how far a point is from their outline.

use praxis_network::ShapeKind;

/// An outline on the support plane; metres and radians in the planning frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outline {
    /// Which of the three.
    pub shape: ShapeKind,
    /// The middle.
    pub centre_m: [f64; 2],
    /// Direction of the long side (box) or of one bar (cross); 0 for a circle.
    pub yaw_rad: f64,
    /// Box: length and width. Circle: diameter twice. Cross: span and bar width.
    pub sides_m: [f64; 2],
}

impl Outline {
    /// Signed distance to the outline, negative inside.
    ///
    /// Exact outside and on the outline; inside a cross it may be short of the true distance.
    pub fn distance_m(&self, point_m: [f64; 2]) -> f64 {
        self.placed().distance_m(point_m)
    }

    /// The outline with its turn worked out, for many points.
    pub(crate) fn placed(&self) -> Placed<'_> {
        let (sin, cos) = self.yaw_rad.sin_cos();
        Placed { outline: self, sin, cos }
    }

    /// Full extent along the outline's own x and y.
    pub fn extent_m(&self) -> [f64; 2] {
        match self.shape {
            ShapeKind::Box => self.sides_m,
            ShapeKind::Cylinder | ShapeKind::Cross => [self.sides_m[0]; 2],
        }
    }

    /// The same outline with its yaw in the range that its symmetry leaves:
    /// box (-π/2, π/2] along the longer side, cross (-π/4, π/4], circle 0.
    pub fn normalised(mut self) -> Self {
        match self.shape {
            ShapeKind::Box => {
                if self.sides_m[0] < self.sides_m[1] {
                    self.sides_m.swap(0, 1);
                    self.yaw_rad += std::f64::consts::FRAC_PI_2;
                }
                self.yaw_rad = wrapped(self.yaw_rad, std::f64::consts::PI);
            }
            ShapeKind::Cross => {
                self.yaw_rad = wrapped(self.yaw_rad, std::f64::consts::FRAC_PI_2);
            }
            ShapeKind::Cylinder => self.yaw_rad = 0.0,
        }
        self
    }
}

/// An outline whose turn has been worked out.
#[derive(Clone, Copy)]
pub(crate) struct Placed<'a> {
    outline: &'a Outline,
    sin: f64,
    cos: f64,
}

impl Placed<'_> {
    /// As [`Outline::distance_m`].
    #[inline]
    pub fn distance_m(&self, point_m: [f64; 2]) -> f64 {
        let Outline { shape, centre_m, sides_m: [a, b], .. } = *self.outline;
        let (dx, dy) = (point_m[0] - centre_m[0], point_m[1] - centre_m[1]);
        if shape == ShapeKind::Cylinder {
            return (dx * dx + dy * dy).sqrt() - 0.5 * a;
        }
        let local = [(self.cos * dx + self.sin * dy).abs(), (self.cos * dy - self.sin * dx).abs()];
        match shape {
            ShapeKind::Cross => rectangle(local, a, b).min(rectangle(local, b, a)),
            _ => rectangle(local, a, b),
        }
    }

    /// The distance, and how it changes with centre x and y, yaw and the two sides.
    #[inline]
    pub fn distance_and_slope(&self, point_m: [f64; 2]) -> (f64, [f64; 5]) {
        let Outline { shape, centre_m, sides_m: [a, b], .. } = *self.outline;
        let (dx, dy) = (point_m[0] - centre_m[0], point_m[1] - centre_m[1]);
        if shape == ShapeKind::Cylinder {
            let from_centre = (dx * dx + dy * dy).sqrt();
            let [x, y] = [dx, dy].map(|part| part / from_centre.max(1e-12));
            return (from_centre - 0.5 * a, [-x, -y, 0.0, -0.5, 0.0]);
        }
        let (x, y) = (self.cos * dx + self.sin * dy, self.cos * dy - self.sin * dx);
        let local = [x.abs(), y.abs()];
        let (mut distance, [mut along, mut across]) = rectangle_slope(local, a, b);
        let mut sides = [-0.5 * along, -0.5 * across];
        if shape == ShapeKind::Cross {
            let (other, slope) = rectangle_slope(local, b, a);
            if other < distance {
                (distance, [along, across]) = (other, slope);
                sides = [-0.5 * across, -0.5 * along];
            }
        }
        let (along, across) = (along * x.signum(), across * y.signum());
        let slope = [
            across * self.sin - along * self.cos,
            -along * self.sin - across * self.cos,
            along * y - across * x,
            sides[0],
            sides[1],
        ];
        (distance, slope)
    }
}

/// Angle within (-period/2, period/2].
pub fn wrapped(angle_rad: f64, period_rad: f64) -> f64 {
    let turns = (angle_rad / period_rad - 0.5).ceil();
    angle_rad - turns * period_rad
}

/// How a distance changes with the coordinates of a point in the outline's own quadrant; `a` and
/// `b` are the sides along x and y.
fn rectangle_slope(local: [f64; 2], a: f64, b: f64) -> (f64, [f64; 2]) {
    let (dx, dy) = (local[0] - 0.5 * a, local[1] - 0.5 * b);
    if dx > 0.0 && dy > 0.0 {
        let distance = (dx * dx + dy * dy).sqrt();
        (distance, [dx / distance, dy / distance])
    } else if dx > dy {
        (dx, [1.0, 0.0])
    } else {
        (dy, [0.0, 1.0])
    }
}

fn rectangle(local: [f64; 2], length: f64, width: f64) -> f64 {
    let (dx, dy) = (local[0] - 0.5 * length, local[1] - 0.5 * width);
    let (out_x, out_y) = (dx.max(0.0), dy.max(0.0));
    (out_x * out_x + out_y * out_y).sqrt() + dx.max(dy).min(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::f64::consts::PI;

    proptest! {
        #[test]
        fn slopes_agree_with_differences(
            shape in prop::sample::select(vec![ShapeKind::Box, ShapeKind::Cylinder, ShapeKind::Cross]),
            centre_m in prop::array::uniform2(-0.3..0.3f64), yaw_rad in -3.0..3.0f64,
            sides_m in prop::array::uniform2(0.02..0.08f64),
            off in prop::array::uniform2(-0.06..0.06f64),
        ) {
            const STEP: f64 = 1e-7;
            let outline = Outline { shape, centre_m, yaw_rad, sides_m };
            let point = [centre_m[0] + off[0], centre_m[1] + off[1]];
            let (distance, slope) = outline.placed().distance_and_slope(point);
            prop_assert!((distance - outline.distance_m(point)).abs() < 1e-12);
            for (index, slope) in slope.into_iter().enumerate() {
                let moved = |by: f64| {
                    let mut moved = outline;
                    match index {
                        0 | 1 => moved.centre_m[index] += by,
                        2 => moved.yaw_rad += by,
                        _ => moved.sides_m[index - 3] += by,
                    }
                    (moved.distance_m(point) - distance) / by
                };
                let (before, after) = (moved(-STEP), moved(STEP));
                // At a ridge the two sides differ, and either is right.
                prop_assert!(
                    (slope - before).abs() < 1e-4 || (slope - after).abs() < 1e-4,
                    "{index}: {slope}, {before} before and {after} after"
                );
            }
        }
    }

    #[test]
    fn the_arm_of_a_cross_ends_where_its_span_says() {
        let cross = Outline {
            shape: ShapeKind::Cross,
            centre_m: [0.1, 0.2],
            yaw_rad: 0.0,
            sides_m: [0.06, 0.02],
        };
        assert!((cross.distance_m([0.13, 0.2])).abs() < 1e-12);
        assert!((cross.distance_m([0.1, 0.24]) - 0.01).abs() < 1e-12);
        // The notch between two arms.
        assert!((cross.distance_m([0.12, 0.22]) - 0.01).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn normalising_changes_no_distance(
            yaw in -10.0..10.0f64, a in 0.01..0.1f64, b in 0.01..0.1f64,
            x in -0.1..0.1f64, y in -0.1..0.1f64, kind in 0usize..3,
        ) {
            let shape = [ShapeKind::Box, ShapeKind::Cylinder, ShapeKind::Cross][kind];
            let outline = Outline { shape, centre_m: [0.0; 2], yaw_rad: yaw, sides_m: [a, b] };
            let normal = outline.normalised();
            prop_assert!((outline.distance_m([x, y]) - normal.distance_m([x, y])).abs() < 1e-9);
            prop_assert!(normal.yaw_rad.abs() <= PI / 2.0 + 1e-9);
        }

        #[test]
        fn wrapping_moves_by_whole_periods(angle in -20.0..20.0f64, period in 0.5..7.0f64) {
            let inside = wrapped(angle, period);
            prop_assert!(inside.abs() <= period / 2.0 + 1e-9);
            let turns = (angle - inside) / period;
            prop_assert!((turns - turns.round()).abs() < 1e-9);
        }
    }
}
