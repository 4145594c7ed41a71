use praxis_geometry::Pose;

use crate::ik::share;
use crate::robot::Robot;

/// A pair of links that need not be checked against each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampledPair {
    /// Index of a link.
    pub first: usize,
    /// Index of another.
    pub second: usize,
    /// How often they touch.
    pub touch: Touch,
}

/// How often two links touch over all states that were sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touch {
    /// In every state: their spheres overlap where they are mounted.
    Always,
    /// In none.
    Never,
}

/// Range of a turn without limits, and of a slide without limits.
const UNBOUNDED: f64 = std::f64::consts::PI;

impl Robot {
    /// Pairs of links, of those that are checked today, that touch in all of `samples` random
    /// states within the limits or in none of them. For robots without an SRDF, which says it
    /// better: a pair that touches in fewer than about one state of `samples` may be missed, so
    /// 10,000 are a good number. One seed, one answer.
    pub fn pairs_by_sampling(&self, samples: usize, seed: u64) -> Vec<SampledPair> {
        let solid = |link: usize| self.spheres.iter().any(|sphere| sphere.link == link);
        let links: Vec<usize> = (0..self.links.len()).filter(|&link| solid(link)).collect();
        let mut counts: Vec<(usize, usize, usize)> = Vec::new();
        for (place, &first) in links.iter().enumerate() {
            let others = links[place + 1..].iter().filter(|&&b| self.pair_is_checked(first, b));
            counts.extend(others.map(|&second| (first, second, 0)));
        }
        let mut random = seed;
        let (mut q, mut poses) = (vec![0.0; self.joints.len()], Vec::new());
        for _ in 0..samples {
            for (value, joint) in q.iter_mut().zip(&self.joints) {
                let (lower, upper) = (joint.lower.max(-UNBOUNDED), joint.upper.min(UNBOUNDED));
                *value = lower + share(&mut random) * (upper - lower);
            }
            self.link_poses(&q, &mut poses);
            for (first, second, count) in &mut counts {
                *count += usize::from(self.links_touch(*first, *second, &poses));
            }
        }
        let verdict = |&(first, second, count): &(usize, usize, usize)| {
            let touch = match count {
                0 => Touch::Never,
                all if all == samples => Touch::Always,
                _ => return None,
            };
            Some(SampledPair { first, second, touch })
        };
        counts.iter().filter_map(verdict).collect()
    }

    fn links_touch(&self, a: usize, b: usize, root_from_link: &[Pose]) -> bool {
        let of = |link: usize| self.spheres.iter().filter(move |sphere| sphere.link == link);
        let a_from_b = root_from_link[a].inv_mul(&root_from_link[b]);
        of(b).any(|other| {
            let centre = a_from_b * other.centre;
            of(a).any(|sphere| (sphere.centre - centre).norm() < sphere.radius_m + other.radius_m)
        })
    }
}
