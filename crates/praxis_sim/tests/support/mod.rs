//! The Panda in the sort_table world, and plain motions for it: no collision checking, no planner.
#![allow(dead_code)] // each test file uses its own part of this

use std::path::{Path, PathBuf};

use nalgebra::{DMatrix, DVector, Isometry3, Translation3, UnitQuaternion, Vector3, Vector6};
use praxis_sim::{JointCommand, RobotDescription, SimConfig, Simulator};
use praxis_trajectory::LimitsFile;
use praxis_world::{ObjectInstance, World};

pub const COMMAND_PERIOD_S: f64 = 0.002;

pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The robot that set-up brings; `cargo xtask setup` fetches it.
pub fn panda() -> RobotDescription {
    let folder = std::env::var("PRAXIS_ROBOT_DIR")
        .map_or_else(|_| repository().join(".ros/robots/panda"), PathBuf::from);
    let srdf =
        [repository().join("models/robots/panda/panda.srdf"), folder.join("srdf/panda.srdf")];
    let srdf = srdf.iter().find(|path| path.is_file());
    RobotDescription::read(&folder.join("panda.urdf"), srdf.map(PathBuf::as_path))
        .expect("the Panda's description; `cargo xtask setup` brings it")
}

pub fn world() -> World {
    World::read(repository().join("models/worlds/sort_table.yaml")).expect("a sound world")
}

pub fn limits() -> LimitsFile {
    let rows = [
        (2.175, 15.0, 750.0),
        (2.175, 7.5, 375.0),
        (2.175, 10.0, 500.0),
        (2.175, 12.5, 625.0),
        (2.61, 15.0, 750.0),
        (2.61, 20.0, 1000.0),
        (2.61, 20.0, 1000.0),
    ];
    let mut text = "joint_limits:\n".to_owned();
    for (index, (velocity, acceleration, jerk)) in rows.iter().enumerate() {
        text += &format!(
            "  panda_joint{}: {{has_velocity_limits: true, max_velocity: {velocity}, \
             has_acceleration_limits: true, max_acceleration: {acceleration}, \
             has_jerk_limits: true, max_jerk: {jerk}}}\n",
            index + 1
        );
    }
    LimitsFile::parse(&text).unwrap()
}

pub fn simulator(seed: u64) -> Simulator {
    let config = SimConfig { seed, ..SimConfig::default() };
    Simulator::new(&panda(), &limits(), &world(), config).expect("a simulator")
}

pub fn simulator_with(objects: Vec<ObjectInstance>) -> Simulator {
    Simulator::with_objects(&panda(), &limits(), &world(), objects, SimConfig::default())
        .expect("a simulator")
}

/// Forward kinematics of the tool, straight from the description.
pub struct Arm {
    robot: RobotDescription,
    chain: Vec<usize>,
}

impl Arm {
    pub fn new(robot: RobotDescription) -> Self {
        let mut link = robot.links.iter().position(|link| link.name == "panda_hand_tcp");
        let mut chain = Vec::new();
        while let Some(index) = link {
            chain.push(index);
            link = robot.links[index].parent;
        }
        chain.reverse();
        Self { robot, chain }
    }

    pub fn tool(&self, q: &DVector<f64>) -> Isometry3<f64> {
        let mut pose = Isometry3::identity();
        let mut joint = 0;
        for &index in &self.chain {
            let link = &self.robot.links[index];
            pose *= link.parent_from_link;
            if let Some(moving) = &link.joint {
                let axis = nalgebra::Unit::new_normalize(moving.axis);
                pose *= UnitQuaternion::from_axis_angle(&axis, q[joint]);
                joint += 1;
            }
        }
        pose
    }

    /// Damped least squares from `start`; `None` if it does not get there within the limits.
    pub fn reach(&self, target: &Isometry3<f64>, start: &DVector<f64>) -> Option<DVector<f64>> {
        let mut q = start.clone();
        for _ in 0..300 {
            let error = difference(&self.tool(&q), target);
            if error.norm() < 1e-5 {
                return self.is_within_limits(&q).then_some(q);
            }
            let mut jacobian = DMatrix::zeros(6, q.len());
            for joint in 0..q.len() {
                let mut moved = q.clone();
                moved[joint] += 1e-6;
                let column = difference(&self.tool(&q), &self.tool(&moved)) / 1e-6;
                jacobian.set_column(joint, &column);
            }
            let square: DMatrix<f64> =
                &jacobian * jacobian.transpose() + 1e-4 * DMatrix::identity(6, 6);
            let step = jacobian.transpose()
                * square.lu().solve(&DVector::from_column_slice(error.as_slice()))?;
            let scale = 1.0_f64.min(0.3 / step.norm().max(1e-12));
            q += scale * step;
        }
        None
    }

