//! The model text that the physics engine compiles.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::PathBuf;

use nalgebra::{Matrix3, Vector3};
use praxis_geometry::{Pose, Shape};
use praxis_world::{Conveyor, FixedBox, ObjectInstance};

use crate::description::{LinkDescription, Mimic, RobotDescription, SolidShape};

/// Numbers of the physics that no description gives.
#[derive(Clone, Debug, PartialEq)]
pub struct PhysicsConfig {
    /// Length of a physics step, seconds.
    pub timestep_s: f64,
    /// Inertia of each motor's rotor as the joint feels it, kg m².
    pub rotor_inertia_kgm2: f64,
    /// Viscous friction of each turning joint, N m s.
    pub joint_damping: f64,
    /// Dry friction of each turning joint, N m. The driver does not compensate it.
    pub joint_dry_friction_nm: f64,
    /// Mass that a finger's drive feels, kg.
    pub finger_drive_mass_kg: f64,
    /// Sliding friction between finger pads and objects.
    pub pad_friction: f64,
    /// Sliding friction of everything else.
    pub friction: f64,
}

impl Default for PhysicsConfig {
    fn default() -> Self {
        Self {
            timestep_s: 0.001,
            rotor_inertia_kgm2: 0.1,
            joint_damping: 0.5,
            joint_dry_friction_nm: 0.1,
            finger_drive_mass_kg: 0.5,
            pad_friction: 1.2,
            friction: 0.9,
        }
    }
}

/// Prefix of the names of bodies and geoms, by what they belong to.
pub(crate) const ROBOT: &str = "robot/";
/// See [`ROBOT`].
pub(crate) const FIXED: &str = "fixed/";
/// See [`ROBOT`].
pub(crate) const OBJECT: &str = "object/";

/// The joint along which a conveyor's surface moves.
pub(crate) const CONVEYOR: &str = "conveyor/along";
/// So heavy that nothing that lies on it slows it down, kg.
const CONVEYOR_MASS_KG: f64 = 1e4;

/// Writes the model: robot, what stands fixed, and what lies about.
pub(crate) fn write_model(
    robot: &RobotDescription,
    finger_links: &[String],
    fixed: &[FixedBox],
    conveyor: Option<&Conveyor>,
    objects: &[ObjectInstance],
    config: &PhysicsConfig,
) -> String {
    let mut writer = Writer { text: String::new(), config, finger_links, meshes: BTreeMap::new() };
    writer.robot_meshes(robot);
    writer.head();
    writer.line("<worldbody>");
    for fixed_box in fixed {
        match conveyor.filter(|conveyor| conveyor.id == fixed_box.id) {
            Some(conveyor) => writer.conveyor(fixed_box, conveyor),
            None => writer.fixed_box(fixed_box),
        }
    }
    writer.link(robot, 0);
    for object in objects {
        writer.object(object);
    }
    writer.line("</worldbody>");
    writer.actuators(robot);
    writer.mimics(robot);
    writer.excludes(robot);
    writer.line("</mujoco>");
    writer.text
}

struct Writer<'a> {
    text: String,
    config: &'a PhysicsConfig,
    finger_links: &'a [String],
    meshes: BTreeMap<(PathBuf, String), String>,
}

