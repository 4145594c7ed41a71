//! A controller with an arm that does what it is told, in exact time.
#![allow(dead_code, missing_docs)]

use std::sync::Arc;

use praxis_control::{
    AcceptConfig, Acceptor, Commanded, Controller, ControllerConfig, Guard, Measured, Motion,
    PointRequest, RejectError, Running, ServoWish, StepInputs, TrajectoryRequest,
};
use praxis_trajectory::{JointLimit, JointLimits, JointSample, Trajectory};

pub const PERIOD_S: f64 = 0.002;

/// Velocity, acceleration, jerk and range of the Panda's joints.
const PANDA: [(f64, f64, f64, f64, f64); 7] = [
    (2.175, 15.0, 750.0, -2.8973, 2.8973),
    (2.175, 7.5, 375.0, -1.7628, 1.7628),
    (2.175, 10.0, 500.0, -2.8973, 2.8973),
    (2.175, 12.5, 625.0, -3.0718, -0.0698),
    (2.61, 15.0, 750.0, -2.8973, 2.8973),
    (2.61, 20.0, 1000.0, -0.0175, 3.7525),
    (2.61, 20.0, 1000.0, -2.8973, 2.8973),
];

pub const READY: [f64; 7] = [0.0, -0.785, 0.0, -2.356, 0.0, 1.571, 0.785];

pub fn panda_limits() -> JointLimits {
    let limit = |&(velocity, acceleration, jerk, min_position, max_position)| JointLimit {
        min_position,
        max_position,
        ..JointLimit::new(velocity, acceleration, jerk)
    };
    JointLimits::new(PANDA.iter().map(limit).collect()).unwrap()
}

pub fn names() -> Vec<String> {
    (1..=7).map(|k| format!("panda_joint{k}")).collect()
}

pub struct Bench {
    pub controller: Controller,
    pub acceptor: Acceptor,
    pub measured: JointSample,
    pub age_s: f64,
    pub heartbeat_age_s: Option<f64>,
    pub guard: Option<Guard>,
    pub servo: Option<(Vec<f64>, f64)>,
    /// The motion started last, and when.
    pub running: Option<(u64, Arc<Trajectory>)>,
    /// Share of each command that the arm carries out.
    pub follows: f64,
    pub time_s: f64,
    next_id: u64,
}

impl Bench {
    pub fn holding() -> Self {
        let limits = panda_limits();
        let mut bench = Self {
            controller: Controller::new(limits.clone(), ControllerConfig::default()).unwrap(),
            acceptor: Acceptor::new(names(), limits, AcceptConfig::default()).unwrap(),
            measured: JointSample::at_rest(&READY),
            age_s: 0.0,
            heartbeat_age_s: None,
            guard: None,
            servo: None,
            running: None,
            follows: 1.0,
            time_s: 0.0,
            next_id: 1,
        };
        bench.controller.activate();
        bench.step();
        bench
    }

    pub fn step(&mut self) -> Option<JointSample> {
        let measured = Measured {
            position: &self.measured.position,
            velocity: &self.measured.velocity,
            age_s: self.age_s,
        };
        let servo =
            self.servo.as_ref().map(|(velocity, age_s)| ServoWish { velocity, age_s: *age_s });
        let inputs = StepInputs {
            measured: Some(measured),
            heartbeat_age_s: self.heartbeat_age_s,
            guard: self.guard,
            servo,
        };
        let command = self.controller.step(PERIOD_S, &inputs).cloned();
        self.time_s += PERIOD_S;
        if let Some(command) = &command {
            for joint in 0..7 {
                let step = command.position[joint] - self.measured.position[joint];
                self.measured.position[joint] += self.follows * step;
                self.measured.velocity[joint] = self.follows * command.velocity[joint];
            }
        }
        command
    }

    pub fn steps(&mut self, count: usize) {
        for _ in 0..count {
            self.step();
        }
    }

    pub fn accept(&mut self, request: &TrajectoryRequest) -> Result<Motion, RejectError> {
        let running = self.controller.progress().and_then(|(id, time_s)| {
            let (started, trajectory) = self.running.clone()?;
            (started == id).then_some(Running { id, trajectory, time_s })
        });
        let commanded = Commanded { sample: self.controller.commanded().clone(), running };
        self.next_id += 1;
        self.acceptor.accept(self.next_id, request, &commanded, true)
    }

    pub fn start(&mut self, request: &TrajectoryRequest) -> u64 {
        let motion = self.accept(request).unwrap();
        let id = motion.id;
        self.running = Some((id, motion.trajectory.clone()));
        self.controller.start(Box::new(motion));
        id
    }
}

/// Errors unless a step keeps position, velocity, acceleration and jerk limits.
pub fn check_step(before: &JointSample, now: &JointSample) {
    for (joint, limit) in panda_limits().joints().iter().enumerate() {
        let [p, v, a] = [&now.position, &now.velocity, &now.acceleration].map(|x| x[joint]);
        assert!(p >= limit.min_position - 1e-6 && p <= limit.max_position + 1e-6, "position {p}");
        assert!(v.abs() <= limit.velocity + 1e-6, "velocity {v}");
        assert!(a.abs() <= limit.acceleration + 1e-6, "acceleration {a}");
        let jerk = (a - before.acceleration[joint]) / PERIOD_S;
        assert!(jerk.abs() <= 1.00001 * limit.jerk, "jerk {jerk} of {}", limit.jerk);
    }
}

/// A trajectory as its sender would tell it.
pub fn request_of(trajectory: &Trajectory) -> TrajectoryRequest {
    let points = trajectory.knots().map(|knot| PointRequest {
        time_s: knot.time_s,
        positions: knot.position,
        velocities: knot.velocity,
        accelerations: knot.acceleration,
        efforts: Vec::new(),
    });
    TrajectoryRequest { joint_names: names(), points: points.collect(), ..Default::default() }
}

/// From the ready pose, `offset` further in every joint, in `duration_s`.
pub fn request(offset: f64, duration_s: f64) -> TrajectoryRequest {
    let point = |time_s, offset: f64| PointRequest {
        time_s,
        positions: READY.iter().map(|p| p + offset).collect(),
        ..PointRequest::default()
    };
    TrajectoryRequest {
        joint_names: names(),
        points: vec![point(0.0, 0.0), point(duration_s, offset)],
        ..TrajectoryRequest::default()
    }
}
