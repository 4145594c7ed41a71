//! Nine keypoints of a box in the picture → the box's pose (perspective-n-point).

use nalgebra::{
    Matrix3, Matrix6, Point3, Rotation3, SMatrix, SVector, UnitQuaternion, Vector3, Vector6,
};
use praxis_geometry::Pose;

use crate::CameraModel;

/// A pose and how well it explains the keypoints.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoxPose {
    /// The box in the optical frame.
    pub camera_from_box: Pose,
    /// Root mean square distance between keypoints and their projections, pixels.
    pub rms_px: f64,
}

/// Middle and corners of a box with the given extents; the corners count z fastest, then y, then x,
/// from the low end of each.
pub fn box_keypoints(size_m: &Vector3<f64>) -> [Point3<f64>; 9] {
    let mut points = [Point3::origin(); 9];
    for corner in 0..8 {
        let sign = |bit: usize| if corner >> bit & 1 == 0 { -0.5 } else { 0.5 };
        let [x, y, z] = [sign(2) * size_m.x, sign(1) * size_m.y, sign(0) * size_m.z];
        points[corner + 1] = Point3::new(x, y, z);
    }
    points
}

/// The pose of a box of known size whose middle and corners are seen at `keypoints_px`.
///
/// A direct linear solution over the rays (Hartley and Zisserman, algorithm 7.1) is the start,
/// Gauss-Newton on the distances in the picture the end. None when the keypoints are not finite,
/// lie on a line, or lead behind the camera.
pub fn box_pose(
    camera: &CameraModel,
    keypoints_px: &[[f64; 2]; 9],
    size_m: &Vector3<f64>,
) -> Option<BoxPose> {
    let sound = size_m.iter().all(|side| side.is_finite() && *side > 0.0);
    if !sound || keypoints_px.iter().flatten().any(|at| !at.is_finite()) {
        return None;
    }
    let points = box_keypoints(size_m);
    let mut pose = linear_pose(camera, keypoints_px, &points)?;
    for _ in 0..12 {
        pose = refined(camera, keypoints_px, &points, &pose)?;
    }
    let rms_px = rms_px(camera, keypoints_px, &points, &pose)?;
    Some(BoxPose { camera_from_box: pose, rms_px })
}

fn linear_pose(
    camera: &CameraModel,
    keypoints_px: &[[f64; 2]; 9],
    points: &[Point3<f64>; 9],
) -> Option<Pose> {
    let longest = points.iter().map(|point| point.coords.norm()).fold(0.0, f64::max);
    let mut rows = SMatrix::<f64, 18, 12>::zeros();
    for (index, (pixel, point)) in keypoints_px.iter().zip(points).enumerate() {
        let ray = camera.ray(*pixel);
        let scaled = point.coords / longest;
        let own = [scaled.x, scaled.y, scaled.z, 1.0];
        for (column, value) in own.into_iter().enumerate() {
            rows[(2 * index, column)] = value;
            rows[(2 * index, column + 8)] = -ray.x * value;
            rows[(2 * index + 1, column + 4)] = value;
            rows[(2 * index + 1, column + 8)] = -ray.y * value;
        }
    }
    let eigen = (rows.transpose() * rows).symmetric_eigen();
    let least = eigen.eigenvectors.column(eigen.eigenvalues.imin()).into_owned();
    // The middle lies before the camera.
    let least = if least[11] < 0.0 { -least } else { least };
    let matrix = Matrix3::new(
        least[0], least[1], least[2], least[4], least[5], least[6], least[8], least[9], least[10],
    );
    let svd = matrix.svd(true, true);
    let (u, v_t) = (svd.u?, svd.v_t?);
    let scale = svd.singular_values.mean();
    if scale.is_nan() || scale <= 1e-12 {
        return None;
    }
    let mirrored = (u * v_t).determinant().signum();
    let rotation = u * Matrix3::from_diagonal(&Vector3::new(1.0, 1.0, mirrored)) * v_t;
    let shift = Vector3::new(least[3], least[7], least[11]) * (longest / scale);
    let turn = UnitQuaternion::from_rotation_matrix(&Rotation3::from_matrix_unchecked(rotation));
    let finite = shift.iter().chain(turn.coords.iter()).all(|value| value.is_finite());
    finite.then(|| Pose::from_parts(shift.into(), turn))
}

