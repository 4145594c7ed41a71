//! The robot's body as its description has it, placed by the poses of its links.

use nalgebra::Point3;
use praxis_geometry::Pose;
use praxis_robot::{Robot, RobotError};

use crate::{RobotBody, Sphere};

/// A link's name and the middles and radii of the spheres that cover it, in its own frame.
type LinkBody = (String, Vec<(Point3<f64>, f64)>);

/// The spheres that cover each link, in the link's own frame.
#[derive(Clone, Debug, Default)]
pub struct RobotModel {
    links: Vec<LinkBody>,
}

/// A body and what it lacks.
#[derive(Clone, Debug)]
pub struct PlacedRobot {
    /// The body; links whose place is not known are not part of it.
    pub body: RobotBody,
    /// Spheres in it.
    pub spheres: usize,
    /// Links whose place is not known.
    pub lost: Vec<String>,
}

impl RobotModel {
    /// Covers the links of a URDF that have a body with spheres, which takes a while.
    ///
    /// # Errors
    /// When the description cannot be read.
    pub fn from_urdf(urdf: &str) -> Result<Self, RobotError> {
        let robot = Robot::from_strings(urdf, None)?;
        let of_link = |index: usize| {
            let own = robot.spheres().iter().filter(|sphere| sphere.link == index);
            own.map(|sphere| (sphere.centre, sphere.radius_m)).collect::<Vec<_>>()
        };
        let links = robot.links().iter().enumerate();
        let bodies = links.map(|(index, link)| (link.name.clone(), of_link(index)));
        Ok(Self { links: bodies.filter(|(_, spheres)| !spheres.is_empty()).collect() })
    }

    /// Names of the links that have a body.
    pub fn links(&self) -> impl Iterator<Item = &str> {
        self.links.iter().map(|(name, _)| name.as_str())
    }

    /// The body that moves while a frame is exposed.
    ///
    /// `at_begin` and `at_end` tell where a link stood in the planning frame. A link that has no
    /// place at the end is left out and named; one without a place at the begin stood still.
    pub fn place(
        &self,
        at_begin: impl Fn(&str) -> Option<Pose>,
        at_end: impl Fn(&str) -> Option<Pose>,
        padding_m: f64,
    ) -> PlacedRobot {
        let (mut begin, mut end, mut lost) = (Vec::new(), Vec::new(), Vec::new());
        for (link, own) in &self.links {
            let Some(world_from_link) = at_end(link) else {
                lost.push(link.clone());
                continue;
            };
            let before = at_begin(link).unwrap_or(world_from_link);
            for &(centre, radius_m) in own {
                begin.push(Sphere { centre: before * centre, radius_m });
                end.push(Sphere { centre: world_from_link * centre, radius_m });
            }
        }
        let spheres = end.len();
        PlacedRobot { body: RobotBody::moving(&begin, &end, padding_m), spheres, lost }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_without_a_body_need_no_place_and_a_lost_one_is_named() {
        let urdf = r#"<robot name="r">
            <link name="base"><collision><geometry><sphere radius="0.1"/></geometry></collision></link>
            <link name="tool"/>
            <joint name="j" type="fixed"><parent link="base"/><child link="tool"/></joint>
        </robot>"#;
        let model = RobotModel::from_urdf(urdf).unwrap();
        assert_eq!(model.links().collect::<Vec<_>>(), ["base"]);
        let here = |_: &str| Some(Pose::identity());
        let placed = model.place(here, here, 0.0);
        assert!(placed.lost.is_empty() && placed.body.contains([0.0; 3]));
        let placed = model.place(here, |_| None, 0.0);
        assert_eq!(placed.lost, ["base"]);
        assert!(placed.body.is_empty());
        assert!(RobotModel::from_urdf("no robot").is_err());
    }
}
