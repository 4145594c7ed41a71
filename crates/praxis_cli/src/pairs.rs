use nalgebra::Point3;
use praxis_geometry::Pose;
use praxis_robot::{Robot, cover_with_spheres_within};
use rand_chacha::ChaCha8Rng;

use crate::solids::{Solids, hulls};
use crate::states::{link_poses, random_state};

/// Random states that are looked at.
const LOOKS: usize = 600;
/// Links that touch at this share of them always do: no motion could avoid it.
const ALWAYS: f64 = 0.95;
/// Random states of the joints between two links at which their solids are looked at before these
/// are said never to touch, and how many joints that is enough for.
const DENSE_LOOKS: usize = 20_000;
const FEW_JOINTS: usize = 3;
/// No link gets more spheres than this: each is checked at every step of every plan.
const MOST_SPHERES: usize = 500;
/// Spheres that touch at so many more states than the solids do are too fat.
const TOO_FAT: f64 = 0.25;
/// Surfaces that cross at a smaller share of random states than this do so rarely.
const RARELY: f64 = 0.1;
/// How far spheres may stick out, tried one after the other, metres.
const TIGHTER_M: [f64; 3] = [0.012, 0.006, 0.003];

/// Spheres of one link: centres in its frame, radii.
pub type Spheres = Vec<(Point3<f64>, f64)>;

/// Why two links may touch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Why {
    /// Fixed joints alone are between them.
    OneBody,
    /// Only joints that are not driven are between them.
    Held,
    /// Their solids touch at this share of random states.
    Always(f64),
    /// Their solids, though close, touch at none of this many states of the few joints between.
    Never(usize),
    /// Their surfaces cross at this share of random states of the few joints between, and they pass so
    /// close that even the tightest spheres would keep them from moving.
    Close(f64),
}

impl Why {
    /// For people.
    pub fn text(self) -> String {
        match self {
            Self::OneBody => "they are one body".to_owned(),
            Self::Held => "only joints that are not driven are between them".to_owned(),
            Self::Always(share) => {
                format!("their solids touch at {:.0} % of random states", 100.0 * share)
            }
            Self::Never(looks) => format!(
                "their spheres touch, their solids at none of {looks} random states of the joints between"
            ),
            Self::Close(share) => format!(
                "they pass closer than spheres can tell; their surfaces cross at {:.1} % of random states",
                100.0 * share
            ),
        }
    }
}

/// Two links that may touch.
#[derive(Clone, Debug, PartialEq)]
pub struct Allowed {
    /// Index of a link.
    pub first: usize,
    /// Index of another.
    pub second: usize,
    /// The reason.
    pub why: Why,
}

/// A link whose usual spheres touch others where its solids do not, with tighter ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Tight {
    /// Index of the link.
    pub link: usize,
    /// How far its spheres stick out, metres.
    pub excess_m: f64,
    /// Centres and radii.
    pub spheres: Spheres,
}

/// What was found out about a robot's pairs of links.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pairs {
    /// Pairs that have to be allowed, or the robot could never move.
    pub allowed: Vec<Allowed>,
    /// Links that get tighter spheres.
    pub tight: Vec<Tight>,
}

