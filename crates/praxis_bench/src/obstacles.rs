use nalgebra::{Matrix3, Rotation3, Translation3, UnitQuaternion, Vector3};
use praxis_collision::{CollisionError, Scene, SceneObject};
use praxis_geometry::{Pose, Shape};
use serde::{Deserialize, Serialize};

/// What stands in a scene, in the robot's root frame, metres.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Obstacles {
    /// Spheres.
    #[serde(default)]
    pub spheres: Vec<Ball>,
    /// Capsules.
    #[serde(default)]
    pub capsules: Vec<Rod>,
    /// Boxes.
    #[serde(default)]
    pub cuboids: Vec<Block>,
}

/// A sphere.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Ball {
    /// Its name.
    pub name: String,
    /// Its centre.
    pub center: [f64; 3],
    /// Its radius.
    pub radius: f64,
}

/// A capsule: everything within `radius` of the segment from `a` to `b`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Rod {
    /// Its name.
    pub name: String,
    /// One end of the axis.
    pub a: [f64; 3],
    /// The other end.
    pub b: [f64; 3],
    /// Its radius.
    pub radius: f64,
}

/// A box.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(from = "BlockText")]
pub struct Block {
    /// Its name.
    pub name: String,
    /// Its centre.
    pub center: [f64; 3],
    /// Half its edges, along its axes.
    pub half_extents: [f64; 3],
    axes: [[f64; 3]; 3],
}

/// A box as files say it: by its axes or by angles.
#[derive(Deserialize)]
struct BlockText {
    name: String,
    center: [f64; 3],
    half_extents: [f64; 3],
    axes: Option<[[f64; 3]; 3]>,
    /// About fixed x, y and z, in this order.
    euler_xyz: Option<[f64; 3]>,
}

impl From<BlockText> for Block {
    fn from(text: BlockText) -> Self {
        let [roll, pitch, yaw] = text.euler_xyz.unwrap_or_default();
        let turned = || {
            let turn = Rotation3::from_euler_angles(roll, pitch, yaw);
            [0, 1, 2].map(|axis| turn.matrix().column(axis).into_owned().into())
        };
        let BlockText { name, center, half_extents, axes, .. } = text;
        Self { name, center, half_extents, axes: axes.unwrap_or_else(turned) }
    }
}

impl Block {
    /// Unit directions of its edges.
    pub fn axes(&self) -> [Vector3<f64>; 3] {
        self.axes.map(Vector3::from)
    }
}

impl Obstacles {
    /// As the planner takes them.
    pub fn scene(&self) -> Result<Scene, CollisionError> {
        let mut scene = Scene::default();
        let mut put = |name: &str, shape: Shape, pose: Pose| {
            scene.objects.push(SceneObject::new(name, &[(shape, pose)])?);
            Ok::<(), CollisionError>(())
        };
        for ball in &self.spheres {
            let [x, y, z] = ball.center;
            put(&ball.name, Shape::Sphere { radius_m: ball.radius }, Pose::translation(x, y, z))?;
        }
        for rod in &self.capsules {
            let (a, b) = (Vector3::from(rod.a), Vector3::from(rod.b));
            let pose = Pose::from_parts(Translation3::from((a + b) * 0.5), from_z_to(b - a));
            let length_m = (b - a).norm().max(1e-9);
            put(&rod.name, Shape::Capsule { radius_m: rod.radius, length_m }, pose)?;
        }
        for block in &self.cuboids {
            let turn = Rotation3::from_matrix(&Matrix3::from_columns(&block.axes()));
            let centre = Translation3::from(Vector3::from(block.center));
            let pose = Pose::from_parts(centre, UnitQuaternion::from_rotation_matrix(&turn));
            let half_extents_m = Vector3::from(block.half_extents);
            put(&block.name, Shape::Box { half_extents_m }, pose)?;
        }
        Ok(scene)
    }
}

fn from_z_to(way: Vector3<f64>) -> UnitQuaternion<f64> {
    let half_turn = || UnitQuaternion::from_axis_angle(&Vector3::x_axis(), std::f64::consts::PI);
    UnitQuaternion::rotation_between(&Vector3::z(), &way).unwrap_or_else(half_turn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_and_angles_say_the_same() {
        let angles = r#"{"name": "b", "center": [0, 0, 0], "half_extents": [1, 2, 3],
            "euler_xyz": [0, 0, 1.5707963267948966]}"#;
        let block: Block = serde_json::from_str(angles).unwrap();
        let [x, y, z] = block.axes();
        assert!((x - Vector3::y()).norm() < 1e-12, "{x}");
        assert!((y + Vector3::x()).norm() < 1e-12, "{y}");
        assert!((z - Vector3::z()).norm() < 1e-12, "{z}");
    }
}
