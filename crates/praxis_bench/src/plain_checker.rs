use std::collections::BTreeSet;
use std::ops::Range;

use nalgebra::{Point3, Vector3};
use praxis_geometry::Pose;
use praxis_robot::{LinkSphere, Robot};

use crate::obstacles::{Ball, Block, Obstacles, Rod};

/// Overlaps below this are the rounding of single precision, metres.
pub const ROUNDING_M: f64 = 1e-6;

/// Whether a configuration is free, by the plainest code there is: double precision, one
/// configuration after the other, every sphere against everything near it. It shares nothing with
/// the collision crate, whose judge it is.
pub struct PlainChecker<'a> {
    robot: &'a Robot,
    joints: Vec<usize>,
    state: Vec<f64>,
    root_from_link: Vec<Pose>,
    centres: Vec<Point3<f64>>,
    bodies: Vec<Body>,
    /// Bodies that must not overlap.
    pairs: Vec<(usize, usize)>,
}

/// The spheres of a link, and one around them all, in the link's frame.
struct Body {
    link: usize,
    spheres: Range<usize>,
    centre: Point3<f64>,
    radius_m: f64,
}

impl Body {
    fn new(robot: &Robot, spheres: Range<usize>) -> Self {
        let own = &robot.spheres()[spheres.clone()];
        let sum: Vector3<f64> = own.iter().map(|sphere| sphere.centre.coords).sum();
        let centre = Point3::from(sum / own.len() as f64);
        let beyond = |sphere: &LinkSphere| (sphere.centre - centre).norm() + sphere.radius_m;
        let radius_m = own.iter().map(beyond).fold(0.0, f64::max);
        Self { link: own[0].link, spheres, centre, radius_m }
    }
}

impl<'a> PlainChecker<'a> {
    /// Judges positions of `joints`, all others as in `state`.
    pub fn new(robot: &'a Robot, joints: &[usize], state: &[f64]) -> Self {
        let mut bodies: Vec<Body> = Vec::new();
        let mut first = 0;
        for of_link in robot.spheres().chunk_by(|a, b| a.link == b.link) {
            bodies.push(Body::new(robot, first..first + of_link.len()));
            first += of_link.len();
        }
        let pairs = (0..bodies.len())
            .flat_map(|second| (0..second).map(move |first| (first, second)))
            .filter(|&(a, b)| robot.pair_is_checked(bodies[a].link, bodies[b].link))
            .collect();
        Self {
            robot,
            joints: joints.to_vec(),
            state: state.to_vec(),
            root_from_link: Vec::new(),
            centres: Vec::new(),
            bodies,
            pairs,
        }
    }

    /// The same, with pairs of links (the lower index first) that may touch.
    #[must_use]
    pub fn allowing(mut self, may_touch: &BTreeSet<(usize, usize)>) -> Self {
        let bodies = &self.bodies;
        self.pairs.retain(|&pair| !may_touch.contains(&links_of(bodies, pair)));
        self
    }

    /// Pairs of links (the lower index first) that overlap at `q` and must not.
    pub fn touching_links(&mut self, q: &[f64]) -> BTreeSet<(usize, usize)> {
        self.place(q);
        let touching = self.pairs.iter().filter(|pair| self.pair_touches(**pair));
        touching.map(|pair| links_of(&self.bodies, *pair)).collect()
    }

    /// Whether nothing overlaps by more than [`ROUNDING_M`] at `q`.
    pub fn is_free(&mut self, q: &[f64], obstacles: &Obstacles) -> bool {
        self.place(q);
        self.clear_of_obstacles(obstacles) && self.clear_of_itself()
    }

    fn place(&mut self, q: &[f64]) {
        for (&joint, &value) in self.joints.iter().zip(q) {
            self.state[joint] = value;
        }
        self.robot.link_poses(&self.state, &mut self.root_from_link);
        self.centres.clear();
        let placed = |sphere: &LinkSphere| self.root_from_link[sphere.link] * sphere.centre;
        self.centres.extend(self.robot.spheres().iter().map(placed));
    }

    fn clear_of_obstacles(&self, obstacles: &Obstacles) -> bool {
        self.centres.iter().zip(self.robot.spheres()).all(|(at, sphere)| {
            let r = sphere.radius_m;
            obstacles.spheres.iter().all(|ball| !overlap(to_ball(ball, at), r + ball.radius))
                && obstacles.capsules.iter().all(|rod| !overlap(to_rod(rod, at), r + rod.radius))
                && obstacles.cuboids.iter().all(|block| !overlap(to_block(block, at), r))
        })
    }

    fn clear_of_itself(&self) -> bool {
        !self.pairs.iter().any(|pair| self.pair_touches(*pair))
    }

    fn pair_touches(&self, (a, b): (usize, usize)) -> bool {
        let (a, b) = (&self.bodies[a], &self.bodies[b]);
        let centre = |body: &Body| self.root_from_link[body.link] * body.centre;
        let (around_a, around_b) = (centre(a), centre(b));
        let near = |at: &Point3<f64>, radius_m: f64, body: &Body, around: &Point3<f64>| {
            overlap((at - around).norm_squared(), radius_m + body.radius_m)
        };
        if !near(&around_a, a.radius_m, b, &around_b) {
            return false;
        }
        let spheres = self.robot.spheres();
        a.spheres.clone().any(|first| {
            let (at, radius_m) = (&self.centres[first], spheres[first].radius_m);
            near(at, radius_m, b, &around_b)
                && b.spheres.clone().any(|second| {
                    let squared_m2 = (at - self.centres[second]).norm_squared();
                    overlap(squared_m2, radius_m + spheres[second].radius_m)
                })
        })
    }
}

