//! Where the robot's body is in the picture.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use praxis_geometry::Stamp;
use praxis_perception::{Carried, PlacedRobot, RobotBody, RobotModel};
use praxis_ros::tf::TfBuffer;
use praxis_ros::{Diagnostics, Level, Node, topics};

use crate::held::HeldObjects;
use crate::parameters::PerceptionParameters;

/// What is known of the robot's body.
#[derive(Debug, Default)]
enum Body {
    /// There is no robot to remove.
    #[default]
    None,
    /// No description has come yet, or it is being read.
    Awaited,
    /// The description cannot be used.
    Unreadable(String),
    /// The links that have a body.
    Links(Arc<RobotModel>),
}

/// The robot's body as spheres on its links, which transforms place.
#[derive(Clone, Default)]
pub struct RobotInView {
    body: Arc<Mutex<Body>>,
    held: HeldObjects,
}

impl RobotInView {
    /// Reads the description from the file that the parameters name, or waits for the topic.
    pub fn listen(node: &mut Node, parameters: &PerceptionParameters) -> anyhow::Result<Self> {
        let mut robot = Self::default();
        if !parameters.robot.exclude {
            return Ok(robot);
        }
        robot.held = HeldObjects::listen(node)?;
        robot.set(Body::Awaited);
        let file = &parameters.robot.description_file;
        if file.is_empty() {
            let ours = robot.clone();
            node.listen_to(&topics::ROBOT_DESCRIPTION, move |message| ours.read(message.data))?;
        } else {
            let urdf = std::fs::read_to_string(file)
                .with_context(|| format!("cannot read the robot description {file}"))?;
            robot.read(urdf);
        }
        Ok(robot)
    }

    /// Covers the links with spheres, which takes a while, beside everything else.
    fn read(&self, urdf: String) {
        let ours = self.clone();
        let work = move || {
            ours.set(match RobotModel::from_urdf(&urdf) {
                Ok(links) => Body::Links(Arc::new(links)),
                Err(error) => {
                    tracing::warn!(%error, "robot description is unusable; its body stays in");
                    Body::Unreadable(error.to_string())
                }
            });
        };
        if let Err(error) = thread::Builder::new().name("robot-body".to_owned()).spawn(work) {
            self.set(Body::Unreadable(error.to_string()));
        }
    }

    fn set(&self, body: Body) {
        *self.body.lock().unwrap_or_else(PoisonError::into_inner) = body;
    }

    /// Where the held objects were at a moment.
    pub fn carried(&self, planning_frame: &str, stamp: Stamp, tf: &TfBuffer) -> Vec<Carried> {
        self.held.carried(planning_frame, stamp, tf)
    }

    /// The body and what it holds in the planning frame, along their way during the exposure that
    /// ends at `stamp`.
    ///
    /// It fails safe: a link whose place is not known is not removed, and the diagnostics say so.
    pub fn body(
        &self,
        parameters: &PerceptionParameters,
        stamp: Stamp,
        exposure: Duration,
        tf: &TfBuffer,
        diagnostics: &Diagnostics,
    ) -> RobotBody {
        let body = self.body.lock().unwrap_or_else(PoisonError::into_inner);
        let links = match &*body {
            Body::Links(links) => Arc::clone(links),
            Body::None => {
                diagnostics.report("robot", Level::Ok, "nothing is to be removed");
                return RobotBody::default();
            }
            Body::Awaited => {
                let text = format!("not removed, no {} yet", topics::ROBOT_DESCRIPTION.name);
                diagnostics.report("robot", Level::Warn, text);
                return RobotBody::default();
            }
            Body::Unreadable(reason) => {
                diagnostics.report("robot", Level::Error, format!("not removed: {reason}"));
                return RobotBody::default();
            }
        };
        drop(body);
        let frame = &parameters.planning_frame;
        // The robot moves little between the newest known pose and the moment asked for.
        let pose = |link: &str, at: Stamp| {
            tf.target_from_source(frame, link, at)
                .or_else(|_| tf.target_from_source(frame, link, Stamp::ZERO))
        };
        let opened = Stamp::from_nanos(stamp.nanoseconds - exposure.as_nanos() as i64);
        let at_begin = |link: &str| {
            let moves = !exposure.is_zero();
            moves.then(|| pose(link, opened).ok()).flatten()
        };
        let PlacedRobot { body, spheres, lost } =
            links.place(at_begin, |link| pose(link, stamp).ok(), parameters.robot.padding_m);
        let held = self.held.boxes(frame, stamp, tf);
        diagnostics.value("robot", "spheres", spheres);
        diagnostics.value("robot", "held_objects", held.len());
        if lost.is_empty() {
            diagnostics.report("robot", Level::Ok, "body is removed");
        } else {
            let text = format!("not removed, no transform of: {}", lost.join(", "));
            diagnostics.report("robot", Level::Warn, text);
        }
        body.holding(&held).lacking_parts(!lost.is_empty())
    }
}