impl Pairs {
    /// Looks at many random states of `joints`. Pairs that never touch stay checked: states that
    /// were not drawn may bring them together. Where spheres touch much more often than solids do,
    /// the two links get tighter spheres rather than leave to touch.
    pub fn of(robot: &Robot, joints: &[usize], random: &mut ChaCha8Rng) -> Self {
        let looks: Vec<Vec<Pose>> =
            (0..LOOKS).map(|_| link_poses(robot, &random_state(robot, joints, random))).collect();
        let mut spheres = vec![Spheres::new(); robot.links().len()];
        for sphere in robot.spheres() {
            spheres[sphere.link].push((sphere.centre, sphere.radius_m));
        }
        let (solids, surfaces) = (Solids::of(robot), Solids::surfaces_of(robot));
        let mut found = Self::default();
        for first in 0..spheres.len() {
            for second in first + 1..spheres.len() {
                if !robot.pair_is_checked(first, second) {
                    continue;
                }
                let share = |touch: &dyn Fn(&[Pose]) -> bool| {
                    looks.iter().filter(|poses| touch(poses)).count() as f64 / LOOKS as f64
                };
                let by_spheres = |spheres: &[Spheres]| {
                    share(&|poses| meet(&spheres[first], &spheres[second], first, second, poses))
                };
                let mut fat = by_spheres(&spheres);
                if fat < TOO_FAT.min(ALWAYS) {
                    continue;
                }
                if let Some(why) = never_move_apart(robot, joints, first, second) {
                    found.allowed.push(Allowed { first, second, why });
                    continue;
                }
                let real = share(&|poses| solids.touch(first, second, poses));
                if real == 0.0 && never_touch(robot, joints, first, second, &solids, random) {
                    let why = Why::Never(DENSE_LOOKS);
                    found.allowed.push(Allowed { first, second, why });
                    continue;
                }
                let before = (found.tight.clone(), spheres[first].clone(), spheres[second].clone());
                for excess_m in TIGHTER_M {
                    if real >= ALWAYS || fat <= real + TOO_FAT {
                        break;
                    }
                    for link in [first, second] {
                        found.tighten(robot, link, excess_m, &mut spheres);
                    }
                    fat = by_spheres(&spheres);
                }
                // Hulls fill hollows in which the other link may stand, and so do spheres around them.
                let crossing = share(&|poses| surfaces.touch(first, second, poses));
                let is_close = crossing <= RARELY.min(0.5 * real)
                    && fat > crossing + TOO_FAT
                    && between(robot, joints, first, second).len() <= FEW_JOINTS;
                if fat >= ALWAYS || is_close {
                    let why = if real >= ALWAYS { Why::Always(real) } else { Why::Close(crossing) };
                    found.allowed.push(Allowed { first, second, why });
                    // Many spheres that gained nothing.
                    (found.tight, spheres[first], spheres[second]) = before;
                }
            }
        }
        found
    }

    /// Fits a link's spheres anew, unless they are as tight already or somebody gave them.
    fn tighten(&mut self, robot: &Robot, link: usize, excess_m: f64, spheres: &mut [Spheres]) {
        let known = self.tight.iter().position(|tight| tight.link == link);
        let is_tight = known.is_some_and(|index| self.tight[index].excess_m <= excess_m);
        if is_tight || robot.spheres_are_told(link) {
            return;
        }
        // Around the hulls, which are what touches in a physics engine.
        let fitted = cover_with_spheres_within(&hulls(&robot.links()[link].collision), excess_m);
        if fitted.len() > MOST_SPHERES {
            return;
        }
        spheres[link].clone_from(&fitted);
        let tight = Tight { link, excess_m, spheres: fitted };
        match known {
            Some(index) => self.tight[index] = tight,
            None => self.tight.push(tight),
        }
    }
}

/// Whether no driven joint moves one of two links against the other.
fn never_move_apart(robot: &Robot, joints: &[usize], a: usize, b: usize) -> Option<Why> {
    if !between(robot, joints, a, b).is_empty() {
        return None;
    }
    let all: Vec<usize> = (0..robot.joints().len()).collect();
    Some(if between(robot, &all, a, b).is_empty() { Why::OneBody } else { Why::Held })
}

/// Those of some joints that move one of two links against the other.
fn between(robot: &Robot, joints: &[usize], a: usize, b: usize) -> Vec<usize> {
    joints.iter().copied().filter(|&joint| robot.moves(joint, a) != robot.moves(joint, b)).collect()
}

/// Whether few joints are between two links and their solids touch at none of many states of these.
fn never_touch(
    robot: &Robot,
    joints: &[usize],
    a: usize,
    b: usize,
    solids: &Solids,
    random: &mut ChaCha8Rng,
) -> bool {
    let between = between(robot, joints, a, b);
    between.len() <= FEW_JOINTS
        && (0..DENSE_LOOKS).all(|_| {
            let poses = link_poses(robot, &random_state(robot, &between, random));
            !solids.touch(a, b, &poses)
        })
}

