//! Whether a camera still is where the transforms say.

use std::collections::VecDeque;

use nalgebra::{Point3, Vector3};
use praxis_geometry::Pose;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::exclusion::RobotBody;
use crate::plane::SupportPlane;
use crate::{CameraModel, DepthImage, PerceptionError};

/// When a camera counts as moved.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MountConfig {
    /// Whether it is looked after.
    pub check: bool,
    /// The support may be seen so much higher or lower than it is, metres.
    #[schemars(range(min = 0.001, max = 1.0))]
    pub max_height_m: f64,
    /// The support may be seen so much tilted, radians.
    #[schemars(range(min = 0.001, max = 1.0))]
    pub max_tilt_rad: f64,
    /// So much of the robot may be looked through where its joints say that it is, as a share.
    #[schemars(range(min = 0.05, max = 1.0))]
    pub max_seen_through: f64,
}

impl Default for MountConfig {
    fn default() -> Self {
        Self { check: true, max_height_m: 0.015, max_tilt_rad: 0.025, max_seen_through: 0.6 }
    }
}

/// What one depth picture says about the camera's place.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MountEvidence {
    /// How much higher the support is seen than it is, metres, and by how much tilted, radians; none
    /// when the picture shows too little of it.
    pub support: Option<(f64, f64)>,
    /// Spheres of the robot that should be seen, and those of them that are looked through.
    pub robot: (usize, usize),
}

/// Why a camera counts as moved.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum MountTrouble {
    /// The support is not where it should be.
    #[error(
        "the support is seen {:.0} mm {} and tilted by {:.1}°: has the camera moved, or the \
         support? `praxis calibrate` finds the camera's place",
        1e3 * height_m.abs(), if *height_m > 0.0 { "too high" } else { "too low" },
        tilt_rad.to_degrees()
    )]
    Support {
        /// How much higher it is seen, metres.
        height_m: f64,
        /// How much it is tilted, radians.
        tilt_rad: f64,
    },
    /// The robot is not where it should be.
    #[error(
        "{:.0} % of the robot is looked through where its joints say that it is: has the camera \
         moved, or are joint states or description wrong?",
        100.0 * share
    )]
    Robot {
        /// Share of its spheres.
        share: f64,
    },
}

/// What a depth picture says about the camera's place.
///
/// `support` is where the support is known to be; points within 0.1 m of it are asked. A sphere of
/// the robot is looked through when the surface seen there lies behind it.
///
/// # Errors
/// When picture and camera do not belong together.
pub fn mount_evidence(
    depth: &DepthImage,
    camera: &CameraModel,
    world_from_camera: &Pose,
    support: &SupportPlane,
    robot: &RobotBody,
) -> Result<MountEvidence, PerceptionError> {
    let camera = camera.for_size("depth", depth.width(), depth.height())?;
    Ok(MountEvidence {
        support: support_offset(depth, &camera, world_from_camera, support),
        robot: robot_seen_through(depth, &camera, world_from_camera, robot),
    })
}

fn support_offset(
    depth: &DepthImage,
    camera: &CameraModel,
    world_from_camera: &Pose,
    support: &SupportPlane,
) -> Option<(f64, f64)> {
    const STEP: usize = 16;
    const NEAR_M: f64 = 0.1;
    const LEAST_POINTS: usize = 100;
    let mut points = Vec::new();
    for row in (STEP / 2..depth.height()).step_by(STEP) {
        for column in (STEP / 2..depth.width()).step_by(STEP) {
            let distance = f64::from(depth.at(column, row));
            if distance.is_nan() {
                continue;
            }
            let ray = camera.ray([column as f64, row as f64]);
            let point = world_from_camera * Point3::from(ray * distance);
            if (point.z - support.z_at(point.x, point.y)).abs() < NEAR_M {
                points.push([point.x as f32, point.y as f32, point.z as f32]);
            }
        }
    }
    if points.len() < LEAST_POINTS {
        return None;
    }
    let seen = SupportPlane::estimate(&points, 0.006, 0.3, 0.4, 1)?;
    let count = points.len() as f64;
    let middle = [0, 1].map(|axis| points.iter().map(|p| f64::from(p[axis])).sum::<f64>() / count);
    let height_m = seen.z_at(middle[0], middle[1]) - support.z_at(middle[0], middle[1]);
    let normal = |plane: &SupportPlane| Vector3::new(-plane.slope_x, -plane.slope_y, 1.0);
    Some((height_m, normal(&seen).angle(&normal(support))))
}