impl Writer<'_> {
    fn line(&mut self, line: impl AsRef<str>) {
        self.text.push_str(line.as_ref());
        self.text.push('\n');
    }

    fn robot_meshes(&mut self, robot: &RobotDescription) {
        for solid in robot.links.iter().flat_map(|link| &link.solids) {
            if let SolidShape::Mesh(path, scale) = &solid.shape {
                let count = self.meshes.len();
                let key = (path.clone(), spaced(scale));
                self.meshes.entry(key).or_insert_with(|| format!("mesh_{count}"));
            }
        }
    }

    fn head(&mut self) {
        let PhysicsConfig { timestep_s, friction, .. } = self.config;
        let head = format!(
            r#"<mujoco model="praxis">
<compiler angle="radian" inertiafromgeom="false" balanceinertia="true" boundmass="1e-6" boundinertia="1e-9"/>
<option timestep="{timestep_s}" integrator="implicitfast" cone="elliptic" impratio="10">
<flag multiccd="enable"/>
</option>
<size memory="8M"/>
<default>
<geom friction="{friction} 0.005 0.0001" condim="4" solref="0.008 1" solimp="0.9 0.98 0.001"/>
<default class="pad">
<geom friction="{pad} 0.02 0.0005" condim="4" priority="1" solref="0.008 1" solimp="0.95 0.99 0.001"/>
</default>
</default>
<asset>"#,
            pad = self.config.pad_friction,
        );
        self.line(head);
        let meshes: Vec<String> = self
            .meshes
            .iter()
            .map(|((path, scale), name)| {
                let file = escaped(&path.to_string_lossy());
                format!(r#"<mesh name="{name}" file="{file}" scale="{scale}" inertia="convex"/>"#)
            })
            .collect();
        self.line(meshes.join("\n"));
        self.line("</asset>");
    }

    fn fixed_box(&mut self, fixed: &FixedBox) {
        let line = format!(
            r#"<geom name="{FIXED}{}" type="box" size="{}" {}/>"#,
            escaped(&fixed.id),
            spaced(&(0.5 * fixed.size_m)),
            placed(&fixed.world_from_box),
        );
        self.line(line);
    }

    /// A box that is moved back after every step: only its velocity is felt.
    fn conveyor(&mut self, fixed: &FixedBox, conveyor: &Conveyor) {
        let along = conveyor.velocity_mps.normalize();
        self.line("<body>");
        self.line(format!(
            r#"<joint name="{CONVEYOR}" type="slide" axis="{} {} 0"/>"#,
            along.x, along.y
        ));
        self.line(format!(
            r#"<inertial pos="0 0 0" mass="{CONVEYOR_MASS_KG}" diaginertia="1 1 1"/>"#
        ));
        self.fixed_box(fixed);
        self.line("</body>");
    }

    fn link(&mut self, robot: &RobotDescription, index: usize) {
        let link = &robot.links[index];
        let name = escaped(&link.name);
        self.line(format!(r#"<body name="{ROBOT}{name}" {}>"#, placed(&link.parent_from_link)));
        if link.mass_kg > 0.0 {
            let [xx, yy, zz, xy, xz, yz] = link.inertia_kgm2;
            // Given as a full tensor; a frame turned against the link's is turned back here.
            let turned = link.link_from_inertia.rotation.to_rotation_matrix();
            let tensor = turned.matrix()
                * Matrix3::new(xx, xy, xz, xy, yy, yz, xz, yz, zz)
                * turned.matrix().transpose();
            let tensor = possible_tensor(tensor, link.mass_kg);
            self.line(format!(
                r#"<inertial pos="{}" mass="{}" fullinertia="{} {} {} {} {} {}"/>"#,
                spaced(&link.link_from_inertia.translation.vector),
                link.mass_kg,
                tensor.m11,
                tensor.m22,
                tensor.m33,
                tensor.m12,
                tensor.m13,
                tensor.m23,
            ));
        }
        self.joint(link);
        self.solids(link);
        for child in 0..robot.links.len() {
            if robot.links[child].parent == Some(index) {
                self.link(robot, child);
            }
        }
        self.line("</body>");
    }

    fn joint(&mut self, link: &LinkDescription) {
        let Some(joint) = &link.joint else { return };
        let PhysicsConfig { rotor_inertia_kgm2, joint_damping, joint_dry_friction_nm, .. } =
            *self.config;
        let (kind, armature, damping, friction) = if joint.prismatic {
            ("slide", self.config.finger_drive_mass_kg, 5.0, 0.0)
        } else {
            ("hinge", rotor_inertia_kgm2, joint_damping, joint_dry_friction_nm)
        };
        let range = match joint.range {
            [lower, upper] if lower.is_finite() && upper.is_finite() => {
                format!(r#"limited="true" range="{lower} {upper}""#)
            }
            _ => r#"limited="false""#.to_owned(),
        };
        self.line(format!(
            r#"<joint name="{}" type="{kind}" axis="{}" {range} armature="{armature}" damping="{damping}" frictionloss="{friction}"/>"#,
            escaped(&joint.name),
            spaced(&joint.axis),
        ));
    }

    fn solids(&mut self, link: &LinkDescription) {
        let class = if self.finger_links.contains(&link.name) { r#"class="pad""# } else { "" };
        for (number, solid) in link.solids.iter().enumerate() {
            let shape = match &solid.shape {
                SolidShape::Box(half) => format!(r#"type="box" size="{}""#, spaced(half)),
                SolidShape::Cylinder(radius, length) => {
                    format!(r#"type="cylinder" size="{radius} {}""#, 0.5 * length)
                }
                SolidShape::Sphere(radius) => format!(r#"type="sphere" size="{radius}""#),
                SolidShape::Mesh(path, scale) => {
                    let name = &self.meshes[&(path.clone(), spaced(scale))];
                    format!(r#"type="mesh" mesh="{name}""#)
                }
            };
            self.line(format!(
                r#"<geom name="{ROBOT}{}/{number}" {class} {shape} {}/>"#,
                escaped(&link.name),
                placed(&solid.link_from_solid),
            ));
        }
    }

    fn object(&mut self, object: &ObjectInstance) {
        let id = escaped(&object.id);
        self.line(format!(r#"<body name="{OBJECT}{id}" {}>"#, placed(&object.world_from_object)));
        self.line("<freejoint/>");
        let inertia = object_inertia_kgm2(object);
        self.line(format!(
            r#"<inertial pos="0 0 0" mass="{}" diaginertia="{}"/>"#,
            object.mass_kg,
            spaced(&inertia),
        ));
        for (number, part) in object.parts.iter().enumerate() {
            let shape = match &part.shape {
                Shape::Box { half_extents_m } => {
                    format!(r#"type="box" size="{}""#, spaced(half_extents_m))
                }
                Shape::Cylinder { radius_m, length_m } => {
                    format!(r#"type="cylinder" size="{radius_m} {}""#, 0.5 * length_m)
                }
                Shape::Sphere { radius_m } => format!(r#"type="sphere" size="{radius_m}""#),
                Shape::Capsule { radius_m, length_m } => {
                    format!(r#"type="capsule" size="{radius_m} {}""#, 0.5 * length_m)
                }
                // Worlds are made of boxes and cylinders; a mesh has no place in a layout.
                Shape::Mesh(_) => continue,
            };
            self.line(format!(
                r#"<geom name="{OBJECT}{id}/{number}" {shape} {}/>"#,
                placed(&part.object_from_part),
            ));
        }
        self.line("</body>");
    }

    fn actuators(&mut self, robot: &RobotDescription) {
        self.line("<actuator>");
        for joint in robot.moving_joints() {
            let name = escaped(&joint.name);
            let effort = joint.max_effort;
            let range = if effort.is_finite() {
                format!(r#"ctrllimited="true" ctrlrange="-{effort} {effort}""#)
            } else {
                r#"ctrllimited="false""#.to_owned()
            };
            self.line(format!(r#"<motor name="{name}" joint="{name}" {range}/>"#));
        }
        self.line("</actuator>");
    }

    fn mimics(&mut self, robot: &RobotDescription) {
        self.line("<equality>");
        for joint in robot.moving_joints() {
            if let Some(Mimic { joint: mimicked, multiplier, offset }) = &joint.mimics {
                self.line(format!(
                    r#"<joint joint1="{}" joint2="{}" polycoef="{offset} {multiplier} 0 0 0" solref="0.006 1"/>"#,
                    escaped(&joint.name),
                    escaped(mimicked),
                ));
            }
        }
        self.line("</equality>");
    }

    fn excludes(&mut self, robot: &RobotDescription) {
        let known: BTreeSet<&str> = robot.links.iter().map(|link| link.name.as_str()).collect();
        let mut pairs: BTreeSet<(String, String)> = robot
            .may_touch
            .iter()
            .filter(|(a, b)| known.contains(a.as_str()) && known.contains(b.as_str()) && a != b)
            .cloned()
            .collect();
        pairs.extend(neighbours(robot));
        for (index, a) in self.finger_links.iter().enumerate() {
            pairs.extend(self.finger_links[..index].iter().map(|b| (a.clone(), b.clone())));
        }
        self.line("<contact>");
        for (a, b) in pairs {
            self.line(format!(
                r#"<exclude body1="{ROBOT}{}" body2="{ROBOT}{}"/>"#,
                escaped(&a),
                escaped(&b)
            ));
        }
        self.line("</contact>");
    }
}

/// Links on either side of one moving joint, links without solids in between left out.
fn neighbours(robot: &RobotDescription) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for link in robot.links.iter().filter(|link| !link.solids.is_empty()) {
        let mut above = link.parent;
        while let Some(index) = above {
            if !robot.links[index].solids.is_empty() {
                pairs.push((robot.links[index].name.clone(), link.name.clone()));
                break;
            }
            above = robot.links[index].parent;
        }
    }
    pairs
}

/// Radius of the ball that stands for a link whose file gives a mass and no sound tensor, metres.
const STAND_IN_M: f64 = 0.05;

/// The tensor, or a ball's of the same mass where it is none of any body: descriptions often have
/// zeros there, which the engine refuses.
fn possible_tensor(tensor: Matrix3<f64>, mass_kg: f64) -> Matrix3<f64> {
    let moments = tensor.symmetric_eigenvalues();
    if moments.min() > 1e-12 {
        return tensor;
    }
    Matrix3::identity() * (0.4 * mass_kg * STAND_IN_M * STAND_IN_M)
}

/// About the object's centre, its parts of one density, overlaps counted twice.
fn object_inertia_kgm2(object: &ObjectInstance) -> Vector3<f64> {
    let solids = object.parts.iter().filter_map(|part| match part.shape {
        Shape::Box { half_extents_m: h } => {
            let square = h.component_mul(&h) / 3.0;
            Some((8.0 * h.product(), square.sum() * Vector3::repeat(1.0) - square))
        }
        Shape::Cylinder { radius_m: r, length_m: l } => {
            let across = r * r / 4.0 + l * l / 12.0;
            Some((r * r * l * std::f64::consts::PI, Vector3::new(across, across, r * r / 2.0)))
        }
        _ => None,
    });
    let (volume, moment) = solids.fold((0.0, Vector3::zeros()), |(volume, moment), (v, unit)| {
        (volume + v, moment + v * unit)
    });
    if volume > 0.0 {
        return object.mass_kg * moment / volume;
    }
    object.mass_kg * object.size_m.norm_squared() / 12.0 * Vector3::repeat(1.0)
}

fn spaced(v: &Vector3<f64>) -> String {
    format!("{} {} {}", v.x, v.y, v.z)
}

fn placed(pose: &Pose) -> String {
    let mut text = format!(r#"pos="{}""#, spaced(&pose.translation.vector));
    let q = pose.rotation;
    // Writing to a string cannot fail.
    let _ = write!(text, r#" quat="{} {} {} {}""#, q.w, q.i, q.j, q.k);
    text
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tensors_of_no_body_are_replaced() {
        let sound = Matrix3::new(2e-6, 1e-7, 0.0, 1e-7, 3e-6, 0.0, 0.0, 0.0, 4e-6);
        assert_eq!(possible_tensor(sound, 0.1), sound);
        for wrong in [Matrix3::zeros(), Matrix3::from_diagonal(&Vector3::new(1.0, 1.0, -1.0))] {
            let replaced = possible_tensor(wrong, 0.1);
            assert!((replaced - Matrix3::identity() * 1e-4).abs().max() < 1e-12, "{replaced}");
        }
    }
}
