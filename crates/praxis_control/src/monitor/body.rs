//! The robot and what it holds as balls in the root frame.

use std::sync::Arc;

use nalgebra::Point3;
use praxis_collision::AttachedObject;
use praxis_geometry::Pose;
use praxis_robot::Robot;

/// Balls of the robot, placed.
#[derive(Debug)]
pub(super) struct Body {
    robot: Arc<Robot>,
    poses: Vec<Pose>,
    links: Vec<(Point3<f64>, f64)>,
    held: Vec<(Point3<f64>, f64)>,
}

impl Body {
    pub fn new(robot: Arc<Robot>) -> Self {
        Self { robot, poses: Vec::new(), links: Vec::new(), held: Vec::new() }
    }

    /// Puts every ball where it is in a state of the whole robot.
    pub fn place(&mut self, state: &[f64], attached: &[AttachedObject], robot: &Robot) {
        self.robot.link_poses(state, &mut self.poses);
        let ball = |sphere: &praxis_robot::LinkSphere| {
            (self.poses[sphere.link] * sphere.centre, sphere.radius_m)
        };
        self.links = self.robot.spheres().iter().map(ball).collect();
        self.held.clear();
        for object in attached {
            let Ok(link) = robot.link_index(object.link()) else { continue };
            let placed = object.spheres().iter().map(|(at, r)| (self.poses[link] * at, *r));
            self.held.extend(placed);
        }
    }

    /// Distance of a point from the robot's surface; infinite if it has none.
    pub fn distance_m(&self, at: Point3<f64>) -> f64 {
        nearest_m(&self.links, at)
    }

    /// Distance of a point from what is held.
    pub fn held_distance_m(&self, at: Point3<f64>) -> f64 {
        nearest_m(&self.held, at)
    }

    /// Distance of the robot or what it holds from an upright line that starts at `foot`.
    pub fn distance_to_upright_m(&self, foot: Point3<f64>, height_m: f64) -> f64 {
        let away = |(centre, radius): &(Point3<f64>, f64)| {
            let z = centre.z.clamp(foot.z, foot.z + height_m);
            nalgebra::distance(centre, &Point3::new(foot.x, foot.y, z)) - radius
        };
        self.links.iter().chain(&self.held).map(away).fold(f64::INFINITY, f64::min)
    }

    /// Balls of the robot: centres and radii.
    pub fn links(&self) -> &[(Point3<f64>, f64)] {
        &self.links
    }

    /// Balls of what it holds.
    pub fn held(&self) -> &[(Point3<f64>, f64)] {
        &self.held
    }

    /// How far the ball that moves farthest goes between two states.
    pub fn farthest_moved_m(&mut self, from: &[f64], to: &[f64]) -> f64 {
        let mut centres = |state: &[f64]| -> Vec<Point3<f64>> {
            self.robot.link_poses(state, &mut self.poses);
            let spheres = self.robot.spheres().iter();
            spheres.map(|sphere| self.poses[sphere.link] * sphere.centre).collect()
        };
        let (from, to) = (centres(from), centres(to));
        from.iter().zip(&to).map(|(a, b)| nalgebra::distance(a, b)).fold(0.0, f64::max)
    }
}

fn nearest_m(balls: &[(Point3<f64>, f64)], at: Point3<f64>) -> f64 {
    let away = |(centre, radius): &(Point3<f64>, f64)| nalgebra::distance(centre, &at) - radius;
    balls.iter().map(away).fold(f64::INFINITY, f64::min)
}
