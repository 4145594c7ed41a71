//! Forces and torques of the tree, in the root frame: Newton and Euler's equations from the root
//! outwards and back (Featherstone, "Rigid Body Dynamics Algorithms", 2008, chapters 5 and 6).

use nalgebra::{DMatrix, Matrix3, Vector3};
use praxis_geometry::Pose;

use crate::robot::{Inertia, Motion, Robot, Variable};

/// What pulls at masses on Earth when the root's z axis points up, metres per second squared.
pub const EARTH_GRAVITY: [f64; 3] = [0.0, 0.0, -9.80665];

/// Motion of a link, and what acts on it, in the root frame.
#[derive(Clone, Copy, Debug)]
struct Body {
    origin: Vector3<f64>,
    spin: Vector3<f64>,
    spin_change: Vector3<f64>,
    acceleration: Vector3<f64>,
    force: Vector3<f64>,
    /// About the link's origin.
    moment: Vector3<f64>,
}

/// The axis of a joint that moves, in the root frame.
#[derive(Clone, Copy, Debug)]
struct Axis {
    direction: Vector3<f64>,
    turns: bool,
    variable: Variable,
}

/// Inertia of a body and all it carries, about the root's origin.
#[derive(Clone, Copy, Debug)]
struct Composite {
    mass_kg: f64,
    first_moment: Vector3<f64>,
    second_moment: Matrix3<f64>,
}

/// Velocity of a rigid body, as that of its point at the root's origin and its turning.
#[derive(Clone, Copy, Debug)]
struct Twist {
    linear: Vector3<f64>,
    angular: Vector3<f64>,
}

impl Robot {
    /// Torques and forces of the joints that give these accelerations (the recursive Newton–Euler
    /// algorithm), with `gravity` in the root frame ([`EARTH_GRAVITY`] on a level mount). Links
    /// without `<inertial>` weigh nothing; friction and motors are not in it.
    ///
    /// # Panics
    /// If a slice is shorter than the robot's joints are many.
    pub fn inverse_dynamics(
        &self,
        q: &[f64],
        velocity: &[f64],
        acceleration: &[f64],
        gravity: [f64; 3],
    ) -> Vec<f64> {
        let mut poses = Vec::new();
        self.link_poses(q, &mut poses);
        let mut bodies = self.move_bodies(&poses, velocity, acceleration, -Vector3::from(gravity));
        let mut torques = vec![0.0; self.joints.len()];
        for index in (0..self.links.len()).rev() {
            let Body { origin, force, moment, .. } = bodies[index];
            if let Some(Axis { direction, turns, variable }) = self.axis(index, &poses[index]) {
                let along = direction.dot(if turns { &moment } else { &force });
                torques[variable.index] += variable.multiplier * along;
            }
            if let Some(parent) = self.links[index].parent {
                let arm = origin - bodies[parent].origin;
                bodies[parent].force += force;
                bodies[parent].moment += moment + arm.cross(&force);
            }
        }
        torques
    }

    /// Torques that hold the robot still at `q`.
    pub fn gravity_torques(&self, q: &[f64], gravity: [f64; 3]) -> Vec<f64> {
        let rest = vec![0.0; self.joints.len()];
        self.inverse_dynamics(q, &rest, &rest, gravity)
    }

    /// The symmetric matrix that leads from accelerations to torques at rest without gravity (the
    /// composite rigid body algorithm).
    pub fn mass_matrix(&self, q: &[f64]) -> DMatrix<f64> {
        let mut poses = Vec::new();
        self.link_poses(q, &mut poses);
        let mut composites: Vec<Composite> = self
            .links
            .iter()
            .zip(&poses)
            .map(|(link, pose)| composite(link.inertia, pose))
            .collect();
        for index in (1..self.links.len()).rev() {
            if let Some(parent) = self.links[index].parent {
                let carried = composites[index];
                composites[parent].add(&carried);
            }
        }
        let mut matrix = DMatrix::zeros(self.joints.len(), self.joints.len());
        for index in 0..self.links.len() {
            let Some(axis) = self.axis(index, &poses[index]) else { continue };
            let momentum = composites[index].momentum(&axis.twist(&poses[index]));
            let own = axis.variable;
            // A joint meets itself and all that carry it.
            let mut above = Some(index);
            while let Some(carrier) = above {
                above = self.links[carrier].parent;
                let Some(other) = self.axis(carrier, &poses[carrier]) else { continue };
                let entry = other.twist(&poses[carrier]).dot(&momentum)
                    * own.multiplier
                    * other.variable.multiplier;
                matrix[(own.index, other.variable.index)] += entry;
                if carrier != index {
                    matrix[(other.variable.index, own.index)] += entry;
                }
            }
        }
        matrix
    }

