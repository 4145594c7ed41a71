//! A recording → looks with the camera's pose and the robot's body at their moment.

use std::collections::VecDeque;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use praxis_geometry::{Pose, Stamp};
use praxis_perception::intake::{Colour, Depth, Intake, Look};
use praxis_perception::{RobotBody, RobotModel};
use praxis_recording::{Entry, Recording, Told, Topics};
use praxis_transforms::TransformHistory;

/// A look waits so long, in recorded time, for the transforms of its moment.
const PATIENCE_NS: u64 = 500_000_000;

/// How looks are put together.
pub struct LookOptions {
    /// Frame in which objects are told.
    pub planning_frame: String,
    /// Colour and depth whose stamps differ by no more than this belong together, seconds.
    pub max_stamp_gap_s: f64,
    /// The robot is grown by this, metres; none leaves it in the picture.
    pub padding_m: Option<f64>,
}

/// A look at a place.
pub struct Placed {
    pub look: Look,
    pub world_from_camera: Pose,
    pub robot: RobotBody,
}

/// What comes next of a recording.
pub enum Next {
    Look(Box<Placed>),
    /// A look or a message that gives nothing, and why.
    Refused {
        stamp: Option<Stamp>,
        reason: String,
    },
}

/// Goes through a recording.
pub struct Looks {
    recording: Recording,
    options: LookOptions,
    intake: Intake,
    transforms: TransformHistory,
    robot: Option<RobotModel>,
    waiting: VecDeque<(u64, Look)>,
    /// Recorded time of the newest message.
    now_ns: u64,
    /// Recorded time as the intake counts it.
    epoch: (u64, Instant),
    started: bool,
    ended: bool,
}

impl Looks {
    /// Opens a recording; a robot given here goes before the one that was recorded.
    pub fn open(
        path: &Path,
        topics: Topics,
        robot: Option<RobotModel>,
        options: LookOptions,
    ) -> Result<Self> {
        Ok(Self {
            recording: Recording::open(path, topics)?,
            intake: Intake::new(options.max_stamp_gap_s, false),
            options,
            transforms: TransformHistory::default(),
            robot,
            waiting: VecDeque::new(),
            now_ns: 0,
            epoch: (0, Instant::now()),
            started: false,
            ended: false,
        })
    }

    /// What else the recording holds, as an ending of a complaint.
    pub fn others(&self) -> String {
        let topics: Vec<&str> = self.recording.passed_over().collect();
        if topics.is_empty() {
            "it holds no other topics".to_owned()
        } else {
            format!("other topics in it: {}", topics.join(", "))
        }
    }

    fn take(&mut self, Entry { logged_ns, told }: Entry) -> Option<Next> {
        if !self.started {
            self.epoch.0 = logged_ns;
            self.started = true;
        }
        self.now_ns = self.now_ns.max(logged_ns);
        let since = Duration::from_nanos(logged_ns.saturating_sub(self.epoch.0));
        let arrived = self.epoch.1 + since;
        let look = match told {
            Told::Colour(picture) => self.intake.colour(Colour {
                stamp: picture.stamp,
                frame: picture.frame,
                image: picture.image,
                arrived,
            }),
            Told::Depth(picture) => {
                let image = std::sync::Arc::new(picture.image);
                let depth = Depth { stamp: picture.stamp, frame: picture.frame, image };
                self.intake.depth(depth, arrived)
            }
            Told::Camera(camera) => {
                self.intake.set_camera(camera);
                None
            }
            Told::Transforms(transforms) => {
                for one in transforms {
                    let (stamp, pose) = (one.stamp, one.parent_from_child);
                    self.transforms.insert(&one.parent, &one.child, stamp, pose, one.is_static);
                }
                None
            }
            Told::Description(urdf) => {
                if self.options.padding_m.is_some() && self.robot.is_none() {
                    match RobotModel::from_urdf(&urdf) {
                        Ok(model) => self.robot = Some(model),
                        Err(error) => {
                            let reason = format!("the recorded robot stays in: {error}");
                            return Some(Next::Refused { stamp: None, reason });
                        }
                    }
                }
                None
            }
        };
        self.waiting.extend(look.map(|look| (logged_ns, look)));
        None
    }

    /// The oldest waiting look, if its transforms have come or never will.
    fn ready(&mut self) -> Option<Next> {
        let (logged_ns, look) = self.waiting.front()?;
        let (stamp, frame) = (look.colour.stamp, &look.colour.frame);
        let pose = |frame: &str, at: Stamp| {
            self.transforms.target_from_source(&self.options.planning_frame, frame, at)
        };
        let placed = pose(frame, stamp);
        let patient = !self.ended && self.now_ns < logged_ns + PATIENCE_NS;
        if placed.is_err() && patient {
            return None;
        }
        let robot = match (&self.robot, self.options.padding_m) {
            (Some(robot), Some(padding_m)) => {
                let at = |link: &str| pose(link, stamp).or_else(|_| pose(link, Stamp::ZERO)).ok();
                robot.place(|_| None, at, padding_m).body
            }
            _ => RobotBody::default(),
        };
        let (_, look) = self.waiting.pop_front()?;
        Some(match placed {
            Ok(world_from_camera) => {
                Next::Look(Box::new(Placed { look, world_from_camera, robot }))
            }
            Err(error) => {
                Next::Refused { stamp: Some(stamp), reason: format!("no camera pose: {error}") }
            }
        })
    }
}

impl Iterator for Looks {
    type Item = Result<Next>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(next) = self.ready() {
                return Some(Ok(next));
            }
            if self.ended {
                return None;
            }
            match self.recording.next() {
                None => self.ended = true,
                Some(Ok(entry)) => {
                    if let Some(next) = self.take(entry) {
                        return Some(Ok(next));
                    }
                }
                Some(Err(error)) if error.is_of_one_message() => {
                    return Some(Ok(Next::Refused { stamp: None, reason: error.to_string() }));
                }
                Some(Err(error)) => {
                    self.ended = true;
                    return Some(Err(error.into()));
                }
            }
        }
    }
}
