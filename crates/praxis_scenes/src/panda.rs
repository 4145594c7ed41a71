//! The robot that gets in the way: link meshes and forward kinematics, with random postures.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};
use std::path::Path;

use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};
use praxis_render::{InstanceId, Material, Mesh, RenderError, Scene, load_stl};
use rand_chacha::ChaCha8Rng;

use crate::random::{chance, even};

/// Position (x, y, z) and roll of each joint's frame in the one before.
const JOINTS: [([f64; 3], f64); 7] = [
    ([0.0, 0.0, 0.333], 0.0),
    ([0.0, 0.0, 0.0], -FRAC_PI_2),
    ([0.0, -0.316, 0.0], FRAC_PI_2),
    ([0.0825, 0.0, 0.0], FRAC_PI_2),
    ([-0.0825, 0.384, 0.0], -FRAC_PI_2),
    ([0.0, 0.0, 0.0], FRAC_PI_2),
    ([0.088, 0.0, 0.0], FRAC_PI_2),
];

/// Meshes of the links, hand and fingers, as read from files.
pub struct PandaMeshes(Vec<Mesh>);

/// How the robot stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Posture {
    /// Angles of the seven joints.
    pub joints_rad: [f64; 7],
    /// How far each finger is from the middle.
    pub finger_m: f64,
    /// Where the fingers close.
    pub world_from_tool: Isometry3<f64>,
}

impl PandaMeshes {
    /// Reads `link0.stl` … `link7.stl`, `hand.stl` and `finger.stl`.
    ///
    /// # Errors
    /// When a file is missing or no binary STL.
    pub fn read(folder: &Path) -> Result<Self, RenderError> {
        let links = (0..8).map(|i| format!("link{i}"));
        let names = links.chain(["hand", "finger", "finger"].map(String::from));
        let read = |name: String| load_stl(&folder.join(name + ".stl"), 1.0);
        Ok(Self(names.map(read).collect::<Result<_, _>>()?))
    }

    /// Adds the robot in a random posture and paint.
    pub(crate) fn add_to(&self, scene: &mut Scene, rng: &mut ChaCha8Rng) -> Posture {
        let (poses, posture) = random_posture(rng);
        let grey = even(rng, 0.6, 1.0);
        let mut light =
            Material::plain([0.0, 0.02, 0.05].map(|d| (grey - d * even(rng, 0.0, 1.0)) as f32));
        light.gloss = even(rng, 0.0, 0.4) as f32;
        let dark = Material::plain([even(rng, 0.05, 0.9) as f32; 3]);
        for (index, (mesh, pose)) in self.0.iter().zip(&poses).enumerate() {
            let material = if index >= 8 { dark } else { light };
            let _: InstanceId = scene.add(mesh.clone(), material, *pose);
        }
        posture
    }
}

fn random_posture(rng: &mut ChaCha8Rng) -> (Vec<Isometry3<f64>>, Posture) {
    loop {
        let q2 = even(rng, -1.3, 1.0);
        let q4 = even(rng, -2.95, -0.9);
        let looks_down = chance(rng, 0.7);
        let spread = if looks_down { 0.12 } else { 0.9 };
        let joints = [
            even(rng, -1.4, 1.6),
            q2,
            even(rng, -1.0, 1.0) * spread,
            q4,
            even(rng, -1.0, 1.0) * spread,
            (q2 - q4 + even(rng, -1.0, 1.0) * spread).clamp(0.0, 3.7),
            even(rng, -2.8, 2.8),
        ];
        let finger_m = even(rng, 0.0, 0.04);
        let (poses, tool) = forward(&joints, finger_m);
        let lowest = poses[3..].iter().map(|pose| pose.translation.z).fold(f64::MAX, f64::min);
        if lowest > 0.06 && tool.translation.z > 0.005 {
            return (poses, Posture { joints_rad: joints, finger_m, world_from_tool: tool });
        }
    }
}

fn forward(joints: &[f64; 7], finger_m: f64) -> (Vec<Isometry3<f64>>, Isometry3<f64>) {
    let mut pose = Isometry3::identity();
    let mut poses = vec![pose];
    for (([x, y, z], roll), &angle) in JOINTS.iter().zip(joints) {
        pose *= Isometry3::from_parts(
            Translation3::new(*x, *y, *z),
            UnitQuaternion::from_euler_angles(*roll, 0.0, 0.0)
                * UnitQuaternion::from_axis_angle(&Vector3::z_axis(), angle),
        );
        poses.push(pose);
    }
    let about_z = |angle| UnitQuaternion::from_axis_angle(&Vector3::z_axis(), angle);
    let hand =
        pose * Isometry3::from_parts(Translation3::new(0.0, 0.0, 0.107), about_z(-FRAC_PI_4));
    let finger = |side: f64, angle| {
        let shift = Translation3::new(0.0, side * finger_m, 0.0584);
        hand * Isometry3::from_parts(shift, about_z(angle))
    };
    poses.extend([hand, finger(1.0, 0.0), finger(-1.0, PI)]);
    (poses, hand * Translation3::new(0.0, 0.0, 0.1034))
}
