//! Where the robot's body is in the picture.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use nalgebra::Point3;
use praxis_geometry::Stamp;
use praxis_perception::{Carried, RobotBody, Sphere};
use praxis_robot::{Robot, RobotError};
use praxis_ros::tf::TfBuffer;
use praxis_ros::{Diagnostics, Level, Node, topics};

use crate::held::HeldObjects;
use crate::parameters::PerceptionParameters;

/// A link's name and the spheres that cover it, in its own frame.
type LinkBody = (String, Vec<(Point3<f64>, f64)>);

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
    Links(Vec<LinkBody>),
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
            ours.set(match cover(&urdf) {
                Ok(links) => Body::Links(links),
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
            Body::Links(links) => links,
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
        let frame = &parameters.planning_frame;
        // The robot moves little between the newest known pose and the moment asked for.
        let pose = |link: &str, at: Stamp| {
            tf.target_from_source(frame, link, at)
                .or_else(|_| tf.target_from_source(frame, link, Stamp::ZERO))
        };
        let opened = Stamp::from_nanos(stamp.nanoseconds - exposure.as_nanos() as i64);
        let (mut begin, mut end) = (Vec::new(), Vec::new());
        let mut lost = Vec::new();
        for (link, own) in links {
            let Ok(world_from_link) = pose(link, stamp) else {
                lost.push(link.as_str());
                continue;
            };
            let before = if exposure.is_zero() { Ok(world_from_link) } else { pose(link, opened) };
            let before = before.unwrap_or(world_from_link);
            for &(centre, radius_m) in own {
                begin.push(Sphere { centre: before * centre, radius_m });
                end.push(Sphere { centre: world_from_link * centre, radius_m });
            }
        }
        let held = self.held.boxes(frame, stamp, tf);
        diagnostics.value("robot", "spheres", end.len());
        diagnostics.value("robot", "held_objects", held.len());
        if lost.is_empty() {
            diagnostics.report("robot", Level::Ok, "body is removed");
        } else {
            let text = format!("not removed, no transform of: {}", lost.join(", "));
            diagnostics.report("robot", Level::Warn, text);
        }
        RobotBody::moving(&begin, &end, parameters.robot.padding_m)
            .holding(&held)
            .lacking_parts(!lost.is_empty())
    }
}

fn cover(urdf: &str) -> Result<Vec<LinkBody>, RobotError> {
    let robot = Robot::from_strings(urdf, None)?;
    let of_link = |index: usize| {
        let own = robot.spheres().iter().filter(|sphere| sphere.link == index);
        own.map(|sphere| (sphere.centre, sphere.radius_m)).collect::<Vec<_>>()
    };
    let links = robot.links().iter().enumerate();
    let bodies = links.map(|(index, link)| (link.name.clone(), of_link(index)));
    Ok(bodies.filter(|(_, spheres)| !spheres.is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_without_a_body_need_no_transform() {
        let urdf = r#"<robot name="r">
            <link name="base"><collision><geometry><sphere radius="0.1"/></geometry></collision></link>
            <link name="tool"/>
            <joint name="j" type="fixed"><parent link="base"/><child link="tool"/></joint>
        </robot>"#;
        let links = cover(urdf).unwrap();
        assert_eq!(links.len(), 1);
        assert_eq!(links[0].0, "base");
        assert!(cover("no robot").is_err());
    }
}