    fn is_within_limits(&self, q: &DVector<f64>) -> bool {
        let joints = self.chain.iter().filter_map(|&index| self.robot.links[index].joint.as_ref());
        joints.zip(q.iter()).all(|(joint, q)| (joint.range[0]..=joint.range[1]).contains(q))
    }
}

fn difference(from: &Isometry3<f64>, to: &Isometry3<f64>) -> Vector6<f64> {
    let turn = (to.rotation * from.rotation.inverse()).scaled_axis();
    let shift = to.translation.vector - from.translation.vector;
    Vector6::new(shift.x, shift.y, shift.z, turn.x, turn.y, turn.z)
}

/// Tool pointing down at a place, the fingers opening at `yaw_rad` from the y axis.
pub fn downwards(x_m: f64, y_m: f64, z_m: f64, yaw_rad: f64) -> Isometry3<f64> {
    let down = UnitQuaternion::from_axis_angle(&Vector3::x_axis(), std::f64::consts::PI);
    let turn = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw_rad);
    Isometry3::from_parts(Translation3::new(x_m, y_m, z_m), turn * down)
}

pub fn home() -> DVector<f64> {
    DVector::from_row_slice(&[0.0, -0.785, 0.0, -2.356, 0.0, 1.571, 0.785])
}

/// A septic step: rest to rest with bounded jerk. Position and velocity share at `t` in 0..=1.
pub fn septic(t: f64) -> (f64, f64) {
    let t = t.clamp(0.0, 1.0);
    let t3 = t * t * t;
    (
        t3 * t * (35.0 - 84.0 * t + 70.0 * t * t - 20.0 * t3),
        t3 * (140.0 - 420.0 * t + 420.0 * t * t - 140.0 * t3),
    )
}

/// Moves the arm straight in joint space from where it is commanded now; returns the greatest
/// distance between driver's wish and joint, radians.
pub fn move_to(
    simulator: &mut Simulator,
    goal: &DVector<f64>,
    duration_s: f64,
    fingers: Option<(f64, f64)>,
) -> f64 {
    let start = simulator.reference().positions.clone();
    let (mut worst_rad, mut sent) = (0.0_f64, 0);
    let begin_s = simulator.time_s();
    while simulator.time_s() < begin_s + duration_s + 0.02 {
        while begin_s + f64::from(sent) * COMMAND_PERIOD_S <= simulator.time_s() + 1e-9 {
            let (share, rate) = septic(f64::from(sent) * COMMAND_PERIOD_S / duration_s);
            let way = goal - &start;
            let positions = &start + share * &way;
            let velocities = rate / duration_s * &way;
            send(simulator, positions.as_slice(), velocities.as_slice(), fingers);
            sent += 1;
        }
        simulator.step();
        let states = simulator.joint_states();
        for (joint, name) in simulator.arm_names().to_vec().iter().enumerate() {
            let slot = simulator.joint_names().iter().position(|other| other == name).unwrap();
            let error = states.positions[slot] - simulator.reference().positions[joint];
            worst_rad = worst_rad.max(error.abs());
        }
    }
    worst_rad
}

pub fn send(
    simulator: &mut Simulator,
    positions: &[f64],
    velocities: &[f64],
    fingers: Option<(f64, f64)>,
) {
    let mut command = JointCommand {
        stamp_s: simulator.time_s() + 1e-9,
        names: simulator.arm_names().to_vec(),
        positions: positions.to_vec(),
        velocities: velocities.to_vec(),
        efforts: vec![0.0; positions.len()],
    };
    if let Some((position_m, force_n)) = fingers {
        command.names.push("panda_finger_joint1".into());
        command.positions.push(position_m);
        command.velocities.push(0.0);
        command.efforts.push(force_n);
    }
    simulator.command(&command).expect("a sound command");
}

/// Shortest duration of a septic motion within `share` of the limits.
pub fn duration_s(from: &DVector<f64>, to: &DVector<f64>, share: f64) -> f64 {
    let limits = [
        (2.175, 15.0),
        (2.175, 7.5),
        (2.175, 10.0),
        (2.175, 12.5),
        (2.61, 15.0),
        (2.61, 20.0),
        (2.61, 20.0),
    ];
    let mut duration_s = 0.2_f64;
    for (joint, (velocity, acceleration)) in limits.iter().enumerate() {
        let way = (to[joint] - from[joint]).abs();
        duration_s = duration_s
            .max(2.1875 * way / (share * velocity))
            .max((7.52 * way / (share * acceleration)).sqrt())
            .max((84.1 * way / (share * 50.0 * acceleration)).cbrt());
    }
    duration_s
}