    /// Motion of all links, root first, and the forces that it asks for.
    fn move_bodies(
        &self,
        poses: &[Pose],
        velocity: &[f64],
        acceleration: &[f64],
        root_acceleration: Vector3<f64>,
    ) -> Vec<Body> {
        let mut bodies: Vec<Body> = Vec::with_capacity(self.links.len());
        for (index, link) in self.links.iter().enumerate() {
            let pose = &poses[index];
            let mut body = match link.parent {
                Some(parent) => carried(&bodies[parent], pose.translation.vector),
                None => Body {
                    origin: pose.translation.vector,
                    spin: Vector3::zeros(),
                    spin_change: Vector3::zeros(),
                    acceleration: root_acceleration,
                    force: Vector3::zeros(),
                    moment: Vector3::zeros(),
                },
            };
            if let Some(Axis { direction, turns, variable }) = self.axis(index, pose) {
                let rate = direction * (variable.multiplier * velocity[variable.index]);
                let change = direction * (variable.multiplier * acceleration[variable.index]);
                if turns {
                    body.spin_change += change + body.spin.cross(&rate);
                    body.spin += rate;
                } else {
                    body.acceleration += change + 2.0 * body.spin.cross(&rate);
                }
            }
            load(&mut body, link.inertia, pose);
            bodies.push(body);
        }
        bodies
    }

    fn axis(&self, link: usize, root_from_link: &Pose) -> Option<Axis> {
        let (axis, variable, turns) = match self.links[link].motion {
            Motion::Turn { axis, variable } => (axis, variable, true),
            Motion::Slide { axis, variable } => (axis, variable, false),
            Motion::Fixed => return None,
        };
        Some(Axis { direction: root_from_link.rotation * axis.into_inner(), turns, variable })
    }
}

/// Motion of a body that is fixed to its parent.
fn carried(parent: &Body, origin: Vector3<f64>) -> Body {
    let arm = origin - parent.origin;
    let acceleration = parent.acceleration
        + parent.spin_change.cross(&arm)
        + parent.spin.cross(&parent.spin.cross(&arm));
    Body { origin, acceleration, force: Vector3::zeros(), moment: Vector3::zeros(), ..*parent }
}

/// Force and moment that a body's own mass asks for.
fn load(body: &mut Body, inertia: Inertia, root_from_link: &Pose) {
    let turn = root_from_link.rotation.to_rotation_matrix().into_inner();
    let about_centre = turn * inertia.about_centre * turn.transpose();
    let arm = turn * inertia.centre.coords;
    let at_centre =
        body.acceleration + body.spin_change.cross(&arm) + body.spin.cross(&body.spin.cross(&arm));
    body.force = at_centre * inertia.mass_kg;
    body.moment = about_centre * body.spin_change
        + body.spin.cross(&(about_centre * body.spin))
        + arm.cross(&body.force);
}

fn composite(inertia: Inertia, root_from_link: &Pose) -> Composite {
    let turn = root_from_link.rotation.to_rotation_matrix().into_inner();
    let centre = (root_from_link * inertia.centre).coords;
    let moved = Matrix3::identity() * centre.norm_squared() - centre * centre.transpose();
    Composite {
        mass_kg: inertia.mass_kg,
        first_moment: centre * inertia.mass_kg,
        second_moment: turn * inertia.about_centre * turn.transpose() + moved * inertia.mass_kg,
    }
}

impl Composite {
    fn add(&mut self, other: &Self) {
        self.mass_kg += other.mass_kg;
        self.first_moment += other.first_moment;
        self.second_moment += other.second_moment;
    }

    fn momentum(&self, twist: &Twist) -> Twist {
        Twist {
            linear: twist.linear * self.mass_kg + twist.angular.cross(&self.first_moment),
            angular: self.second_moment * twist.angular + self.first_moment.cross(&twist.linear),
        }
    }
}

impl Axis {
    fn twist(&self, root_from_link: &Pose) -> Twist {
        if self.turns {
            let linear = root_from_link.translation.vector.cross(&self.direction);
            Twist { linear, angular: self.direction }
        } else {
            Twist { linear: self.direction, angular: Vector3::zeros() }
        }
    }
}

impl Twist {
    fn dot(&self, momentum: &Twist) -> f64 {
        self.linear.dot(&momentum.linear) + self.angular.dot(&momentum.angular)
    }
}
