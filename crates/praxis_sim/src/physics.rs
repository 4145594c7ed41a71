use mujoco_rs::prelude::*;
use nalgebra::{DMatrix, Isometry3, Quaternion, Translation3, UnitQuaternion, Vector3};
use praxis_geometry::Pose;
use praxis_world::{Conveyor, FixedBox, ObjectInstance};

use crate::description::RobotDescription;
use crate::error::SimError;
use crate::mjcf::{CONVEYOR, FIXED, OBJECT, PhysicsConfig, ROBOT, write_model};

/// What a solid of the physics belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// A link of the robot, by its index in the description.
    Link(usize),
    /// Something fixed, by its index.
    Fixed(usize),
    /// An object, by its index in the layout.
    Object(usize),
}

/// Two solids that touch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contact {
    /// Who touches.
    pub between: [Owner; 2],
    /// Where.
    pub point_in_world: Vector3<f64>,
    /// From the first to the second.
    pub normal_in_world: Vector3<f64>,
}

/// Where one joint's numbers stand in the engine's arrays.
#[derive(Clone, Copy, Debug)]
struct JointSlot {
    position: usize,
    velocity: usize,
    actuator: usize,
}

/// Where a conveyor's numbers stand in the engine's arrays, and how fast it is.
#[derive(Clone, Copy, Debug)]
struct ConveyorSlot {
    position: usize,
    velocity: usize,
    speed_mps: f64,
}

/// The physics engine with one robot, one world and one layout in it.
pub(crate) struct Physics {
    data: MjData<Box<MjModel>>,
    joints: Vec<JointSlot>,
    conveyor: Option<ConveyorSlot>,
    link_bodies: Vec<usize>,
    object_bodies: Vec<usize>,
    owners: Vec<Owner>,
    mass_matrix: Vec<f64>,
}

impl Physics {
    pub(crate) fn new(
        robot: &RobotDescription,
        finger_links: &[String],
        fixed: &[FixedBox],
        conveyor: Option<&Conveyor>,
        objects: &[ObjectInstance],
        config: &PhysicsConfig,
    ) -> Result<Self, SimError> {
        let text = write_model(robot, finger_links, fixed, conveyor, objects, config);
        let engine = |error: &dyn std::fmt::Display| SimError::Engine { reason: error.to_string() };
        let model = MjModel::from_xml_string(&text).map_err(|error| engine(&error))?;

        let id = |kind: MjtObjBase, name: String| {
            let missing = || SimError::Unknown { kind: "body or joint", name: name.clone() };
            model.name_to_id(kind, &name).ok_or_else(missing)
        };
        let joints: Vec<JointSlot> = robot
            .moving_joints()
            .map(|joint| {
                let joint_id = id(MjtObjBase::mjOBJ_JOINT, joint.name.clone())?;
                Ok(JointSlot {
                    position: model.jnt_qposadr()[joint_id] as usize,
                    velocity: model.jnt_dofadr()[joint_id] as usize,
                    actuator: id(MjtObjBase::mjOBJ_ACTUATOR, joint.name.clone())?,
                })
            })
            .collect::<Result<_, SimError>>()?;
        let conveyor = conveyor
            .map(|conveyor| {
                let joint = id(MjtObjBase::mjOBJ_JOINT, CONVEYOR.to_owned())?;
                Ok::<_, SimError>(ConveyorSlot {
                    position: model.jnt_qposadr()[joint] as usize,
                    velocity: model.jnt_dofadr()[joint] as usize,
                    speed_mps: conveyor.velocity_mps.norm(),
                })
            })
            .transpose()?;
        let body = |prefix: &str, name: &str| id(MjtObjBase::mjOBJ_BODY, format!("{prefix}{name}"));
        let link_bodies: Vec<usize> =
            robot.links.iter().map(|link| body(ROBOT, &link.name)).collect::<Result<_, _>>()?;
        let object_bodies: Vec<usize> =
            objects.iter().map(|object| body(OBJECT, &object.id)).collect::<Result<_, _>>()?;
        let owners = owners(&model, &link_bodies, &object_bodies, fixed)?;

        let velocities = model.ffi().nv as usize;
        let mut data = MjData::try_new(Box::new(model)).map_err(|error| engine(&error))?;
        data.forward();
        let mass_matrix = vec![0.0; velocities * velocities];
        let mut physics =
            Self { data, joints, conveyor, link_bodies, object_bodies, owners, mass_matrix };
        physics.turn_conveyor();
        Ok(physics)
    }

    /// One step under the forces set last; afterwards everything derived is up to date.
    pub(crate) fn step(&mut self) {
        // Second half of the step from the forces just set, then the first half of the next one,
        // so that positions, contacts and bias forces belong to the new state.
        self.data.step2();
        self.turn_conveyor();
        self.data.step1();
    }

    /// The conveyor stays where it is and keeps its speed.
    fn turn_conveyor(&mut self) {
        if let Some(slot) = self.conveyor {
            self.data.qpos_mut()[slot.position] = 0.0;
            self.data.qvel_mut()[slot.velocity] = slot.speed_mps;
        }
    }

    pub(crate) fn time_s(&self) -> f64 {
        self.data.time()
    }

    pub(crate) fn positions(&self) -> Vec<f64> {
        self.joints.iter().map(|slot| self.data.qpos()[slot.position]).collect()
    }

