//! Corners in the picture → where the board was before the camera.

use nalgebra::{Matrix3, Point3, Rotation3, SMatrix, UnitQuaternion, Vector3, Vector6};
use praxis_geometry::Pose;
use praxis_perception::CameraModel;

use crate::Checkerboard;

/// A board's pose and how well it explains the corners.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoardPose {
    /// The board in the optical frame.
    pub camera_from_board: Pose,
    /// Root mean square distance between corners and their projections, pixels.
    pub rms_px: f64,
}

/// Where the board was; none when the corners are not those of a board before the camera.
///
/// A homography over the rays (Zhang, 2000, section 3.1) is the start, Gauss-Newton on the distances
/// in the picture the end.
pub fn board_pose(
    camera: &CameraModel,
    board: &Checkerboard,
    corners_px: &[[f64; 2]],
) -> Option<BoardPose> {
    let finite = corners_px.iter().flatten().all(|at| at.is_finite());
    if corners_px.len() != board.corners() || !finite {
        return None;
    }
    let points: Vec<Point3<f64>> = board.points().collect();
    let mut pose = linear_pose(camera, corners_px, &points)?;
    for _ in 0..10 {
        pose = refined(camera, corners_px, &points, &pose)?;
    }
    let squares: Option<f64> = points
        .iter()
        .zip(corners_px)
        .map(|(point, pixel)| offset(camera, &pose, point, pixel).map(|[x, y]| x * x + y * y))
        .sum();
    let rms_px = (squares? / points.len() as f64).sqrt();
    Some(BoardPose { camera_from_board: pose, rms_px })
}

fn linear_pose(
    camera: &CameraModel,
    corners_px: &[[f64; 2]],
    points: &[Point3<f64>],
) -> Option<Pose> {
    let longest = points.iter().map(|point| point.coords.norm()).fold(0.0, f64::max);
    let mut normal = SMatrix::<f64, 9, 9>::zeros();
    for (point, pixel) in points.iter().zip(corners_px) {
        let ray = camera.ray(*pixel);
        let (x, y) = (point.x / longest, point.y / longest);
        for (rows, seen) in [(0, ray.x), (3, ray.y)] {
            let mut row = SMatrix::<f64, 9, 1>::zeros();
            for (column, value) in [x, y, 1.0].into_iter().enumerate() {
                row[rows + column] = value;
                row[6 + column] = -seen * value;
            }
            normal += row * row.transpose();
        }
    }
    let eigen = normal.symmetric_eigen();
    let least = eigen.eigenvectors.column(eigen.eigenvalues.imin()).into_owned();
    // The first corner lies before the camera.
    let least = if least[8] < 0.0 { -least } else { least };
    let column = |at: usize| Vector3::new(least[at], least[at + 3], least[at + 6]);
    let scale = 0.5 * (column(0).norm() + column(1).norm());
    if scale.is_nan() || scale <= 1e-12 {
        return None;
    }
    let (x, y) = (column(0) / scale, column(1) / scale);
    let svd = Matrix3::from_columns(&[x, y, x.cross(&y)]).svd(true, true);
    let rotation = svd.u? * svd.v_t?;
    let turn = UnitQuaternion::from_rotation_matrix(&Rotation3::from_matrix_unchecked(rotation));
    let shift = column(2) * (longest / scale);
    let finite = shift.iter().chain(turn.coords.iter()).all(|value| value.is_finite());
    finite.then(|| Pose::from_parts(shift.into(), turn))
}

fn refined(
    camera: &CameraModel,
    corners_px: &[[f64; 2]],
    points: &[Point3<f64>],
    pose: &Pose,
) -> Option<Pose> {
    const STEP: f64 = 1e-6;
    let shifted = std::array::from_fn::<Pose, 6, _>(|axis| {
        let mut change = Vector6::zeros();
        change[axis] = STEP;
        moved(pose, &change)
    });
    let (mut normal, mut gradient) = (SMatrix::<f64, 6, 6>::zeros(), Vector6::zeros());
    for (point, pixel) in points.iter().zip(corners_px) {
        let now = offset(camera, pose, point, pixel)?;
        let mut slopes = [Vector6::zeros(); 2];
        for (axis, shifted) in shifted.iter().enumerate() {
            let there = offset(camera, shifted, point, pixel)?;
            for (slope, (there, now)) in slopes.iter_mut().zip(there.iter().zip(&now)) {
                slope[axis] = (there - now) / STEP;
            }
        }
        for (slope, now) in slopes.iter().zip(now) {
            normal += slope * slope.transpose();
            gradient += slope * now;
        }
    }
    for axis in 0..6 {
        normal[(axis, axis)] *= 1.0 + 1e-6;
    }
    let next = moved(pose, &-normal.cholesky()?.solve(&gradient));
    next.to_homogeneous().iter().all(|value| value.is_finite()).then_some(next)
}

/// A pose after a small turn about its own middle (first three) and a shift (last three).
pub(crate) fn moved(pose: &Pose, change: &Vector6<f64>) -> Pose {
    let turn = UnitQuaternion::from_scaled_axis(change.fixed_rows::<3>(0).into_owned());
    let shift = change.fixed_rows::<3>(3).into_owned();
    Pose::from_parts((pose.translation.vector + shift).into(), turn * pose.rotation)
}

/// From where a point is seen to where its projection lies; none behind the camera.
pub(crate) fn offset(
    camera: &CameraModel,
    camera_from_board: &Pose,
    point: &Point3<f64>,
    pixel: &[f64; 2],
) -> Option<[f64; 2]> {
    let seen = camera.project(&(camera_from_board * point))?;
    Some([seen[0] - pixel[0], seen[1] - pixel[1]])
}
