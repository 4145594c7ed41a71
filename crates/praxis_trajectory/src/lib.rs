//! Timing of joint motions under velocity, acceleration and jerk limits.
//!
//! In: waypoints or states, and [`JointLimits`]. Out: a [`Trajectory`] that can be sampled at any
//! time. [`time_path`] times whole paths from rest to rest, [`time_free_path`] rounds their
//! corners only as far as the caller finds them free, [`move_to_state`] goes from any state to any
//! state, [`brake`] stops as soon as it can, [`join`] leads from a running motion to a new one,
//! [`Trajectory::thinned`] leaves out knots that a motion does not need, [`OnlineMotion`] follows
//! moving targets, [`slow_for_torques`] heeds what motors can give. What is free of collisions is
//! left to others.

mod blended_path;
mod brake;
mod chords;
mod error;
mod free_path;
mod hermite;
mod join;
mod limits;
mod limits_file;
mod move_to_state;
mod online;
mod smoothing;
mod speed_profile;
mod stop;
mod thinning;
mod timing;
mod torque;
mod trajectory;

pub use self::brake::{brake, brake_along};
pub use self::chords::first_blocked_chord;
pub use self::error::TrajectoryError;
pub use self::free_path::time_free_path;
pub use self::join::join;
pub use self::limits::{JointLimit, JointLimits};
pub use self::limits_file::{FileLimit, LimitsFile};
pub use self::move_to_state::{DirectMotion, least_duration_s, move_to_state};
pub use self::online::{OnlineMotion, meet_target};
pub use self::stop::{JerkPhase, shortest_stop_s, stop_phases};
pub use self::timing::{time_path, time_path_with_corners};
pub use self::torque::{slow_for_torques, time_free_path_within_torques};
pub use self::trajectory::{JointSample, Knot, Trajectory};
