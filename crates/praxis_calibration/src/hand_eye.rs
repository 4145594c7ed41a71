//! Robot poses and board poses → where the camera is mounted.

use nalgebra::{DMatrix, DVector, Matrix3, Rotation3, UnitQuaternion, Vector3, Vector6};
use praxis_geometry::Pose;
use praxis_perception::CameraModel;

use crate::board_pose::{moved, offset};
use crate::{CalibrationError, Checkerboard, board_pose};

/// The board in one picture, and where the robot was then.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// Camera on the hand: the hand in the base. Camera beside the robot: the base in the hand, for
    /// the board is held then.
    pub carrier_pose: Pose,
    /// Every corner, as [`crate::find_corners`] tells them.
    pub corners_px: Vec<[f64; 2]>,
}

/// Where the camera and the board are.
#[derive(Clone, Debug, PartialEq)]
pub struct HandEye {
    /// The optical frame in the hand (camera on the hand) or in the base (camera beside the robot).
    pub mount_from_camera: Pose,
    /// The board in the base (camera on the hand) or in the hand (camera beside the robot).
    pub far_from_board: Pose,
    /// Root mean square distance between all corners and their projections, pixels.
    pub rms_px: f64,
    /// The same for each view; one that stands out has a wrong robot pose or a moved board.
    pub view_rms_px: Vec<f64>,
    /// Standard deviation of the camera's place by the corners' scatter, metres along its axes.
    pub position_sigma_m: Vector3<f64>,
    /// Standard deviation of its turn, radians about its axes.
    pub rotation_sigma_rad: Vector3<f64>,
}

const LEAST_VIEWS: usize = 3;
/// The hand must turn by so much between two views.
const LEAST_TURN_DEG: f64 = 10.0;
/// The axes of the turns must spread by so much.
const LEAST_SPREAD_DEG: f64 = 10.0;

/// Where the camera is mounted.
///
/// The equations `A X = X B` between pairs of views are solved as Park and Martin (1994) do, turns
/// first; then camera and board are moved together until the corners lie where they project
/// (Levenberg-Marquardt on pixels).
///
/// # Errors
/// When there are too few views or the hand's turns cannot tell.
pub fn hand_eye(
    camera: &CameraModel,
    board: &Checkerboard,
    views: &[View],
) -> Result<HandEye, CalibrationError> {
    let finite =
        |view: &View| view.carrier_pose.to_homogeneous().iter().all(|value| value.is_finite());
    let placed: Vec<(&View, Pose)> = views
        .iter()
        .filter(|view| finite(view))
        .filter_map(|view| {
            let seen = board_pose(camera, board, &view.corners_px)?;
            Some((view, seen.camera_from_board))
        })
        .collect();
    if placed.len() < LEAST_VIEWS {
        return Err(CalibrationError::TooFewViews { found: placed.len(), needed: LEAST_VIEWS });
    }
    let mount_from_camera = park_martin(&placed)?;
    let far_from_board = mean_board(&placed, &mount_from_camera);
    let problem = Problem { camera, board, views: placed.iter().map(|(view, _)| *view).collect() };
    problem.solved(mount_from_camera, far_from_board).ok_or(CalibrationError::NoSolution)
}

/// Turns about the axes of both, one pair of views each.
struct Pair {
    carrier: Pose,
    board: Pose,
}

fn park_martin(placed: &[(&View, Pose)]) -> Result<Pose, CalibrationError> {
    let mut pairs = Vec::new();
    for (index, (first, first_board)) in placed.iter().enumerate() {
        for (second, second_board) in &placed[index + 1..] {
            pairs.push(Pair {
                carrier: first.carrier_pose.inverse() * second.carrier_pose,
                board: first_board * second_board.inverse(),
            });
        }
    }
    check_turns(&pairs)?;
    let mut correlation = Matrix3::zeros();
    for pair in &pairs {
        let (a, b) = (pair.carrier.rotation.scaled_axis(), pair.board.rotation.scaled_axis());
        correlation += a * b.transpose();
    }
    let svd = correlation.svd(true, true);
    let (Some(u), Some(v_t)) = (svd.u, svd.v_t) else { return Err(CalibrationError::NoSolution) };
    let mirrored = (u * v_t).determinant().signum();
    let rotation = u * Matrix3::from_diagonal(&Vector3::new(1.0, 1.0, mirrored)) * v_t;
    // (R_a - 1) t = R t_b - t_a over all pairs.
    let (mut normal, mut right) = (Matrix3::zeros(), Vector3::zeros());
    for pair in &pairs {
        let left = pair.carrier.rotation.to_rotation_matrix().into_inner() - Matrix3::identity();
        let wanted = rotation * pair.board.translation.vector - pair.carrier.translation.vector;
        normal += left.transpose() * left;
        right += left.transpose() * wanted;
    }
    let shift = normal.cholesky().ok_or(CalibrationError::NoSolution)?.solve(&right);
    let turn = UnitQuaternion::from_rotation_matrix(&Rotation3::from_matrix_unchecked(rotation));
    Ok(Pose::from_parts(shift.into(), turn))
}

