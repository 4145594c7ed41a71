//! Transforms that are still under way.

use std::time::{Duration, Instant};

use praxis_geometry::{Pose, Stamp};
use praxis_ros::tf::TfBuffer;

use crate::parameters::PerceptionParameters;

/// Where a sensor stood in the planning frame; waits a little for transforms that are still under
/// way.
pub fn wait_for_transform(
    tf: &TfBuffer,
    parameters: &PerceptionParameters,
    frame: &str,
    stamp: Stamp,
) -> Result<Pose, String> {
    let deadline = Instant::now() + Duration::from_secs_f64(parameters.transform_wait_s);
    let frame = frame.trim_start_matches('/');
    loop {
        match tf.target_from_source(&parameters.planning_frame, frame, stamp) {
            Ok(pose) => return Ok(pose),
            Err(error) if Instant::now() >= deadline => return Err(error.to_string()),
            Err(_) => std::thread::sleep(Duration::from_millis(4)),
        }
    }
}
