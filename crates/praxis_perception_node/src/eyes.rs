//! Listens to one camera: pictures are read, paired by stamp and handed on.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use praxis_perception::intake::{Colour, Depth, Intake, Look};
use praxis_perception::{ColourImage, DepthImage};
use praxis_ros::r2r::sensor_msgs::msg::CameraInfo;
use praxis_ros::{Diagnostics, Level, Node, topics};

use crate::desk::Desk;
use crate::messages::camera_model;
use crate::parameters::PerceptionParameters;
use crate::pictures::{Picture, compressed_image, raw_colour, raw_depth};
use crate::sensor_frame::{Measured, SensorFrame};

/// Name of the camera that is always there.
const MAIN: &str = "camera";

/// Names of all cameras, the main one first.
///
/// # Errors
/// When a further one has no name, or that of another.
pub fn cameras(parameters: &PerceptionParameters) -> anyhow::Result<Vec<&str>> {
    let mut names = vec![MAIN];
    for name in &parameters.further_cameras {
        let is_new = !name.is_empty() && !names.contains(&name.as_str());
        anyhow::ensure!(
            is_new,
            "further_cameras: '{name}' is not the name of another camera beside {names:?}"
        );
        names.push(name);
    }
    Ok(names)
}

/// A part of the diagnostics that there is one of for each camera; of the main one it has no name.
pub fn part_of(parameters: &PerceptionParameters, part: &str, camera: usize) -> String {
    match camera.checked_sub(1).and_then(|further| parameters.further_cameras.get(further)) {
        Some(name) => format!("{part} {name}"),
        None => part.to_owned(),
    }
}

/// One of our topics as a camera of another name has it.
pub fn topic_of(camera: &str, topic: &str) -> String {
    topic
        .strip_prefix(MAIN)
        .map_or_else(|| format!("{camera}/{topic}"), |rest| format!("{camera}{rest}"))
}

/// What comes from a camera; lives on the thread that spins.
pub struct Eyes {
    intake: Intake,
    /// Its number among the cameras, and as a sensor of obstacles.
    camera: usize,
    /// Its part of the diagnostics.
    part: String,
    desk: Desk<Look>,
    obstacles: Desk<SensorFrame>,
    diagnostics: Diagnostics,
    timeout: Duration,
    opened: Instant,
    last_colour: Option<Instant>,
    /// What is wrong with the newest image of each kind, and when it was told.
    troubles: [Option<(String, Instant)>; 3],
    /// Whether pictures come compressed.
    compressed: bool,
    /// Colour, depth and the camera's info.
    topics: [String; 3],
}

impl Eyes {
    /// The camera of that number and name.
    pub fn new(
        (camera, name): (usize, &str),
        settings: &PerceptionParameters,
        desk: Desk<Look>,
        obstacles: Desk<SensorFrame>,
        diagnostics: Diagnostics,
    ) -> Self {
        let compressed = settings.image_transport == "compressed";
        let pictures = if compressed {
            [topics::COLOUR_COMPRESSED.name, topics::DEPTH_COMPRESSED.name]
        } else {
            [topics::COLOUR_IMAGE.name, topics::DEPTH_IMAGE.name]
        };
        Self {
            intake: Intake::new(settings.max_stamp_gap_s, settings.require_depth),
            camera,
            part: part_of(settings, "camera", camera),
            desk,
            obstacles,
            diagnostics,
            timeout: Duration::from_secs_f64(settings.camera_timeout_s),
            opened: Instant::now(),
            last_colour: None,
            troubles: [None, None, None],
            compressed,
            topics: [pictures[0], pictures[1], topics::CAMERA_INFO.name]
                .map(|topic| topic_of(name, topic)),
        }
    }

    /// Subscribes to its topics.
    pub fn open(self, node: &mut Node) -> anyhow::Result<()> {
        let (compressed, names) = (self.compressed, self.topics.clone());
        let eyes = Rc::new(RefCell::new(self));
        let [colour, depth, info] = [(); 3].map(|()| Rc::clone(&eyes));
        if compressed {
            let qos = topics::COLOUR_COMPRESSED.subscribed;
            node.subscribe(&names[0], qos(), move |message| {
                let arrived = Instant::now();
                let read = compressed_image(&message, ColourImage::from_compressed);
                colour.borrow_mut().colour(read, arrived);
            })?;
            let qos = topics::DEPTH_COMPRESSED.subscribed;
            node.subscribe(&names[1], qos(), move |message| {
                let arrived = Instant::now();
                let read = compressed_image(&message, DepthImage::from_compressed);
                depth.borrow_mut().depth(read, arrived);
            })?;
        } else {
            node.subscribe_native(
                &names[0],
                (topics::COLOUR_IMAGE.subscribed)(),
                move |message| {
                    let arrived = Instant::now();
                    colour.borrow_mut().colour(raw_colour(message), arrived);
                },
            )?;
            node.subscribe_native(&names[1], (topics::DEPTH_IMAGE.subscribed)(), move |message| {
                let arrived = Instant::now();
                depth.borrow_mut().depth(raw_depth(message), arrived);
            })?;
        }
        let qos = topics::CAMERA_INFO.subscribed;
        node.subscribe(&names[2], qos(), move |message: CameraInfo| {
            info.borrow_mut().camera_info(&message);
        })?;
        node.every(Duration::from_millis(500), move || eyes.borrow_mut().report());
        Ok(())
    }

