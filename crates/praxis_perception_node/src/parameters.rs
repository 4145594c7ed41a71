//! The node's parameters.

use praxis_perception::{MountConfig, ObstacleConfig, PerceiverConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The node's parameters.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PerceptionParameters {
    /// Folder with card.toml and the network that it describes.
    pub network_folder: String,
    /// Path of libonnxruntime.so; empty takes the variable ORT_DYLIB_PATH.
    pub onnxruntime_library: String,
    /// What may compute the network, in this order; the first that works is used and reported.
    pub providers: Vec<String>,
    /// Threads that share one run of the network.
    #[schemars(range(min = 1, max = 64))]
    pub intra_op_threads: u32,
    /// Frame in which objects and obstacles are told; its z axis points up.
    pub planning_frame: String,
    /// Least score of a detection; 0 takes the card's. May be changed at any time.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub score_threshold: f64,
    /// How pictures come: `raw`, or `compressed` as image_transport sends them (JPEG or PNG on
    /// `…/image_raw/compressed`, depth on `…/image_raw/compressedDepth`).
    #[schemars(extend("enum" = ["raw", "compressed"]))]
    pub image_transport: String,
    /// Names of further cameras that look for objects: `left` has `left/color/image_raw`,
    /// `left/depth/image_raw` and `left/color/camera_info`, and is drawn on
    /// `left/perception/annotated`. All cameras share the network, the tracks and the obstacles.
    pub further_cameras: Vec<String>,
    /// Whether a frame without depth is refused; otherwise objects are placed by the picture alone.
    pub require_depth: bool,
    /// A depth image with a smaller share of pixels that hold a distance counts as none.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_valid_depth: f64,
    /// Colour and depth whose stamps differ by no more than this belong together, seconds.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_stamp_gap_s: f64,
    /// How long a frame waits for the transforms of its stamp, seconds.
    #[schemars(range(min = 0.0, max = 2.0))]
    pub transform_wait_s: f64,
    /// Stamps may be so far ahead of our clock, seconds.
    #[schemars(range(min = 0.0, max = 10.0))]
    pub clock_tolerance_s: f64,
    /// The freshest frames may be so old before the camera's clock is doubted, seconds.
    #[schemars(range(min = 0.01, max = 60.0))]
    pub max_age_s: f64,
    /// Silence of the camera that counts as unplugged, seconds.
    #[schemars(range(min = 0.1, max = 60.0))]
    pub camera_timeout_s: f64,
    /// Draw perception/annotated also when nobody looks.
    pub annotate_always: bool,
    /// File that takes one line of JSON a frame with the time of every stage, for measurements;
    /// empty writes none.
    pub measure_file: String,
    /// The robot's body in the picture.
    pub robot: RobotParameters,
    /// Whether the cameras still are where the transforms say.
    pub mount: MountConfig,
    /// From frame to objects.
    pub perceiver: PerceiverConfig,
    /// From depth and clouds to obstacle points.
    pub obstacles: ObstacleParameters,
}

/// How depth and clouds become obstacle points.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ObstacleParameters {
    /// Topics of further depth images beside the cameras'; `camera_info` beside each.
    pub depth_topics: Vec<String>,
    /// Topics of point clouds.
    pub cloud_topics: Vec<String>,
    /// How long a frame is exposed; the robot is removed along its way during that time, seconds.
    #[schemars(range(min = 0.0, max = 0.5))]
    pub exposure_s: f64,
    /// Tracked objects older than this are obstacles again, seconds.
    #[schemars(range(min = 0.0, max = 60.0))]
    pub known_for_s: f64,
    /// Which points are obstacles, and when they are dropped.
    pub world: ObstacleConfig,
}

impl Default for ObstacleParameters {
    fn default() -> Self {
        Self {
            depth_topics: Vec::new(),
            cloud_topics: Vec::new(),
            exposure_s: 0.033,
            known_for_s: 1.0,
            world: ObstacleConfig::default(),
        }
    }
}

/// How the robot's own body is kept out of objects and obstacles.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RobotParameters {
    /// Whether the body is removed; without transforms of its links nothing is.
    pub exclude: bool,
    /// File with the robot's URDF; empty waits for the topic robot_description.
    pub description_file: String,
    /// The body is grown by this, metres.
    #[schemars(range(min = 0.0, max = 0.3))]
    pub padding_m: f64,
}

impl Default for PerceptionParameters {
    fn default() -> Self {
        Self {
            network_folder: "models/networks/tabletop".to_owned(),
            onnxruntime_library: String::new(),
            providers: vec!["cpu".to_owned()],
            intra_op_threads: 1,
            planning_frame: "world".to_owned(),
            score_threshold: 0.0,
            image_transport: "raw".to_owned(),
            further_cameras: Vec::new(),
            require_depth: true,
            min_valid_depth: 0.02,
            max_stamp_gap_s: 0.010,
            transform_wait_s: 0.1,
            clock_tolerance_s: 0.02,
            max_age_s: 0.5,
            camera_timeout_s: 1.0,
            annotate_always: false,
            measure_file: String::new(),
            robot: RobotParameters::default(),
            mount: MountConfig::default(),
            perceiver: PerceiverConfig::default(),
            obstacles: ObstacleParameters::default(),
        }
    }
}

impl Default for RobotParameters {
    fn default() -> Self {
        Self { exclude: true, description_file: String::new(), padding_m: 0.02 }
    }
}