/// Refuses motions from which the camera's place does not follow.
fn check_turns(pairs: &[Pair]) -> Result<(), CalibrationError> {
    let turns = || pairs.iter().map(|pair| pair.carrier.rotation.scaled_axis());
    let largest = turns().map(|turn| turn.norm()).fold(0.0, f64::max).to_degrees();
    if largest < LEAST_TURN_DEG {
        let (found_deg, needed_deg) = (largest, LEAST_TURN_DEG);
        return Err(CalibrationError::LittleRotation { found_deg, needed_deg });
    }
    // Axes of turns that are large enough to have one, along the direction that most share.
    let axes = || turns().filter(|turn| turn.norm().to_degrees() > 0.3 * LEAST_TURN_DEG);
    let scatter: Matrix3<f64> = axes().map(|turn| turn * turn.transpose()).sum();
    let eigen = scatter.symmetric_eigen();
    let main = eigen.eigenvectors.column(eigen.eigenvalues.imax()).into_owned();
    let spread = axes()
        .map(|turn| (turn.cross(&main).norm() / turn.norm()).clamp(0.0, 1.0).asin())
        .fold(0.0, f64::max)
        .to_degrees();
    if spread < LEAST_SPREAD_DEG {
        let (found_deg, needed_deg) = (spread, LEAST_SPREAD_DEG);
        return Err(CalibrationError::ParallelAxes { found_deg, needed_deg });
    }
    Ok(())
}

/// Where the views together say that the board is.
fn mean_board(placed: &[(&View, Pose)], mount_from_camera: &Pose) -> Pose {
    let each: Vec<Pose> =
        placed.iter().map(|(view, board)| view.carrier_pose * mount_from_camera * board).collect();
    let count = each.len() as f64;
    let middle = each.iter().map(|pose| pose.translation.vector).sum::<Vector3<f64>>() / count;
    // They are close together: the first one's turn and the mean of what the others differ.
    let first = each[0].rotation;
    let differ: Vector3<f64> =
        each.iter().map(|pose| (pose.rotation * first.inverse()).scaled_axis()).sum();
    Pose::from_parts(middle.into(), UnitQuaternion::from_scaled_axis(differ / count) * first)
}

struct Problem<'a> {
    camera: &'a CameraModel,
    board: &'a Checkerboard,
    views: Vec<&'a View>,
}

impl Problem<'_> {
    /// Pixels between projections and corners, view by view; none when a corner lies behind.
    fn offsets(&self, mount_from_camera: &Pose, far_from_board: &Pose) -> Option<DVector<f64>> {
        let camera_from_mount = mount_from_camera.inverse();
        let mut all = Vec::with_capacity(2 * self.views.len() * self.board.corners());
        for view in &self.views {
            let camera_from_board =
                camera_from_mount * view.carrier_pose.inverse() * far_from_board;
            for (point, pixel) in self.board.points().zip(&view.corners_px) {
                all.extend(offset(self.camera, &camera_from_board, &point, pixel)?);
            }
        }
        Some(DVector::from_vec(all))
    }

    fn solved(&self, camera: Pose, board: Pose) -> Option<HandEye> {
        const STEP: f64 = 1e-6;
        let (mut camera, mut board) = (camera, board);
        let mut now = self.offsets(&camera, &board)?;
        let mut damping = 1e-4;
        let mut slopes = DMatrix::zeros(now.len(), 12);
        for _ in 0..30 {
            for axis in 0..12 {
                let mut change = Vector6::zeros();
                change[axis % 6] = STEP;
                let there = if axis < 6 {
                    self.offsets(&moved(&camera, &change), &board)?
                } else {
                    self.offsets(&camera, &moved(&board, &change))?
                };
                slopes.set_column(axis, &((there - &now) / STEP));
            }
            let gradient = slopes.tr_mul(&now);
            let normal = slopes.tr_mul(&slopes);
            let mut better = false;
            while damping < 1e6 && !better {
                let mut damped = normal.clone();
                for axis in 0..12 {
                    damped[(axis, axis)] *= 1.0 + damping;
                }
                let step = -damped.cholesky()?.solve(&gradient);
                let trial_camera = moved(&camera, &step.fixed_rows::<6>(0).into_owned());
                let trial_board = moved(&board, &step.fixed_rows::<6>(6).into_owned());
                let there = self.offsets(&trial_camera, &trial_board);
                match there.filter(|there| there.norm_squared() < now.norm_squared()) {
                    Some(there) => {
                        let gain = now.norm_squared() - there.norm_squared();
                        better = gain > 1e-9 * now.norm_squared();
                        (camera, board, now) = (trial_camera, trial_board, there);
                        damping *= 0.2;
                        if !better {
                            damping = 1e6;
                        }
                    }
                    None => damping = (damping * 10.0).max(1e-6),
                }
            }
            if !better {
                break;
            }
        }
        self.told(camera, board, &now, &slopes)
    }

    fn told(
        &self,
        mount_from_camera: Pose,
        far_from_board: Pose,
        offsets: &DVector<f64>,
        slopes: &DMatrix<f64>,
    ) -> Option<HandEye> {
        let corners = self.board.corners();
        let rms = |part: &[f64]| {
            let squares: f64 = part.iter().map(|at| at * at).sum();
            (2.0 * squares / part.len() as f64).sqrt()
        };
        let freedom = (offsets.len() - 12) as f64;
        let variance = offsets.norm_squared() / freedom;
        let covariance = slopes.tr_mul(slopes).cholesky()?.inverse() * variance;
        let sigma = |from: usize| {
            Vector3::from_fn(|axis, _| covariance[(from + axis, from + axis)].max(0.0).sqrt())
        };
        let finite = mount_from_camera.to_homogeneous().iter().all(|value| value.is_finite());
        finite.then(|| HandEye {
            mount_from_camera,
            far_from_board,
            rms_px: rms(offsets.as_slice()),
            view_rms_px: offsets.as_slice().chunks_exact(2 * corners).map(rms).collect(),
            position_sigma_m: sigma(3),
            rotation_sigma_rad: sigma(0),
        })
    }
}