    pub(crate) fn velocities(&self) -> Vec<f64> {
        self.joints.iter().map(|slot| self.data.qvel()[slot.velocity]).collect()
    }

    /// Motor torques and forces as the engine applied them.
    pub(crate) fn efforts(&self) -> Vec<f64> {
        self.joints.iter().map(|slot| self.data.actuator_force()[slot.actuator]).collect()
    }

    pub(crate) fn set_positions(&mut self, positions: &[f64]) {
        for (slot, &position) in self.joints.iter().zip(positions) {
            self.data.qpos_mut()[slot.position] = position;
        }
        self.data.forward();
    }

    pub(crate) fn set_efforts(&mut self, efforts: &[f64]) {
        for (slot, &effort) in self.joints.iter().zip(efforts) {
            self.data.ctrl_mut()[slot.actuator] = effort;
        }
    }

    /// Torques that hold the arm against gravity, Coriolis forces and viscous friction.
    pub(crate) fn compensation(&self) -> Vec<f64> {
        let (bias, passive) = (self.data.qfrc_bias(), self.data.qfrc_passive());
        self.joints.iter().map(|slot| bias[slot.velocity] - passive[slot.velocity]).collect()
    }

    /// Joint-space inertia of the first `count` joints.
    pub(crate) fn inertia(&mut self, count: usize) -> DMatrix<f64> {
        let width = self.data.qvel().len();
        // The buffer was made in the right size, the only thing that can fail.
        if self.data.full_m(&mut self.mass_matrix).is_err() {
            return DMatrix::identity(count, count);
        }
        DMatrix::from_fn(count, count, |row, column| {
            self.mass_matrix[self.joints[row].velocity * width + self.joints[column].velocity]
        })
    }

    pub(crate) fn link_poses(&self) -> Vec<Pose> {
        self.link_bodies.iter().map(|&body| self.body_pose(body)).collect()
    }

    pub(crate) fn link_pose(&self, link: usize) -> Pose {
        self.body_pose(self.link_bodies[link])
    }

    pub(crate) fn object_poses(&self) -> Vec<Pose> {
        self.object_bodies.iter().map(|&body| self.body_pose(body)).collect()
    }

    pub(crate) fn object_pose(&self, object: usize) -> Pose {
        self.body_pose(self.object_bodies[object])
    }

    /// Puts an object somewhere, at rest: nothing that touches it moves it.
    pub(crate) fn set_object_pose(&mut self, object: usize, pose: &Pose) {
        let body = self.object_bodies[object];
        let model = self.data.model();
        let joint = model.body_jntadr()[body] as usize;
        let (position, velocity) =
            (model.jnt_qposadr()[joint] as usize, model.jnt_dofadr()[joint] as usize);
        let (at, q) = (pose.translation.vector, pose.rotation.quaternion());
        self.data.qpos_mut()[position..position + 7]
            .copy_from_slice(&[at.x, at.y, at.z, q.w, q.i, q.j, q.k]);
        self.data.qvel_mut()[velocity..velocity + 6].fill(0.0);
    }

    /// Linear (m/s) and angular (rad/s) velocity of an object, in the world frame.
    pub(crate) fn object_velocity(&self, object: usize) -> [Vector3<f64>; 2] {
        let model = self.data.model();
        let first = model.body_dofadr()[self.object_bodies[object]] as usize;
        let velocity = &self.data.qvel()[first..first + 6];
        let turning = Vector3::new(velocity[3], velocity[4], velocity[5]);
        [
            Vector3::new(velocity[0], velocity[1], velocity[2]),
            self.object_pose(object).rotation * turning,
        ]
    }

    /// Everything that touches now.
    pub(crate) fn contacts(&self) -> impl Iterator<Item = Contact> + '_ {
        self.data.contact().iter().filter(|contact| contact.dist < 0.0).map(|contact| Contact {
            between: [self.owners[contact.geom1 as usize], self.owners[contact.geom2 as usize]],
            point_in_world: Vector3::from(contact.pos),
            normal_in_world: Vector3::new(contact.frame[0], contact.frame[1], contact.frame[2]),
        })
    }

    fn body_pose(&self, body: usize) -> Pose {
        let [w, i, j, k] = self.data.xquat()[body];
        Isometry3::from_parts(
            Translation3::from(Vector3::from(self.data.xpos()[body])),
            UnitQuaternion::new_normalize(Quaternion::new(w, i, j, k)),
        )
    }
}

fn owners(
    model: &MjModel,
    link_bodies: &[usize],
    object_bodies: &[usize],
    fixed: &[FixedBox],
) -> Result<Vec<Owner>, SimError> {
    let geoms = model.geom_bodyid();
    (0..geoms.len())
        .map(|geom| {
            let body = geoms[geom] as usize;
            let name = model.id_to_name(MjtObjBase::mjOBJ_GEOM, geom).unwrap_or_default();
            let owner = || -> Option<Owner> {
                if let Some(id) = name.strip_prefix(FIXED) {
                    return fixed.iter().position(|fixed| fixed.id == id).map(Owner::Fixed);
                }
                let link = link_bodies.iter().position(|&link| link == body).map(Owner::Link);
                let object = object_bodies.iter().position(|&other| other == body);
                link.or(object.map(Owner::Object))
            };
            owner().ok_or_else(|| SimError::Unknown { kind: "solid", name: name.to_owned() })
        })
        .collect()
}
