//! Where the robot's body is in the picture.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use nalgebra::Point3;
use praxis_geometry::Stamp;
use praxis_perception::{RobotBody, Sphere};
use praxis_ros::tf::TfBuffer;
use praxis_ros::{Diagnostics, Level};

use crate::parameters::PerceptionParameters;

/// Spheres of each link in the link's frame: x, y, z and radius in metres.
type LinkSpheres = BTreeMap<String, Vec<[f64; 4]>>;

/// The robot's body as spheres on its links.
#[derive(Debug, Default)]
pub struct RobotInView {
    links: LinkSpheres,
}

impl RobotInView {
    /// Reads the spheres; an empty file name means that there is no robot to remove.
    pub fn read(parameters: &PerceptionParameters) -> anyhow::Result<Self> {
        let file = &parameters.robot.spheres_file;
        if file.is_empty() || !parameters.robot.exclude {
            return Ok(Self::default());
        }
        let text = std::fs::read_to_string(Path::new(file))
            .with_context(|| format!("cannot read the robot's spheres {file}"))?;
        let links =
            parse(&text).with_context(|| format!("the robot's spheres {file} are wrong"))?;
        Ok(Self { links })
    }

    /// The body at a moment, in the planning frame.
    ///
    /// It fails safe: a link whose place is not known is not removed, and the diagnostics say so.
    pub fn body(
        &self,
        parameters: &PerceptionParameters,
        stamp: Stamp,
        tf: &TfBuffer,
        diagnostics: &Diagnostics,
    ) -> RobotBody {
        let mut spheres = Vec::new();
        let mut lost = Vec::new();
        for (link, own) in &self.links {
            // The robot moves little between the newest known pose and the frame's stamp.
            let pose = tf
                .target_from_source(&parameters.planning_frame, link, stamp)
                .or_else(|_| tf.target_from_source(&parameters.planning_frame, link, Stamp::ZERO));
            match pose {
                Ok(world_from_link) => spheres.extend(own.iter().map(|&[x, y, z, radius_m]| {
                    Sphere { centre: world_from_link * Point3::new(x, y, z), radius_m }
                })),
                Err(_) => lost.push(link.as_str()),
            }
        }
        diagnostics.value("robot", "spheres", spheres.len());
        if !lost.is_empty() {
            let text = format!("not removed, no transform of: {}", lost.join(", "));
            diagnostics.report("robot", Level::Warn, text);
        } else if self.links.is_empty() {
            diagnostics.report("robot", Level::Ok, "no body given, nothing is removed");
        } else {
            diagnostics.report("robot", Level::Ok, "body is removed");
        }
        RobotBody::new(&spheres, parameters.robot.padding_m)
    }
}

fn parse(text: &str) -> anyhow::Result<LinkSpheres> {
    let links: LinkSpheres = serde_saphyr::from_str(text)?;
    for (link, spheres) in &links {
        for [x, y, z, radius] in spheres {
            let sound = [x, y, z, radius].iter().all(|value| value.is_finite());
            anyhow::ensure!(
                sound && *radius > 0.0 && *radius < 2.0,
                "{link}: sphere [{x}, {y}, {z}, {radius}] makes no sense"
            );
        }
    }
    Ok(links)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spheres_are_read_and_checked() {
        let links = parse("base: [[0.0, 0.0, 0.1, 0.05]]\nhand: []").unwrap();
        assert_eq!(links["base"], [[0.0, 0.0, 0.1, 0.05]]);
        assert!(parse("base: [[0.0, 0.0, 0.1]]").is_err());
        assert!(parse("base: [[0.0, 0.0, 0.1, -1.0]]").is_err());
        assert!(parse("base: [[.nan, 0.0, 0.1, 1.0]]").is_err());
    }
}
