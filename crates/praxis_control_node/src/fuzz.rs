//! Any bytes in any field of any input: nothing panics, and every command stays within the limits.

use praxis_control::{
    AcceptConfig, Acceptor, Commanded, Controller, ControllerConfig, GripperConfig, Guard,
    Measured, Running, ServoWish, StepInputs, StopReason, TrajectoryRequest,
};
use praxis_geometry::Stamp;
use praxis_ros::r2r::builtin_interfaces::msg::{Duration, Time};
use praxis_ros::r2r::control_msgs::action::FollowJointTrajectory;
use praxis_ros::r2r::control_msgs::msg::{JointJog, JointTolerance};
use praxis_ros::r2r::geometry_msgs::msg as geometry;
use praxis_ros::r2r::moveit_msgs::msg as moveit;
use praxis_ros::r2r::sensor_msgs::msg::{JointState, PointCloud2, PointField};
use praxis_ros::r2r::shape_msgs::msg as shapes;
use praxis_ros::r2r::trajectory_msgs::msg::{JointTrajectory, JointTrajectoryPoint};
use praxis_trajectory::{JointLimit, JointLimits, JointSample};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::intake::Intake;
use crate::messages::{request_from_goal, request_from_msg};
use crate::servoing::jog_of;
use crate::shared::JointFeedback;
use crate::surroundings::{KnownWorld, people_of, points_of};

const PERIOD_S: f64 = 0.002;
const NAMES: [&str; 3] = ["a", "b", "c"];

/// Writes messages whose fields hold anything, and often enough something that is nearly right.
struct Noise(ChaCha8Rng);

impl Noise {
    fn chance(&mut self, share: f64) -> bool {
        self.0.random_bool(share)
    }

    fn number(&mut self) -> f64 {
        match self.0.random_range(0..10) {
            0 => f64::from_bits(self.0.next_u64()),
            1 => [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN_POSITIVE, -0.0]
                [self.0.random_range(0..6)],
            2 => self.0.random_range(-1e6..1e6),
            _ => self.0.random_range(-2.0..2.0),
        }
    }

    fn numbers(&mut self, usual: usize) -> Vec<f64> {
        let length = match self.0.random_range(0..8) {
            0 => 0,
            1 => self.0.random_range(0..9),
            _ => usual,
        };
        // Mostly calm, or nothing would ever be taken.
        let calm = self.chance(0.7);
        (0..length)
            .map(|_| if calm { self.0.random_range(-0.3..0.3) } else { self.number() })
            .collect()
    }

