//! A camera is found where it was mounted, from pictures and from corners with noise.

use nalgebra::{Point3, UnitQuaternion, Vector3};
use praxis_calibration::{
    CalibrationError, Checkerboard, GreyImage, View, board_pose, find_corners, hand_eye,
};
use praxis_geometry::Pose;
use praxis_perception::{CameraModel, ColourImage};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn board() -> Checkerboard {
    Checkerboard::new(8, 5, 0.03).unwrap()
}

/// With the lens of an ordinary camera.
fn camera() -> CameraModel {
    let k = [600.0, 0.0, 322.0, 0.0, 602.0, 238.0, 0.0, 0.0, 1.0];
    CameraModel::new(640, 480, &k, "plumb_bob", &[0.05, -0.08, 0.001, -0.0005, 0.01]).unwrap()
}

fn pose(shift: [f64; 3], axis: [f64; 3]) -> Pose {
    Pose::from_parts(
        Vector3::from(shift).into(),
        UnitQuaternion::from_scaled_axis(Vector3::from(axis)),
    )
}

/// The optical frame in the hand.
fn hand_from_camera() -> Pose {
    pose([0.05, -0.02, 0.06], [0.1, -0.2, 1.5])
}

/// The board's middle before the camera, facing it, tilted and turned.
fn camera_from_board(random: &mut ChaCha8Rng, tilt_rad: f64) -> Pose {
    let mut draw = |reach: f64| random.random_range(-reach..=reach);
    let turn = pose([0.0; 3], [draw(tilt_rad), draw(tilt_rad), draw(0.6)]);
    let middle = pose([-0.105, -0.06, 0.0], [0.0; 3]);
    let place = pose([draw(0.06), draw(0.04), 0.5 + draw(0.1)], [0.0; 3]);
    place * turn * middle
}

/// Pixels of all corners, with noise.
fn corners(camera_from_board: &Pose, noise_px: f64, random: &mut ChaCha8Rng) -> Vec<[f64; 2]> {
    let camera = camera();
    board()
        .points()
        .map(|point| {
            let seen = camera.project(&(camera_from_board * point)).unwrap();
            // Four uniform draws are near enough to a normal one.
            seen.map(|at| {
                let sum: f64 = (0..4).map(|_| random.random_range(-0.866..0.866)).sum();
                at + noise_px * sum
            })
        })
        .collect()
}

fn views(count: usize, tilt_rad: f64, noise_px: f64, seed: u64) -> Vec<View> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let base_from_board = pose([0.5, 0.1, 0.0], [3.0, 0.1, 0.2]);
    (0..count)
        .map(|_| {
            let seen = camera_from_board(&mut random, tilt_rad);
            let carrier_pose = base_from_board * seen.inverse() * hand_from_camera().inverse();
            View { carrier_pose, corners_px: corners(&seen, noise_px, &mut random) }
        })
        .collect()
}

fn errors(found: &Pose) -> (f64, f64) {
    let off = hand_from_camera().inverse() * found;
    (off.translation.vector.norm(), off.rotation.angle())
}

/// The board drawn through the lens; every pixel is the mean over its area.
fn picture(camera_from_board: &Pose, bright: u8, dark: u8) -> GreyImage {
    let (camera, board) = (camera(), board());
    let board_from_camera = camera_from_board.inverse();
    let eye = Point3::from(board_from_camera.translation.vector);
    let (columns, rows) = (board.columns() as f64, board.rows() as f64);
    let on_board = |x: f64, y: f64| {
        let ray = board_from_camera.rotation * camera.ray([x, y]);
        let at = eye + ray * (-eye.z / ray.z);
        [at.x / board.square_m(), at.y / board.square_m()]
    };
    // Mean of the wave +1 over [0, 1), -1 over [1, 2), … about a place.
    let wave = |at: f64, width: f64| {
        let area = |at: f64| 1.0 - (at.rem_euclid(2.0) - 1.0).abs();
        (area(at + 0.5 * width) - area(at - 0.5 * width)) / width
    };
    let mut bytes = Vec::with_capacity(3 * 640 * 480);
    for row in 0..480 {
        for column in 0..640 {
            let (x, y) = (f64::from(column), f64::from(row));
            let (here, right, below) = (on_board(x, y), on_board(x + 1.0, y), on_board(x, y + 1.0));
            let [u, v] = [0, 1].map(|axis| {
                let width = (right[axis] - here[axis]).abs() + (below[axis] - here[axis]).abs();
                wave(here[axis], width)
            });
            let on_squares = (-1.0..columns).contains(&here[0]) && (-1.0..rows).contains(&here[1]);
            // The square between the first four corners is dark.
            let share = if on_squares { 0.5 + 0.5 * u * v } else { 0.0 };
            let value = f64::from(bright) + share * (f64::from(dark) - f64::from(bright));
            bytes.extend([value.round() as u8; 3]);
        }
    }
    GreyImage::of(&ColourImage::new(640, 480, 3 * 640, "rgb8", bytes).unwrap())
}