/// One step of Gauss-Newton with a little damping, over a small turn and shift before the pose.
fn refined(
    camera: &CameraModel,
    keypoints_px: &[[f64; 2]; 9],
    points: &[Point3<f64>; 9],
    pose: &Pose,
) -> Option<Pose> {
    let moved = |change: &Vector6<f64>| {
        let turn = UnitQuaternion::from_scaled_axis(change.fixed_rows::<3>(0).into_owned());
        let shift = change.fixed_rows::<3>(3).into_owned();
        let middle = pose.translation.vector;
        Pose::from_parts((middle + shift).into(), turn * pose.rotation)
    };
    const STEP: f64 = 1e-6;
    let now = offsets(camera, keypoints_px, points, pose)?;
    let mut slopes = SMatrix::<f64, 18, 6>::zeros();
    for axis in 0..6 {
        let mut change = Vector6::zeros();
        change[axis] = STEP;
        let there = offsets(camera, keypoints_px, points, &moved(&change))?;
        slopes.set_column(axis, &((there - now) / STEP));
    }
    let mut normal: Matrix6<f64> = slopes.transpose() * slopes;
    for axis in 0..6 {
        normal[(axis, axis)] *= 1.0 + 1e-6;
    }
    let change = -normal.try_inverse()? * (slopes.transpose() * now);
    let next = moved(&change);
    let finite = next.to_homogeneous().iter().all(|value| value.is_finite());
    finite.then_some(next)
}

fn offsets(
    camera: &CameraModel,
    keypoints_px: &[[f64; 2]; 9],
    points: &[Point3<f64>; 9],
    pose: &Pose,
) -> Option<SVector<f64, 18>> {
    let mut offsets = SVector::zeros();
    for (index, (pixel, point)) in keypoints_px.iter().zip(points).enumerate() {
        let seen = camera.project(&(pose * point))?;
        for axis in 0..2 {
            offsets[2 * index + axis] = seen[axis] - pixel[axis];
        }
    }
    Some(offsets)
}

fn rms_px(
    camera: &CameraModel,
    keypoints_px: &[[f64; 2]; 9],
    points: &[Point3<f64>; 9],
    pose: &Pose,
) -> Option<f64> {
    let all = offsets(camera, keypoints_px, points, pose)?;
    Some((all.norm_squared() / 9.0).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seen(camera: &CameraModel, pose: &Pose, size: &Vector3<f64>) -> [[f64; 2]; 9] {
        box_keypoints(size).map(|point| camera.project(&(pose * point)).unwrap())
    }

    proptest! {
        #[test]
        fn the_pose_of_a_seen_box_is_found(
            x in -0.2..0.2f64, y in -0.15..0.15f64, z in 0.4..2.0f64,
            axis in prop::array::uniform3(-2.0..2.0f64),
            noise in prop::array::uniform9(prop::array::uniform2(-0.5..0.5f64)),
        ) {
            let camera = CameraModel::pinhole(640, 480, 600.0).unwrap();
            let size = Vector3::new(0.08, 0.10, 0.12);
            let turn = UnitQuaternion::from_scaled_axis(Vector3::from(axis));
            let truth = Pose::from_parts(Vector3::new(x, y, z).into(), turn);
            let exact = seen(&camera, &truth, &size);
            let found = box_pose(&camera, &exact, &size).unwrap();
            let off = found.camera_from_box.translation.vector - truth.translation.vector;
            prop_assert!(off.norm() < 1e-6, "{}", off.norm());
            prop_assert!(found.camera_from_box.rotation.angle_to(&turn) < 1e-5);
            let mut noisy = exact;
            for (pixel, noise) in noisy.iter_mut().zip(noise) {
                for axis in 0..2 {
                    pixel[axis] += noise[axis];
                }
            }
            let found = box_pose(&camera, &noisy, &size).unwrap();
            let off = found.camera_from_box.translation.vector - truth.translation.vector;
            prop_assert!(found.rms_px < 1.0 && off.norm() < 0.06 * z * z.max(1.0), "{found:?}");
        }

        #[test]
        fn any_keypoints_give_a_pose_or_none(
            keypoints in prop::array::uniform9(prop::array::uniform2(
                prop_oneof![Just(f64::NAN), Just(0.0), -1e9..1e9f64, 0.0..640.0f64])),
            side in prop_oneof![Just(0.0), Just(f64::INFINITY), 0.01..1.0f64],
        ) {
            let camera = CameraModel::pinhole(640, 480, 600.0).unwrap();
            let size = Vector3::new(side, 0.1, 0.1);
            if let Some(found) = box_pose(&camera, &keypoints, &size) {
                prop_assert!(found.rms_px.is_finite());
            }
        }
    }
}
