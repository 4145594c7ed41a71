//! What a sensor measured, on its way to the obstacle world.

use std::sync::Arc;
use std::time::Instant;

use praxis_geometry::Stamp;
use praxis_perception::{CameraModel, DepthImage};

/// What a sensor measured.
#[derive(Clone, Debug)]
pub enum Measured {
    /// Distances along the optical axis.
    Depth(Arc<DepthImage>, CameraModel),
    /// Points in the sensor's frame.
    Cloud(Vec<[f32; 3]>),
}

/// One frame of one sensor.
#[derive(Clone, Debug)]
pub struct SensorFrame {
    /// When it was taken.
    pub stamp: Stamp,
    /// Frame of the sensor.
    pub frame: String,
    /// When it came in.
    pub arrived: Instant,
    /// What was measured.
    pub measured: Measured,
}