    fn colour(&mut self, read: Result<Picture<ColourImage>, String>, arrived: Instant) {
        self.last_colour = Some(arrived);
        let look = read.map(|Picture { stamp, frame, image }| {
            self.intake.colour(Colour { stamp, frame, image, arrived })
        });
        self.take(0, look);
    }

    fn depth(&mut self, read: Result<Picture<DepthImage>, String>, arrived: Instant) {
        let read = read.map(|Picture { stamp, frame, image }| {
            let image = Arc::new(image);
            Depth { stamp, frame, image }
        });
        let measured =
            read.as_ref().ok().zip(self.intake.camera()).map(|(depth, camera)| SensorFrame {
                stamp: depth.stamp,
                frame: depth.frame.clone(),
                arrived,
                measured: Measured::Depth(Arc::clone(&depth.image), camera.clone()),
            });
        let look = read.map(|depth| self.intake.depth(depth, arrived));
        self.take(1, look);
        if let Some(frame) = measured {
            self.obstacles.put(self.camera, frame);
        }
    }

    fn camera_info(&mut self, message: &CameraInfo) {
        let camera = camera_model(message).map(|camera| {
            self.intake.set_camera(camera);
            None
        });
        self.take(2, camera);
    }

    /// Hands a look on, or remembers what is wrong and says it when it is news.
    fn take(&mut self, kind: usize, read: Result<Option<Look>, String>) {
        const QUIET: Duration = Duration::from_secs(5);
        match read {
            Ok(look) => {
                self.troubles[kind] = None;
                if let Some(look) = look {
                    self.desk.put(self.camera, look);
                }
            }
            Err(reason) => {
                self.intake.counts.refused += 1;
                let told = self.troubles[kind]
                    .as_ref()
                    .filter(|(last, when)| *last == reason && when.elapsed() < QUIET)
                    .map(|(_, when)| *when);
                if told.is_none() {
                    tracing::warn!(topic = self.topics[kind], %reason, "message is left out");
                }
                self.troubles[kind] = Some((reason, told.unwrap_or_else(Instant::now)));
            }
        }
    }

    fn report(&mut self) {
        let counts = self.intake.counts;
        for (key, value) in [
            ("colour_received", counts.colour),
            ("depth_received", counts.depth),
            ("colour_without_depth", counts.unpaired),
            ("messages_refused", counts.refused),
        ] {
            self.diagnostics.value(&self.part, key, value);
        }
        let silence = self.last_colour.unwrap_or(self.opened).elapsed();
        self.diagnostics.value(&self.part, "silence_s", format!("{:.2}", silence.as_secs_f64()));
        let trouble = self.troubles.iter().zip(&self.topics).find_map(|(trouble, topic)| {
            trouble.as_ref().map(|(reason, _)| format!("{topic}: {reason}"))
        });
        if silence > self.timeout {
            let seconds = silence.as_secs_f64();
            let topic = &self.topics[0];
            let text = format!("no image on {topic} for {seconds:.1} s: is the camera plugged in?");
            self.diagnostics.report(&self.part, Level::Error, text);
        } else if let Some(trouble) = trouble {
            self.diagnostics.report(&self.part, Level::Error, trouble);
        } else if self.intake.camera().is_none() {
            let text = format!("no {} yet", self.topics[2]);
            self.diagnostics.report(&self.part, Level::Error, text);
        } else {
            self.diagnostics.report(&self.part, Level::Ok, "images arrive");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_cameras_have_topics_and_diagnostics_of_their_own() {
        assert_eq!(topic_of("left", topics::COLOUR_IMAGE.name), "left/color/image_raw");
        assert_eq!(topic_of(MAIN, topics::DEPTH_IMAGE.name), topics::DEPTH_IMAGE.name);
        assert_eq!(topic_of("left", topics::ANNOTATED.name), "left/perception/annotated");
        let further_cameras = vec!["left".to_owned()];
        let parameters =
            PerceptionParameters { further_cameras, ..PerceptionParameters::default() };
        let parts = [0, 1].map(|camera| part_of(&parameters, "camera clock", camera));
        assert_eq!(parts, ["camera clock", "camera clock left"]);
        assert_eq!(cameras(&parameters).unwrap(), [MAIN, "left"]);
    }

    #[test]
    fn a_camera_without_a_name_of_its_own_is_refused() {
        for name in ["", MAIN] {
            let further_cameras = vec![name.to_owned()];
            let parameters =
                PerceptionParameters { further_cameras, ..PerceptionParameters::default() };
            assert!(cameras(&parameters).is_err());
        }
    }
}
