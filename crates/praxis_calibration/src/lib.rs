//! Where a camera is mounted, from robot poses and a checkerboard.
//!
//! In: pictures of a [`Checkerboard`] and, for each, where the hand was. [`find_corners`] finds the
//! board's corners, [`board_pose`] where the board was before the camera, [`hand_eye`] where the
//! camera is mounted, with the residual and how sure it is. Motions that cannot tell are refused
//! with the reason. Recordings and robots are left to others.

mod board;
mod board_pose;
mod corners;
mod error;
mod hand_eye;
mod saddle;

pub use self::board::{Checkerboard, GreyImage};
pub use self::board_pose::{BoardPose, board_pose};
pub use self::corners::find_corners;
pub use self::error::CalibrationError;
pub use self::hand_eye::{HandEye, View, hand_eye};