fn links_of(bodies: &[Body], (a, b): (usize, usize)) -> (usize, usize) {
    let (a, b) = (bodies[a].link, bodies[b].link);
    (a.min(b), a.max(b))
}

fn overlap(squared_distance_m2: f64, radii_m: f64) -> bool {
    let reach_m = radii_m - ROUNDING_M;
    reach_m > 0.0 && squared_distance_m2 < reach_m * reach_m
}

fn to_ball(ball: &Ball, at: &Point3<f64>) -> f64 {
    (at - Point3::from(ball.center)).norm_squared()
}

fn to_rod(rod: &Rod, at: &Point3<f64>) -> f64 {
    let (a, way) = (Point3::from(rod.a), Vector3::from(rod.b) - Vector3::from(rod.a));
    let share = ((at - a).dot(&way) / way.norm_squared().max(1e-18)).clamp(0.0, 1.0);
    (at - a - way * share).norm_squared()
}

/// Zero inside.
fn to_block(block: &Block, at: &Point3<f64>) -> f64 {
    let offset = at - Point3::from(block.center);
    let axes = block.axes();
    (0..3).map(|i| (offset.dot(&axes[i]).abs() - block.half_extents[i]).max(0.0).powi(2)).sum()
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A ball of 0.1 m on a lever of 1 m that turns about z and stretches, and one fixed at
    /// (2, 0, 0).
    pub const LEVER: &str = r#"<robot name="lever"><link name="base"><collision>
        <origin xyz="2 0 0"/><geometry><sphere radius="0.1"/></geometry></collision></link>
      <link name="hub"><collision><geometry><sphere radius="0.05"/></geometry></collision></link>
      <link name="arm"><collision><origin xyz="1 0 0"/>
        <geometry><sphere radius="0.1"/></geometry></collision></link>
      <joint name="turn" type="revolute"><parent link="base"/><child link="hub"/>
        <axis xyz="0 0 1"/><limit lower="-3" upper="3" velocity="1" effort="1"/></joint>
      <joint name="slide" type="prismatic"><parent link="hub"/><child link="arm"/>
        <axis xyz="1 0 0"/><limit lower="0" upper="2" velocity="1" effort="1"/></joint></robot>"#;

    fn free(q: &[f64], obstacles: &str) -> bool {
        let robot = Robot::from_strings(LEVER, Some(r#"<robot name="lever"/>"#)).unwrap();
        let obstacles = serde_json::from_str(obstacles).unwrap();
        let mut checker = PlainChecker::new(&robot, &[0, 1], &robot.neutral());
        checker.is_free(q, &obstacles)
    }

    #[test]
    fn a_ball_a_rod_and_a_block_are_touched_where_they_stand() {
        let ball = r#"{"spheres": [{"name": "b", "center": [0, 1.25, 0], "radius": 0.2}]}"#;
        let rod = r#"{"capsules": [{"name": "r", "a": [-5, 1.25, 0], "b": [5, 1.25, 0],
            "radius": 0.2}]}"#;
        let block = r#"{"cuboids": [{"name": "k", "center": [0, 1.55, 0],
            "half_extents": [5, 0.5, 5], "axes": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]}]}"#;
        for obstacle in [ball, rod, block] {
            assert!(!free(&[std::f64::consts::FRAC_PI_2, 0.0], obstacle), "{obstacle}");
            assert!(free(&[0.0, 0.0], obstacle), "{obstacle}");
        }
        let upwards = std::f64::consts::FRAC_PI_2;
        let just_short =
            r#"{"spheres": [{"name": "b", "center": [0, 1.30001, 0], "radius": 0.2}]}"#;
        let just_there =
            r#"{"spheres": [{"name": "b", "center": [0, 1.29999, 0], "radius": 0.2}]}"#;
        assert!(free(&[upwards, 0.0], just_short) && !free(&[upwards, 0.0], just_there));
    }

    #[test]
    fn a_centre_inside_a_block_touches_it() {
        let block = r#"{"cuboids": [{"name": "k", "center": [1, 0, 0],
            "half_extents": [9, 9, 9]}]}"#;
        assert!(!free(&[0.0, 0.0], block));
    }

    #[test]
    fn the_lever_meets_its_own_base_when_it_stretches() {
        assert!(free(&[0.0, 0.79], "{}"));
        assert!(!free(&[0.0, 0.81], "{}"));
        assert!(free(&[0.3, 0.81], "{}"));
    }

    #[test]
    fn what_touches_is_named_and_may_be_allowed() {
        let robot = Robot::from_strings(LEVER, Some(r#"<robot name="lever"/>"#)).unwrap();
        let mut checker = PlainChecker::new(&robot, &[0, 1], &robot.neutral());
        let base_and_arm = BTreeSet::from([(0, 2)]);
        assert_eq!(checker.touching_links(&[0.0, 0.81]), base_and_arm);
        assert_eq!(checker.touching_links(&[0.3, 0.81]), BTreeSet::new());
        let mut lenient = checker.allowing(&base_and_arm);
        assert!(lenient.is_free(&[0.0, 0.81], &Obstacles::default()));
    }
}