fn meet(of_a: &Spheres, of_b: &Spheres, a: usize, b: usize, poses: &[Pose]) -> bool {
    let a_from_b = poses[a].inv_mul(&poses[b]);
    of_b.iter().any(|(centre, radius_m)| {
        let there = a_from_b * centre;
        of_a.iter().any(|(p, r)| (p - there).norm_squared() < (r + radius_m).powi(2))
    })
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    /// Two boxes `gap_m` apart with a slender link between them; the second one turns about the axis
    /// through both and nods by up to `nod_rad`. A plate is fixed to its far side.
    fn pairs(gap_m: f64, nod_rad: f64) -> (Robot, Pairs) {
        let height = 0.2 + gap_m;
        let link = |name: &str, size: &str| {
            format!(
                r#"<link name="{name}"><collision><geometry><box size="{size}"/></geometry></collision></link>"#
            )
        };
        let joint = |name: &str, kind: &str, ends: [&str; 2], xyz: &str, axis: &str| {
            format!(
                r#"<joint name="{name}" type="{kind}"><parent link="{}"/><child link="{}"/><origin xyz="{xyz}"/>
                <axis xyz="{axis}"/><limit lower="-{nod_rad}" upper="{nod_rad}" velocity="1" effort="1"/></joint>"#,
                ends[0], ends[1]
            )
        };
        let urdf = [
            r#"<robot name="r">"#.to_owned(),
            link("base", "0.2 0.2 0.2"),
            link("pin", "0.004 0.004 0.004"),
            link("head", "0.2 0.2 0.2"),
            link("rim", "0.02 0.02 0.02"),
            link("plate", "0.2 0.2 0.02"),
            joint("turn", "continuous", ["base", "pin"], "0 0 0.1", "0 0 1"),
            joint("nod", "revolute", ["pin", "head"], &format!("0 0 {}", height - 0.1), "0 1 0"),
            joint("glue", "fixed", ["head", "rim"], "0.09 0 0.1", "0 0 1"),
            joint("weld", "fixed", ["rim", "plate"], "-0.09 0 0.01", "0 0 1"),
            "</robot>".to_owned(),
        ]
        .concat();
        let robot = Robot::from_strings(&urdf, None).unwrap();
        let pairs = Pairs::of(&robot, &[0, 1], &mut ChaCha8Rng::seed_from_u64(3));
        (robot, pairs)
    }

    fn why(robot: &Robot, pairs: &Pairs, first: &str, second: &str) -> Option<Why> {
        let (a, b) = (robot.link_index(first).unwrap(), robot.link_index(second).unwrap());
        pairs.allowed.iter().find(|pair| (pair.first, pair.second) == (a, b)).map(|pair| pair.why)
    }

    #[test]
    fn links_whose_solids_touch_may_touch() {
        let (robot, found) = pairs(-0.01, 0.4);
        assert_eq!(why(&robot, &found, "base", "head"), Some(Why::Always(1.0)));
        assert_eq!(why(&robot, &found, "head", "plate"), Some(Why::OneBody));
        assert!(found.tight.is_empty(), "{:?}", found.tight);
    }

    #[test]
    fn links_whose_fat_spheres_touch_get_tighter_ones_and_stay_checked() {
        let (robot, found) = pairs(0.03, 0.4);
        assert_eq!(why(&robot, &found, "base", "head"), None);
        let names: Vec<&str> =
            found.tight.iter().map(|tight| robot.links()[tight.link].name.as_str()).collect();
        assert_eq!(names, ["base", "head"]);
        assert!(found.tight.iter().all(|tight| tight.excess_m <= 0.012));
    }

    #[test]
    fn links_that_never_touch_though_their_spheres_do_may_and_it_is_told_why() {
        let (robot, found) = pairs(0.002, 0.01);
        assert_eq!(why(&robot, &found, "base", "head"), Some(Why::Never(DENSE_LOOKS)));
    }
}