/// How many spheres should be seen, and how many are looked through.
fn robot_seen_through(
    depth: &DepthImage,
    camera: &CameraModel,
    world_from_camera: &Pose,
    robot: &RobotBody,
) -> (usize, usize) {
    const MARGIN_M: f64 = 0.03;
    let camera_from_world = world_from_camera.inverse();
    let (mut asked, mut through) = (0, 0);
    for (centre, radius_m) in robot.spheres() {
        let at = camera_from_world * centre;
        let Some(pixel) = camera.project(&at).filter(|&pixel| camera.sees(pixel)) else { continue };
        let [column, row] = pixel.map(|at| at.round().max(0.0) as usize);
        if column >= depth.width() || row >= depth.height() {
            continue;
        }
        let seen = f64::from(depth.at(column, row));
        // A hole says nothing, and neither does what stands before the sphere.
        if seen.is_nan() || seen < at.z - radius_m - MARGIN_M {
            continue;
        }
        asked += 1;
        through += usize::from(seen > at.z + radius_m + MARGIN_M);
    }
    (asked, through)
}

/// Judges a camera's place by what many pictures say.
#[derive(Clone, Debug, Default)]
pub struct MountWatch {
    newest: VecDeque<MountEvidence>,
}

impl MountWatch {
    const KEPT: usize = 15;
    const LEAST: usize = 5;
    const LEAST_SPHERES: usize = 60;

