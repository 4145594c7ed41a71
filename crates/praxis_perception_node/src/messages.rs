//! What perception tells, as messages.

use nalgebra::{Point3, Vector3};
use praxis_geometry::Stamp;
use praxis_network::{Card, ShapeKind};
use praxis_perception::{CameraModel, Track};
use praxis_ros::convert::ToMsg;
use praxis_ros::r2r::geometry_msgs::msg::Pose;
use praxis_ros::r2r::sensor_msgs::msg::{CameraInfo, Image};
use praxis_ros::r2r::std_msgs::msg::{ColorRGBA, Header};
use praxis_ros::r2r::vision_msgs::msg::{
    BoundingBox3D, Detection3D, Detection3DArray, ObjectHypothesis, ObjectHypothesisWithPose,
};
use praxis_ros::r2r::visualization_msgs::msg::{Marker, MarkerArray};

/// Header of everything that rests on one frame.
pub fn header(frame: &str, stamp: Stamp) -> Header {
    Header { stamp: stamp.to_msg(), frame_id: frame.to_owned() }
}

/// Tracked objects.
pub fn objects(header: &Header, card: &Card, tracks: &[Track]) -> Detection3DArray {
    let detections = tracks.iter().map(|track| detection(header, card, track)).collect();
    Detection3DArray { header: header.clone(), detections }
}

fn detection(header: &Header, card: &Card, track: &Track) -> Detection3D {
    let pose: Pose = track.world_from_object().to_msg();
    let mut hypothesis = ObjectHypothesisWithPose {
        hypothesis: ObjectHypothesis {
            class_id: class_name(card, track).to_owned(),
            score: track.score,
        },
        ..ObjectHypothesisWithPose::default()
    };
    hypothesis.pose.pose = pose.clone();
    // Row-major 6×6 over x, y, z and turns about x, y, z; the object stands upright.
    let mut covariance = vec![0.0; 36];
    let position = track.position_covariance_m2();
    for row in 0..3 {
        for column in 0..3 {
            covariance[6 * row + column] = position[(row, column)];
        }
    }
    covariance[35] = track.yaw_variance_rad2;
    hypothesis.pose.covariance = covariance;
    Detection3D {
        header: header.clone(),
        results: vec![hypothesis],
        bbox: BoundingBox3D { center: pose, size: track.size_m.to_msg() },
        id: track.id.to_string(),
    }
}

/// The camera that a message describes.
pub fn camera_model(message: &CameraInfo) -> Result<CameraModel, String> {
    let k = <&[f64; 9]>::try_from(message.k.as_slice())
        .map_err(|_| format!("k has {} entries, expected 9", message.k.len()))?;
    let (width, height) = (message.width as usize, message.height as usize);
    CameraModel::new(width, height, k, &message.distortion_model, &message.d)
        .map_err(|error| error.to_string())
}

/// A picture as it was drawn.
pub fn image(header: Header, width: usize, height: usize, rgb: Vec<u8>) -> Image {
    Image {
        header,
        width: width as u32,
        height: height as u32,
        encoding: "rgb8".to_owned(),
        is_bigendian: 0,
        step: 3 * width as u32,
        data: rgb,
    }
}

/// A solid and a name over it for every object.
pub fn markers(header: &Header, card: &Card, tracks: &[Track]) -> MarkerArray {
    const DELETE_ALL: i32 = 3;
    let mut markers =
        vec![Marker { header: header.clone(), action: DELETE_ALL, ..Marker::default() }];
    for track in tracks {
        markers.push(solid(header, card, track));
        markers.push(label(header, card, track));
    }
    MarkerArray { markers }
}

fn solid(header: &Header, card: &Card, track: &Track) -> Marker {
    const CUBE: i32 = 1;
    const CYLINDER: i32 = 3;
    let round =
        card.classes.get(track.class).is_some_and(|class| class.shape == ShapeKind::Cylinder);
    let [r, g, b] = colour_of(track.class).map(|byte| f32::from(byte) / 255.0);
    Marker {
        header: header.clone(),
        ns: "objects".to_owned(),
        id: track.id as i32,
        type_: if round { CYLINDER } else { CUBE },
        pose: track.world_from_object().to_msg(),
        scale: track.size_m.to_msg(),
        color: ColorRGBA { r, g, b, a: 0.6 },
        ..Marker::default()
    }
}

fn label(header: &Header, card: &Card, track: &Track) -> Marker {
    const TEXT: i32 = 9;
    let above = Point3::from(track.centre_m + Vector3::z() * (0.5 * track.size_m.z + 0.03));
    let mut marker = Marker {
        header: header.clone(),
        ns: "names".to_owned(),
        id: track.id as i32,
        type_: TEXT,
        text: format!("{} {} ({:.2})", class_name(card, track), track.id, track.score),
        color: ColorRGBA { r: 1.0, g: 1.0, b: 1.0, a: 1.0 },
        ..Marker::default()
    };
    marker.pose.position = above.to_msg();
    marker.pose.orientation.w = 1.0;
    marker.scale.z = 0.025;
    marker
}

fn class_name<'a>(card: &'a Card, track: &Track) -> &'a str {
    card.classes.get(track.class).map_or("unknown", |class| class.name.as_str())
}

/// The colour in which a class is drawn.
pub fn colour_of(class: usize) -> [u8; 3] {
    const COLOURS: [[u8; 3]; 6] = [
        [255, 140, 0],
        [0, 190, 255],
        [120, 230, 60],
        [235, 70, 180],
        [250, 225, 40],
        [140, 110, 255],
    ];
    COLOURS[class % COLOURS.len()]
}
