use nalgebra::Point3;
use praxis_robot::{JointKind, Motion, Robot};
use rand_chacha::ChaCha8Rng;
use roxmltree::Document;

use crate::arm::Arm;
use crate::states::{link_poses, random_state};

/// Faster than this no joint is moved without somebody saying so, rad/s or m/s.
const FASTEST: f64 = 3.15;
/// Acceleration as a multiple of speed, 1/s: full speed in a quarter of a second.
const PER_SPEED: f64 = 4.0;
/// Jerk as a multiple of acceleration, 1/s: full acceleration in 20 ms.
const JERK: f64 = 50.0;
/// Share of the torque that is used.
const TORQUE: f64 = 0.7;
/// Rotor and gear as a joint feels them, kg m².
const ROTOR_KGM2: f64 = 0.1;
/// No limit is set below this, rad/s².
const SLOWEST: f64 = 0.2;
const GRAVITY_MPS2: f64 = 9.81;
/// Random states at which loads are looked at.
const LOOKS: usize = 200;

/// Limits of one joint.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// The joint.
    pub joint: String,
    /// Greatest speed, acceleration, jerk.
    pub velocity: f64,
    /// See `velocity`.
    pub acceleration: f64,
    /// See `velocity`.
    pub jerk: f64,
    /// What the acceleration rests on.
    pub why: &'static str,
}

/// Limits from the description's speeds and torques: accelerations keep the joint within its
/// torque at the worst of many states, with the masses that the description gives.
pub fn estimate(robot: &Robot, arm: &Arm, urdf: &str, random: &mut ChaCha8Rng) -> Vec<Limit> {
    let masses = masses(robot, urdf);
    let states: Vec<Vec<f64>> =
        (0..LOOKS).map(|_| random_state(robot, &arm.joints, random)).collect();
    arm.joints
        .iter()
        .map(|&index| {
            let joint = &robot.joints()[index];
            let velocity = joint.velocity.min(FASTEST);
            let comfortable = PER_SPEED * velocity;
            let loads = states.iter().map(|state| load(robot, index, state, &masses));
            let (inertia, weight) =
                loads.fold((0.0, 0.0), |(i, w): (f64, f64), (j, v)| (i.max(j), w.max(v)));
            let possible = (TORQUE * joint.effort - weight) / (inertia + ROTOR_KGM2);
            let (acceleration, why) = if joint.effort <= 0.0 {
                (comfortable, "no torque is told")
            } else if possible < SLOWEST {
                (SLOWEST.max(0.25 * comfortable), "the torque told hardly holds the arm")
            } else if possible < comfortable {
                (possible, "torque")
            } else {
                (comfortable, "speed")
            };
            let jerk = JERK * acceleration;
            Limit { joint: joint.name.clone(), velocity, acceleration, jerk, why }
        })
        .collect()
}

/// Inertia that a joint moves and torque that weight puts on it.
fn load(
    robot: &Robot,
    joint: usize,
    state: &[f64],
    masses: &[(usize, f64, Point3<f64>)],
) -> (f64, f64) {
    let poses = link_poses(robot, state);
    let Some((moved, _)) = robot.moving_links(joint).next() else { return (0.0, 0.0) };
    let axis = match robot.links()[moved].motion {
        Motion::Turn { axis, .. } | Motion::Slide { axis, .. } => poses[moved].rotation * axis,
        Motion::Fixed => return (0.0, 0.0),
    };
    let origin = Point3::from(poses[moved].translation.vector);
    let slides = robot.joints()[joint].kind == JointKind::Prismatic;
    let (mut inertia, mut weight) = (0.0, nalgebra::Vector3::zeros());
    for &(link, mass_kg, centre) in masses.iter().filter(|(link, ..)| robot.moves(joint, *link)) {
        let arm = poses[link] * centre - origin;
        let down = nalgebra::Vector3::new(0.0, 0.0, -mass_kg * GRAVITY_MPS2);
        if slides {
            inertia += mass_kg;
            weight += down;
        } else {
            inertia += mass_kg * axis.cross(&arm).norm_squared();
            weight += arm.cross(&down);
        }
    }
    (inertia, axis.dot(&weight).abs())
}

/// Links with their mass and its centre.
fn masses(robot: &Robot, urdf: &str) -> Vec<(usize, f64, Point3<f64>)> {
    let Ok(document) = Document::parse(urdf) else { return Vec::new() };
    let links = document.root_element().children().filter(|node| node.has_tag_name("link"));
    links
        .filter_map(|node| {
            let link = robot.link_index(node.attribute("name")?).ok()?;
            let inertial = node.children().find(|child| child.has_tag_name("inertial"))?;
            let child = |tag| inertial.children().find(|child| child.has_tag_name(tag));
            let mass_kg = child("mass")?.attribute("value")?.trim().parse().ok()?;
            let xyz: Vec<f64> = child("origin")
                .and_then(|origin| origin.attribute("xyz"))
                .map(|text| text.split_whitespace().filter_map(|word| word.parse().ok()).collect())
                .unwrap_or_default();
            let centre = match xyz[..] {
                [x, y, z] => Point3::new(x, y, z),
                _ => Point3::origin(),
            };
            Some((link, mass_kg, centre))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn arm_of(effort: f64) -> Vec<Limit> {
        let urdf = format!(
            r#"<robot name="r"><link name="a"/><link name="b"/><link name="c"><inertial>
            <origin xyz="1 0 0"/><mass value="2"/></inertial></link>
            <joint name="i" type="revolute"><parent link="a"/><child link="b"/><axis xyz="0 0 1"/><limit lower="-1" upper="1" velocity="9" effort="{effort}"/></joint>
            <joint name="j" type="revolute"><parent link="b"/><child link="c"/><axis xyz="0 1 0"/><limit lower="-1" upper="1" velocity="1" effort="{effort}"/></joint></robot>"#
        );
        let robot = Robot::from_strings(&urdf, None).unwrap();
        let arm = Arm::choose(&robot, None).unwrap();
        estimate(&robot, &arm, &urdf, &mut ChaCha8Rng::seed_from_u64(1))
    }

    #[test]
    fn torque_bounds_what_speed_would_allow() {
        let strong = arm_of(1000.0);
        assert_eq!((strong[0].velocity, strong[0].why), (FASTEST, "speed"));
        assert_eq!((strong[1].acceleration, strong[1].jerk), (4.0, 200.0));
        // 2 kg at 1 m: 19.6 N m of weight, 2.1 kg m²; 0.7 * 31 N m leave 2.1 N m.
        let weak = &arm_of(31.0)[1];
        assert_eq!(weak.why, "torque");
        assert!((weak.acceleration - (0.7 * 31.0 - 19.62) / 2.1).abs() < 0.05, "{weak:?}");
        assert_eq!(arm_of(0.0)[1].why, "no torque is told");
    }
}