#[test]
fn corners_of_a_drawn_board_are_found_to_an_eighth_of_a_pixel() {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    for turn in 0..8 {
        // All the way round: which end is the first must be told by the squares.
        let spin = pose([0.0; 3], [0.0, 0.0, f64::from(turn) * 0.785]);
        let middle = pose([-0.105, -0.06, 0.0], [0.0; 3]);
        let tilt = pose([0.01, -0.01, 0.45], [0.3, -0.35, 0.0]);
        let seen = tilt * spin * middle;
        let truth = corners(&seen, 0.0, &mut random);
        let found = find_corners(&picture(&seen, 220, 30), &board()).expect("the board is seen");
        let worst = found
            .iter()
            .zip(&truth)
            .map(|(a, b)| (a[0] - b[0]).hypot(a[1] - b[1]))
            .fold(0.0, f64::max);
        assert!(worst < 0.125, "turn {turn}: {worst} px");
        let pose = board_pose(&camera(), &board(), &found).unwrap();
        let off = (pose.camera_from_board.inverse() * seen).translation.vector.norm();
        assert!(off < 3e-4, "turn {turn}: {off} m");
    }
}

#[test]
fn a_board_that_is_not_whole_or_not_there_is_not_found() {
    let aside = pose([0.25, 0.0, 0.45], [0.0; 3]);
    assert_eq!(find_corners(&picture(&aside, 220, 30), &board()), None);
    let seen = pose([-0.1, -0.06, 0.5], [0.0; 3]);
    assert_eq!(find_corners(&picture(&seen, 128, 126), &board()), None);
    let other = Checkerboard::new(7, 6, 0.03).unwrap();
    assert_eq!(find_corners(&picture(&seen, 220, 30), &other), None);
}

#[test]
fn pictures_lead_to_the_camera() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let base_from_board = pose([0.5, 0.1, 0.0], [3.0, 0.1, 0.2]);
    let views: Vec<View> = (0..8)
        .map(|_| {
            let seen = camera_from_board(&mut random, 0.5);
            let corners_px = find_corners(&picture(&seen, 200, 40), &board()).unwrap();
            let carrier_pose = base_from_board * seen.inverse() * hand_from_camera().inverse();
            View { carrier_pose, corners_px }
        })
        .collect();
    let found = hand_eye(&camera(), &board(), &views).unwrap();
    let (off_m, off_rad) = errors(&found.mount_from_camera);
    assert!(off_m < 5e-4 && off_rad < 1e-3, "{off_m} m, {off_rad} rad, {}", found.rms_px);
}

#[test]
fn a_wrong_robot_pose_stands_out() {
    let mut views = views(12, 0.5, 0.1, 9);
    views[4].carrier_pose.translation.vector.x += 0.01;
    let found = hand_eye(&camera(), &board(), &views).unwrap();
    let worst = (0..12).max_by(|&a, &b| found.view_rms_px[a].total_cmp(&found.view_rms_px[b]));
    assert_eq!(worst, Some(4), "{:?}", found.view_rms_px);
    assert!(found.rms_px > 1.0);
}

#[test]
fn motions_that_cannot_tell_are_refused() {
    let (camera, board) = (camera(), board());
    let error = hand_eye(&camera, &board, &views(2, 0.5, 0.0, 1)).unwrap_err();
    assert_eq!(error, CalibrationError::TooFewViews { found: 2, needed: 3 });

    let base_from_board = pose([0.5, 0.1, 0.0], [3.0, 0.1, 0.2]);
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let mut with = |turns: &dyn Fn(usize) -> [f64; 3]| {
        let views: Vec<View> = (0..8)
            .map(|k| {
                let middle = pose([-0.105, -0.06, 0.0], [0.0; 3]);
                let seen = pose([0.0, 0.0, 0.5 + 0.01 * k as f64], turns(k)) * middle;
                let carrier_pose = base_from_board * seen.inverse() * hand_from_camera().inverse();
                View { carrier_pose, corners_px: corners(&seen, 0.05, &mut random) }
            })
            .collect();
        hand_eye(&camera, &board, &views).unwrap_err()
    };
    let error = with(&|_| [0.2, 0.1, 0.0]);
    assert!(matches!(error, CalibrationError::LittleRotation { .. }), "{error}");
    let error = with(&|k| [0.0, 0.0, 0.1 * k as f64]);
    assert!(matches!(error, CalibrationError::ParallelAxes { .. }), "{error}");
    assert!(error.to_string().contains("second axis"));
}

#[test]
fn boards_that_look_the_same_turned_by_half_are_refused() {
    assert!(Checkerboard::new(8, 6, 0.03).is_err());
    assert!(Checkerboard::new(2, 5, 0.03).is_err());
    assert!(Checkerboard::new(8, 5, f64::NAN).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_camera_is_found_whatever_the_views(seed in any::<u64>(), count in 6usize..20) {
        let views = views(count, 0.5, 0.2, seed);
        let found = hand_eye(&camera(), &board(), &views);
        // Random turns may all be small; then it must say so.
        if let Ok(found) = found {
            let (off_m, off_rad) = errors(&found.mount_from_camera);
            prop_assert!(off_m < 0.004 && off_rad < 0.01, "{off_m} m, {off_rad} rad");
            // What it says of its own scatter is not far from the truth.
            prop_assert!(off_m < 8.0 * found.position_sigma_m.norm() + 1e-5, "{off_m}");
            prop_assert!((0.1..0.5).contains(&found.rms_px), "{}", found.rms_px);
        }
    }

    #[test]
    fn without_noise_the_camera_is_exact(seed in any::<u64>()) {
        if let Ok(found) = hand_eye(&camera(), &board(), &views(8, 0.5, 0.0, seed)) {
            let (off_m, off_rad) = errors(&found.mount_from_camera);
            prop_assert!(off_m < 1e-6 && off_rad < 1e-6, "{off_m} m, {off_rad} rad");
        }
    }
}
