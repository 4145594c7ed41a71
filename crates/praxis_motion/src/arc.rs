use nalgebra::{Point3, Unit, UnitQuaternion};
use praxis_geometry::Pose;

use crate::error::MotionError;

/// Three points nearer to a line than this share of their distance lie on it.
const STRAIGHT: f64 = 1e-6;

/// Poses along the circle from `start` through `via` to `end`, no farther apart than `max_step_m`,
/// the last one `end`: waypoints for a [`CartesianRequest`](crate::CartesianRequest). The rotation
/// goes evenly from that of the start to that of the end.
pub fn arc(
    start: &Pose,
    via: &Point3<f64>,
    end: &Pose,
    max_step_m: f64,
) -> Result<Vec<Pose>, MotionError> {
    let bad = |reason: String| Err(MotionError::BadRequest { reason });
    if !(max_step_m.is_finite() && max_step_m > 0.0) {
        return bad(format!("an arc needs steps longer than zero, got {max_step_m} m"));
    }
    let [a, b, c] = [start.translation.vector, via.coords, end.translation.vector];
    let (to_via, to_end) = (b - a, c - a);
    let normal = to_via.cross(&to_end);
    let apart = to_via.norm().max(to_end.norm());
    if !apart.is_finite() || normal.norm() <= STRAIGHT * apart * apart {
        return bad(format!(
            "no circle leads from {:?} through {:?} to {:?}: they lie on a line",
            a.as_slice(),
            b.as_slice(),
            c.as_slice()
        ));
    }
    // The centre is as far from all three.
    let weighted = to_via.norm_squared() * to_end - to_end.norm_squared() * to_via;
    let centre = a + normal.cross(&weighted) / (-2.0 * normal.norm_squared());
    let axis = Unit::new_normalize(normal);
    let spoke = a - centre;
    // Through `via` the way round is the one in which the three points follow each other.
    let last = c - centre;
    let mut angle = spoke.cross(&last).dot(&axis).atan2(spoke.dot(&last));
    if angle <= 0.0 {
        angle += std::f64::consts::TAU;
    }
    let steps = (angle * spoke.norm() / max_step_m).ceil().max(1.0) as usize;
    let turn = (start.rotation.inverse() * end.rotation).scaled_axis();
    let mut poses: Vec<Pose> = (1..=steps)
        .map(|step| {
            let share = step as f64 / steps as f64;
            let around = UnitQuaternion::from_axis_angle(&axis, share * angle);
            let rotation = start.rotation * UnitQuaternion::from_scaled_axis(turn * share);
            Pose::from_parts((centre + around * spoke).into(), rotation)
        })
        .collect();
    if let Some(pose) = poses.last_mut() {
        *pose = *end;
    }
    Ok(poses)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::Vector3;
    use proptest::prelude::*;

    #[test]
    fn three_quarters_of_a_circle_go_the_long_way_round() {
        let start = Pose::translation(1.0, 0.0, 0.5);
        let end = Pose::translation(0.0, -1.0, 0.5);
        let poses = arc(&start, &Point3::new(-1.0, 0.0, 0.5), &end, 0.01).unwrap();
        assert_eq!(poses.len(), (0.75 * std::f64::consts::TAU / 0.01).ceil() as usize);
        let index = poses.len() / 3 - 1;
        let turn = 0.75 * std::f64::consts::TAU * (index + 1) as f64 / poses.len() as f64;
        let there = poses[index].translation.vector;
        let expected = Vector3::new(turn.cos(), turn.sin(), 0.5);
        assert!((there - expected).norm() < 1e-9, "{there} {expected}");
    }

    #[test]
    fn points_on_a_line_are_refused() {
        let (start, end) = (Pose::identity(), Pose::translation(1.0, 1.0, 0.0));
        assert!(arc(&start, &Point3::new(0.5, 0.5, 0.0), &end, 0.01).is_err());
        assert!(arc(&start, &Point3::new(0.5, 0.0, 0.0), &end, 0.0).is_err());
    }

    proptest! {
        #[test]
        fn every_pose_is_on_the_circle_and_via_lies_between(p in prop::array::uniform9(-1.0..1.0)) {
            let [a, b, c] = [0, 3, 6].map(|k| Vector3::new(p[k], p[k + 1], p[k + 2]));
            let start = Pose::translation(a.x, a.y, a.z);
            let turned = UnitQuaternion::from_scaled_axis(b);
            let end = Pose::from_parts(c.into(), turned);
            let Ok(poses) = arc(&start, &Point3::from(b), &end, 0.01) else { return Ok(()) };
            // The circle of all three: each triangle of its points has the same radius.
            let radius = |p: Vector3<f64>, q: Vector3<f64>, r: Vector3<f64>| {
                (p - q).norm() * (q - r).norm() * (r - p).norm() / (2.0 * (q - p).cross(&(r - p)).norm())
            };
            let expected = radius(a, b, c);
            prop_assume!(expected < 20.0);
            let middle = poses[poses.len() / 2].translation.vector;
            prop_assert!((radius(a, middle, c) - expected).abs() < 1e-3 * expected || poses.len() < 8);
            let nearest = poses.iter().map(|pose| (pose.translation.vector - b).norm());
            prop_assert!(nearest.fold((a - b).norm(), f64::min) <= 0.0051);
            prop_assert_eq!(poses[poses.len() - 1], end);
            let mut before = start;
            for pose in &poses {
                prop_assert!((pose.translation.vector - before.translation.vector).norm() <= 0.01 + 1e-9);
                before = *pose;
            }
        }
    }
}
