use nalgebra::{Point2, Vector2};

/// Corner points of a convex outline seen from above, counter-clockwise.
pub(crate) struct Footprint(Vec<Point2<f64>>);

impl Footprint {
    pub(crate) fn rectangle(centre: Point2<f64>, size_m: Vector2<f64>, yaw_rad: f64) -> Self {
        let turn = nalgebra::Rotation2::new(yaw_rad);
        let half = 0.5 * size_m;
        let corners = [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)];
        Self(corners.map(|(x, y)| centre + turn * Vector2::new(x * half.x, y * half.y)).to_vec())
    }

    /// Smallest distance between two outlines that do not overlap; 0 if they do.
    pub(crate) fn distance_m(&self, other: &Self) -> f64 {
        if self.contains(&other.0[0]) || other.contains(&self.0[0]) {
            return 0.0;
        }
        let mut nearest_m = f64::INFINITY;
        for (a, b) in self.edges() {
            for (c, d) in other.edges() {
                if segments_cross(a, b, c, d) {
                    return 0.0;
                }
                nearest_m =
                    nearest_m.min(point_to_segment_m(a, c, d)).min(point_to_segment_m(c, a, b));
            }
        }
        nearest_m
    }

    fn edges(&self) -> impl Iterator<Item = (&Point2<f64>, &Point2<f64>)> {
        self.0.iter().zip(self.0.iter().cycle().skip(1))
    }

    fn contains(&self, point: &Point2<f64>) -> bool {
        self.edges().all(|(a, b)| side(a, b, point) >= 0.0)
    }
}

fn side(a: &Point2<f64>, b: &Point2<f64>, point: &Point2<f64>) -> f64 {
    (b - a).perp(&(point - a))
}

fn segments_cross(a: &Point2<f64>, b: &Point2<f64>, c: &Point2<f64>, d: &Point2<f64>) -> bool {
    side(a, b, c) * side(a, b, d) < 0.0 && side(c, d, a) * side(c, d, b) < 0.0
}

fn point_to_segment_m(point: &Point2<f64>, a: &Point2<f64>, b: &Point2<f64>) -> f64 {
    let along = b - a;
    let t = ((point - a).dot(&along) / along.norm_squared().max(1e-18)).clamp(0.0, 1.0);
    (point - (a + t * along)).norm()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_side_by_side_are_as_far_apart_as_their_faces() {
        let a = Footprint::rectangle(Point2::new(0.0, 0.0), Vector2::new(1.0, 1.0), 0.0);
        let b = Footprint::rectangle(Point2::new(2.0, 0.3), Vector2::new(1.0, 1.0), 0.0);
        assert!((a.distance_m(&b) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_square_inside_another_has_no_distance() {
        let a = Footprint::rectangle(Point2::new(0.0, 0.0), Vector2::new(1.0, 1.0), 0.0);
        let b = Footprint::rectangle(Point2::new(0.1, 0.0), Vector2::new(0.2, 0.2), 0.5);
        assert_eq!(a.distance_m(&b), 0.0);
    }

    #[test]
    fn a_plus_of_two_bars_crosses_without_a_corner_inside() {
        let a = Footprint::rectangle(Point2::new(0.0, 0.0), Vector2::new(3.0, 1.0), 0.0);
        let b = Footprint::rectangle(Point2::new(0.0, 0.0), Vector2::new(1.0, 3.0), 0.0);
        assert_eq!(a.distance_m(&b), 0.0);
    }
}