    /// Takes in one more picture's evidence; the trouble, if most of the newest agree on one.
    pub fn note(&mut self, evidence: MountEvidence, config: &MountConfig) -> Option<MountTrouble> {
        if self.newest.len() == Self::KEPT {
            self.newest.pop_front();
        }
        self.newest.push_back(evidence);
        let mut supports: Vec<(f64, f64)> =
            self.newest.iter().filter_map(|evidence| evidence.support).collect();
        if supports.len() >= Self::LEAST {
            let half = supports.len() / 2;
            let height_m = supports.select_nth_unstable_by(half, |a, b| a.0.total_cmp(&b.0)).1.0;
            let tilt_rad = supports.select_nth_unstable_by(half, |a, b| a.1.total_cmp(&b.1)).1.1;
            if height_m.abs() > config.max_height_m || tilt_rad > config.max_tilt_rad {
                return Some(MountTrouble::Support { height_m, tilt_rad });
            }
        }
        let (asked, through) =
            self.newest.iter().fold((0, 0), |sum, e| (sum.0 + e.robot.0, sum.1 + e.robot.1));
        let share = through as f64 / asked.max(1) as f64;
        let enough = self.newest.len() >= Self::LEAST && asked >= Self::LEAST_SPHERES;
        (enough && share > config.max_seen_through).then_some(MountTrouble::Robot { share })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sphere;
    use nalgebra::{Isometry3, UnitQuaternion};

    fn camera() -> CameraModel {
        CameraModel::pinhole(320, 240, 300.0).unwrap()
    }

    /// 0.8 m above the table, looking down at a slant.
    fn world_from_camera() -> Pose {
        let turn = UnitQuaternion::from_euler_angles(std::f64::consts::PI - 0.4, 0.0, 0.0);
        Isometry3::from_parts(Vector3::new(0.4, 0.0, 0.8).into(), turn)
    }

    /// The table z = 0 and a ball on it, or only the table.
    fn picture(ball: Option<(Point3<f64>, f64)>) -> DepthImage {
        let (camera, pose) = (camera(), world_from_camera());
        let mut depth = Vec::new();
        for row in 0..240 {
            for column in 0..320 {
                let ray = camera.ray([f64::from(column), f64::from(row)]);
                let (eye, way) = (pose.translation.vector, pose.rotation * ray);
                let mut nearest = -eye.z / way.z;
                if let Some((centre, radius)) = ball {
                    let to_eye = eye - centre.coords;
                    let (a, b) = (way.norm_squared(), way.dot(&to_eye));
                    let inside = b * b - a * (to_eye.norm_squared() - radius * radius);
                    if inside > 0.0 {
                        nearest = nearest.min((-b - inside.sqrt()) / a);
                    }
                }
                depth.push(nearest as f32);
            }
        }
        DepthImage::from_metres(320, 240, depth).unwrap()
    }

    fn judged(depth: &DepthImage, pose: &Pose, robot: &RobotBody) -> Option<MountTrouble> {
        let mut watch = MountWatch::default();
        let mut trouble = None;
        for _ in 0..10 {
            let support = SupportPlane::level(0.0);
            let evidence = mount_evidence(depth, &camera(), pose, &support, robot).unwrap();
            trouble = watch.note(evidence, &MountConfig::default());
        }
        trouble
    }

    #[test]
    fn a_camera_that_was_turned_or_lowered_is_told_by_the_support() {
        let (depth, robot) = (picture(None), RobotBody::default());
        assert_eq!(judged(&depth, &world_from_camera(), &robot), None);
        let turned = world_from_camera() * UnitQuaternion::from_euler_angles(0.04, 0.0, 0.0);
        let trouble = judged(&depth, &turned, &robot);
        assert!(matches!(trouble, Some(MountTrouble::Support { .. })), "{trouble:?}");
        let lowered = Pose::translation(0.0, 0.0, 0.03) * world_from_camera();
        let trouble = judged(&depth, &lowered, &robot).unwrap();
        assert!(trouble.to_string().contains("30 mm too high"), "{trouble}");
    }

    #[test]
    fn a_camera_that_was_shifted_is_told_by_the_robot() {
        let centre = Point3::new(0.4, -0.25, 0.1);
        let depth = picture(Some((centre, 0.05)));
        let inside = |k: usize| {
            let along = Vector3::new(0.002 * k as f64 - 0.01, 0.0, 0.0);
            Sphere { centre: centre + along, radius_m: 0.04 }
        };
        let robot = RobotBody::new(&(0..10).map(inside).collect::<Vec<_>>(), 0.0);
        let support = SupportPlane::level(0.0);
        let place = world_from_camera();
        let here = mount_evidence(&depth, &camera(), &place, &support, &robot).unwrap();
        assert_eq!(here.robot, (10, 0));
        assert_eq!(judged(&depth, &place, &robot), None);
        // Along the table the support looks the same.
        let shifted = Pose::translation(0.15, 0.0, 0.0) * world_from_camera();
        let trouble = judged(&depth, &shifted, &robot);
        assert!(matches!(trouble, Some(MountTrouble::Robot { .. })), "{trouble:?}");
    }

    #[test]
    fn one_odd_picture_and_an_empty_one_say_nothing() {
        let mut watch = MountWatch::default();
        let config = MountConfig::default();
        for k in 0..10 {
            let height = if k == 7 { 0.08 } else { 0.001 };
            let evidence = MountEvidence { support: Some((height, 0.001)), robot: (0, 0) };
            assert_eq!(watch.note(evidence, &config), None);
        }
        let holes = DepthImage::from_metres(320, 240, vec![0.0; 320 * 240]).unwrap();
        assert_eq!(judged(&holes, &world_from_camera(), &RobotBody::default()), None);
    }
}