    fn text(&mut self) -> String {
        let length = self.0.random_range(0..20);
        let bytes: Vec<u8> = (0..length).map(|_| self.0.next_u32() as u8).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn name(&mut self) -> String {
        match self.0.random_range(0..12) {
            0 => self.text(),
            1 => String::new(),
            _ => NAMES[self.0.random_range(0..3)].to_owned(),
        }
    }

    fn names(&mut self) -> Vec<String> {
        if self.chance(0.7) {
            return NAMES.iter().map(|&name| name.to_owned()).collect();
        }
        let length = self.0.random_range(0..6);
        (0..length).map(|_| self.name()).collect()
    }

    fn frame(&mut self) -> String {
        match self.0.random_range(0..4) {
            0 => self.text(),
            1 => String::new(),
            _ => "world".to_owned(),
        }
    }

    fn stamp(&mut self) -> Time {
        match self.0.random_range(0..3) {
            0 => Time { sec: self.0.next_u32() as i32, nanosec: self.0.next_u32() },
            _ => Time::default(),
        }
    }

    fn duration(&mut self, step: usize) -> Duration {
        match self.0.random_range(0..8) {
            0 => Duration { sec: self.0.next_u32() as i32, nanosec: self.0.next_u32() },
            _ => Duration { sec: step as i32, nanosec: self.0.random_range(0..900_000_000) },
        }
    }

    fn trajectory(&mut self) -> JointTrajectory {
        let mut message = JointTrajectory { joint_names: self.names(), ..Default::default() };
        message.header.stamp = self.stamp();
        message.header.frame_id = self.frame();
        let usual = message.joint_names.len();
        for step in 0..self.0.random_range(0..6) {
            let sparse = self.chance(0.5);
            message.points.push(JointTrajectoryPoint {
                positions: self.numbers(usual),
                velocities: if sparse { Vec::new() } else { self.numbers(usual) },
                accelerations: if sparse { Vec::new() } else { self.numbers(usual) },
                effort: if sparse { Vec::new() } else { self.numbers(usual) },
                time_from_start: self.duration(step),
            });
        }
        message
    }

    fn goal(&mut self) -> FollowJointTrajectory::Goal {
        let mut goal =
            FollowJointTrajectory::Goal { trajectory: self.trajectory(), ..Default::default() };
        let tolerance = |noise: &mut Self| JointTolerance {
            name: noise.name(),
            position: noise.number(),
            velocity: noise.number(),
            acceleration: noise.number(),
        };
        if self.chance(0.3) {
            goal.path_tolerance = vec![tolerance(self)];
            goal.goal_tolerance = vec![tolerance(self), tolerance(self)];
        }
        goal.goal_time_tolerance = self.duration(0);
        goal
    }

    fn pose(&mut self) -> geometry::Pose {
        let mut pose = geometry::Pose::default();
        let (p, q) = (&mut pose.position, &mut pose.orientation);
        [p.x, p.y, p.z] = [self.number(), self.number(), self.number()];
        if self.chance(0.5) {
            [q.x, q.y, q.z, q.w] = [self.number(), self.number(), self.number(), self.number()];
        }
        pose
    }

    fn object(&mut self) -> moveit::CollisionObject {
        let mut object = moveit::CollisionObject {
            id: self.name(),
            pose: self.pose(),
            operation: if self.chance(0.7) { 0 } else { self.0.next_u32() as u8 },
            ..Default::default()
        };
        object.header.frame_id = self.frame();
        for _ in 0..self.0.random_range(0..3) {
            object.primitives.push(shapes::SolidPrimitive {
                type_: self.0.random_range(0..6),
                dimensions: self.numbers(3),
                ..Default::default()
            });
            object.primitive_poses.push(self.pose());
        }
        if self.chance(0.3) {
            let corner = |noise: &mut Self| geometry::Point {
                x: noise.number(),
                y: noise.number(),
                z: noise.number(),
            };
            object.meshes.push(shapes::Mesh {
                vertices: (0..3).map(|_| corner(self)).collect(),
                triangles: vec![shapes::MeshTriangle {
                    vertex_indices: (0..3).map(|_| self.0.next_u32() % 5).collect(),
                }],
            });
        }
        object
    }

    fn scene(&mut self) -> moveit::PlanningScene {
        let mut scene = moveit::PlanningScene { is_diff: self.chance(0.5), ..Default::default() };
        scene.world.collision_objects =
            (0..self.0.random_range(0..4)).map(|_| self.object()).collect();
        if self.chance(0.4) {
            let mut object = self.object();
            object.header.frame_id = "a".to_owned();
            scene.robot_state.attached_collision_objects = vec![moveit::AttachedCollisionObject {
                link_name: self.name(),
                object,
                touch_links: self.names(),
                ..Default::default()
            }];
        }
        let matrix = &mut scene.allowed_collision_matrix;
        matrix.entry_names = self.names();
        for _ in 0..self.0.random_range(0..4) {
            let enabled = (0..self.0.random_range(0..4)).map(|_| self.chance(0.5)).collect();
            matrix.entry_values.push(moveit::AllowedCollisionEntry { enabled });
        }
        scene
    }

    fn cloud(&mut self) -> PointCloud2 {
        let mut word = || match self.0.random_range(0..4) {
            0 => self.0.next_u32(),
            _ => self.0.random_range(0..20),
        };
        let mut cloud = PointCloud2 {
            width: word(),
            height: word(),
            point_step: word(),
            row_step: word(),
            ..Default::default()
        };
        let offsets = [word(), word(), word()];
        let field = |(name, offset): (&str, u32)| PointField {
            name: name.to_owned(),
            offset,
            datatype: 7,
            count: 1,
        };
        cloud.fields = ["x", "y", "z"].into_iter().zip(offsets).map(field).collect();
        let length = self.0.random_range(0..600);
        cloud.data = (0..length).map(|_| self.0.next_u32() as u8).collect();
        cloud
    }

    fn joint_state(&mut self) -> JointState {
        let mut message = JointState { name: self.names(), ..Default::default() };
        message.header.stamp = self.stamp();
        let usual = message.name.len();
        message.position = self.numbers(usual);
        message.velocity = self.numbers(usual);
        message.effort = self.numbers(usual);
        message
    }
}

fn limits() -> JointLimits {
    let limit =
        JointLimit { min_position: -1.0, max_position: 1.0, ..JointLimit::new(2.0, 10.0, 500.0) };
    JointLimits::new(vec![limit; 3]).unwrap()
}

/// A joint that was found outside its limits may come back, and go no further out.
fn check(before: &JointSample, now: &JointSample, found: &[f64]) {
    for (joint, limit) in limits().joints().iter().enumerate() {
        let [p, v, a] = [&now.position, &now.velocity, &now.acceleration].map(|x| x[joint]);
        assert!(p.abs() <= found[joint].abs().max(1.0) + 1e-6, "position {p}, found at {found:?}");
        assert!(v.abs() <= limit.velocity + 1e-6, "velocity {v}");
        assert!(a.abs() <= limit.acceleration + 1e-6, "acceleration {a}");
        let jerk = (a - before.acceleration[joint]).abs() / PERIOD_S;
        assert!(jerk <= 1.00001 * limit.jerk, "jerk {jerk}");
    }
}

#[test]
fn no_message_makes_a_command_leave_the_limits() {
    let names: Vec<String> = NAMES.iter().map(|&name| name.to_owned()).collect();
    let (mut accepted, mut states, mut moved) = (0, 0, 0);
    for seed in 0..120 {
        let mut noise = Noise(ChaCha8Rng::seed_from_u64(seed));
        let mut controller = Controller::new(limits(), ControllerConfig::default())
            .unwrap()
            .with_effort_limits(&[5.0; 3]);
        let config = AcceptConfig { allow_integration: seed % 2 == 0, ..AcceptConfig::default() };
        let acceptor = Acceptor::new(names.clone(), limits(), config).unwrap();
        let mut intake = Intake::new(names.clone(), "f".to_owned());
        let mut feedback = JointFeedback { sample: JointSample::zeros(3), received_ns: 0 };
        let mut world = KnownWorld::new(vec!["world".to_owned()]);
        let mut last_motion = None;
        controller.activate();
        let (mut before, mut found): (Option<JointSample>, _) = (None, vec![0.0; 3]);
        for period in 0..3000_u64 {
            if noise.chance(0.02) {
                states += u32::from(intake.take(&noise.joint_state(), &mut feedback).is_ok());
                if noise.chance(0.9) {
                    // A driver that follows, or nothing could be joined to.
                    feedback.sample.clone_from(controller.commanded());
                }
            }
            if noise.chance(0.02) {
                let now = Stamp::from_secs_f64(100.0);
                let request = if noise.chance(0.5) {
                    request_from_goal(&noise.goal(), now)
                } else {
                    let may_end_moving = noise.chance(0.5);
                    let request = request_from_msg(&noise.trajectory(), now);
                    TrajectoryRequest { may_end_moving, ..request }
                };
                let running = controller.progress().and_then(|(id, time_s)| {
                    let (known, trajectory) = last_motion.clone()?;
                    (known == id).then_some(Running { id, trajectory, time_s })
                });
                let commanded = Commanded { sample: controller.commanded().clone(), running };
                if let Ok(motion) = acceptor.accept(period + 1, &request, &commanded, false) {
                    accepted += 1;
                    last_motion = Some((motion.id, motion.trajectory.clone()));
                    controller.start(Box::new(motion));
                }
            }
            match noise.0.random_range(0..400) {
                0 => controller.stop(StopReason::StopRequested),
                1 => controller.cancel(period),
                2 => controller.e_stop(),
                3..6 => controller.reset(),
                6 => controller.scale_speed(noise.number()),
                7..10 => {
                    // Broken ones are refused; what is taken is a scene that can be checked.
                    let _ = world.apply(&noise.scene());
                    let _ = world.scene();
                    let _ = points_of(&noise.cloud());
                    let _ = people_of(&Default::default(), &names);
                    let _ = GripperConfig::default().check(noise.number(), noise.number());
                }
                _ => {}
            }
            let jog = JointJog {
                joint_names: noise.names(),
                velocities: noise.numbers(3),
                ..Default::default()
            };
            let wish = jog_of(&jog, &names);
            let servo_velocity = match wish {
                Ok(praxis_control::ServoInput::Joints(velocity)) => velocity,
                _ => noise.numbers(3),
            };
            let inputs = StepInputs {
                measured: (feedback.received_ns != 0).then_some(Measured {
                    position: &feedback.sample.position,
                    velocity: &feedback.sample.velocity,
                    age_s: if noise.chance(0.01) { noise.number() } else { 0.0 },
                }),
                heartbeat_age_s: Some(noise.number()),
                guard: noise.chance(0.5).then(|| Guard {
                    motion: controller.progress().map_or(0, |(id, _)| id),
                    rate: noise.number(),
                    must_brake: noise.chance(0.01),
                    age_s: noise.number(),
                }),
                servo: noise
                    .chance(0.3)
                    .then(|| ServoWish { velocity: &servo_velocity, age_s: noise.number() }),
            };
            let now = controller.step(PERIOD_S, &inputs).cloned();
            if let (Some(before), Some(now)) = (&before, &now) {
                // A reset to a measured place outside is told as such and stands.
                let is_reset = now.velocity.iter().chain(&now.acceleration).all(|&v| v == 0.0);
                if is_reset {
                    found.clone_from(&now.position);
                } else {
                    check(before, now, &found);
                    moved += 1;
                }
                assert!(controller.effort().iter().all(|effort| effort.abs() <= 5.0));
            }
            before = now;
            while controller.take_finished().is_some() {}
            while controller.take_retired().is_some() {}
        }
    }
    // The noise reaches everything.
    assert!(accepted > 100, "{accepted} motions accepted");
    assert!(states > 500, "{states} joint states accepted");
    assert!(moved > 5000, "{moved} periods in motion");
}
