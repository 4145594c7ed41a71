//! The messages, field by field, as they lie in CDR; what follows the last field is not read.

use serde::{Deserialize, Serialize};

/// builtin_interfaces/Time.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Time {
    pub sec: i32,
    pub nanosec: u32,
}

/// std_msgs/Header.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Header {
    pub stamp: Time,
    pub frame_id: String,
}

/// std_msgs/String.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Text {
    pub data: String,
}

/// sensor_msgs/Image; the bytes stay where they are.
#[derive(Clone, Debug, Deserialize)]
pub struct Image<'a> {
    pub header: Header,
    pub height: u32,
    pub width: u32,
    pub encoding: String,
    pub is_bigendian: u8,
    pub step: u32,
    #[serde(borrow)]
    pub data: &'a [u8],
}

/// sensor_msgs/CompressedImage; the bytes stay where they are.
#[derive(Clone, Debug, Deserialize)]
pub struct CompressedImage<'a> {
    pub header: Header,
    pub format: String,
    #[serde(borrow)]
    pub data: &'a [u8],
}

/// sensor_msgs/CameraInfo up to the camera matrix.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct CameraInfo {
    pub header: Header,
    pub height: u32,
    pub width: u32,
    pub distortion_model: String,
    pub d: Vec<f64>,
    pub k: [f64; 9],
}

/// geometry_msgs/TransformStamped.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct TransformStamped {
    pub header: Header,
    pub child_frame_id: String,
    pub translation: [f64; 3],
    /// x, y, z, w.
    pub rotation: [f64; 4],
}

/// tf2_msgs/TFMessage.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct TransformMessage {
    pub transforms: Vec<TransformStamped>,
}
