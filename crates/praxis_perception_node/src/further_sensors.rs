//! Depth cameras and clouds that feed the obstacle world beside the cameras that look for objects.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use praxis_perception::CameraModel;
use praxis_ros::convert::{CloudPoints, FromMsg};
use praxis_ros::r2r::QosProfile;
use praxis_ros::r2r::sensor_msgs::msg::{CameraInfo, Image, PointCloud2};
use praxis_ros::{Diagnostics, Level, Node, RosError};

use crate::desk::Desk;
use crate::messages::camera_model;
use crate::parameters::ObstacleParameters;
use crate::pictures::{Picture, raw_depth};
use crate::sensor_frame::{Measured, SensorFrame};

/// Subscribes to every further sensor that the parameters name; `first` is the first one's number.
pub fn listen(
    node: &mut Node,
    parameters: &ObstacleParameters,
    first: usize,
    desk: &Desk<SensorFrame>,
    diagnostics: &Diagnostics,
) -> Result<(), RosError> {
    let mut sensors = first..;
    for (topic, sensor) in parameters.depth_topics.iter().zip(&mut sensors) {
        listen_to_depth(node, topic, sensor, desk, diagnostics)?;
    }
    for (topic, sensor) in parameters.cloud_topics.iter().zip(sensors) {
        let (desk, health) = (desk.clone(), Health::new(topic, diagnostics));
        node.subscribe(topic, QosProfile::sensor_data(), move |message: PointCloud2| {
            let arrived = Instant::now();
            let read = CloudPoints::from_msg(&message).map_err(|error| error.to_string());
            if let Some(cloud) = health.judge(read) {
                let CloudPoints { stamp, frame, points } = cloud;
                let measured = Measured::Cloud(points);
                desk.put(sensor, SensorFrame { stamp, frame, arrived, measured });
            }
        })?;
    }
    Ok(())
}

fn listen_to_depth(
    node: &mut Node,
    topic: &str,
    sensor: usize,
    desk: &Desk<SensorFrame>,
    diagnostics: &Diagnostics,
) -> Result<(), RosError> {
    let camera: Rc<RefCell<Option<CameraModel>>> = Rc::default();
    let info_topic = camera_info_beside(topic);
    let (ours, health) = (Rc::clone(&camera), Health::new(&info_topic, diagnostics));
    node.subscribe(&info_topic, QosProfile::sensor_data(), move |message: CameraInfo| {
        if let Some(model) = health.judge(camera_model(&message)) {
            *ours.borrow_mut() = Some(model);
        }
    })?;
    let (desk, health) = (desk.clone(), Health::new(topic, diagnostics));
    node.subscribe_native(
        topic,
        QosProfile::sensor_data(),
        move |message: &praxis_ros::r2r::NativeMsg<Image>| {
            let arrived = Instant::now();
            let read = raw_depth(message);
            let known = camera.borrow().clone().ok_or_else(|| format!("no {info_topic} yet"));
            let read = read.and_then(|image| known.map(|camera| (image, camera)));
            if let Some((Picture { stamp, frame, image }, camera)) = health.judge(read) {
                let measured = Measured::Depth(Arc::new(image), camera);
                desk.put(sensor, SensorFrame { stamp, frame, arrived, measured });
            }
        },
    )
}

/// `camera_info` beside the image, as image_transport has it.
fn camera_info_beside(topic: &str) -> String {
    match topic.rsplit_once('/') {
        Some((folder, _)) => format!("{folder}/camera_info"),
        None => "camera_info".to_owned(),
    }
}

/// Says in the diagnostics how a topic is, and counts what could not be read.
struct Health {
    topic: String,
    diagnostics: Diagnostics,
}

impl Health {
    fn new(topic: &str, diagnostics: &Diagnostics) -> Self {
        let health = Self { topic: topic.to_owned(), diagnostics: diagnostics.clone() };
        health.diagnostics.report(topic, Level::Stale, "nothing has come yet");
        health
    }

    fn judge<T>(&self, read: Result<T, String>) -> Option<T> {
        match read {
            Ok(value) => {
                self.diagnostics.report(&self.topic, Level::Ok, "arrives");
                Some(value)
            }
            Err(reason) => {
                self.diagnostics.report(&self.topic, Level::Error, reason);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_camera_info_lies_beside_the_image() {
        assert_eq!(camera_info_beside("wrist/depth/image_raw"), "wrist/depth/camera_info");
        assert_eq!(camera_info_beside("depth"), "camera_info");
    }
}
