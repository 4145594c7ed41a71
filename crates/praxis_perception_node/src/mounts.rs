//! Whether the cameras still are where the transforms say.

use std::collections::HashMap;

use praxis_geometry::Pose;
use praxis_perception::{MountWatch, RobotBody, SupportPlane, mount_evidence};
use praxis_ros::{Diagnostics, Level};

use crate::parameters::PerceptionParameters;
use crate::sensor_frame::{Measured, SensorFrame};

/// One picture of so many is asked.
const EVERY: u64 = 5;

/// A watch for each camera, by its frame.
#[derive(Default)]
pub struct Mounts(HashMap<String, Mount>);

#[derive(Default)]
struct Mount {
    watch: MountWatch,
    pictures: u64,
    in_trouble: bool,
}

impl Mounts {
    /// Asks a depth picture and says in the diagnostics what many of them say together.
    pub fn look(
        &mut self,
        frame: &SensorFrame,
        world_from_camera: &Pose,
        robot: &RobotBody,
        parameters: &PerceptionParameters,
        diagnostics: &Diagnostics,
    ) {
        let Measured::Depth(depth, camera) = &frame.measured else { return };
        if !parameters.mount.check {
            return;
        }
        let mount = self.0.entry(frame.frame.clone()).or_default();
        mount.pictures += 1;
        if mount.pictures % EVERY != 1 {
            return;
        }
        let support = SupportPlane::level(parameters.perceiver.plane_height_m);
        let evidence = mount_evidence(depth, camera, world_from_camera, &support, robot);
        // Pictures that do not fit their camera have been refused before.
        let Ok(evidence) = evidence else { return };
        let part = format!("place of {}", frame.frame);
        if let Some((height_m, tilt_rad)) = evidence.support {
            diagnostics.value(&part, "support_height_mm", format!("{:.1}", 1e3 * height_m));
            let tilt_deg = tilt_rad.to_degrees();
            diagnostics.value(&part, "support_tilt_deg", format!("{tilt_deg:.2}"));
        }
        let (asked, through) = evidence.robot;
        diagnostics.value(&part, "robot_spheres_asked", asked);
        diagnostics.value(&part, "robot_spheres_seen_through", through);
        match mount.watch.note(evidence, &parameters.mount) {
            Some(trouble) => {
                if !mount.in_trouble {
                    tracing::warn!(camera = %frame.frame, %trouble, "camera is not where it should be");
                }
                mount.in_trouble = true;
                diagnostics.report(&part, Level::Warn, trouble.to_string());
            }
            None => {
                mount.in_trouble = false;
                diagnostics.report(&part, Level::Ok, "support and robot are where they should be");
            }
        }
    }
}
