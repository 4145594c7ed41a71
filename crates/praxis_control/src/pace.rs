use praxis_trajectory::{JointLimit, JointSample};

/// How quickly the rate follows what is wanted, 1/s.
const PULL_PER_S: f64 = 20.0;
/// Share of the acceleration and jerk limits that a change of rate may use; the rest is the motion's.
const SHARE: f64 = 0.3;
/// Fastest change of rate, 1/s, where no joint moves.
const MOST_PER_S: f64 = 20.0;
/// Fastest change of that, 1/s².
const MOST_PER_S2: f64 = 2000.0;
/// A rate below this that is to be zero is zero.
const STANDING: f64 = 1e-4;
/// Joints slower than this do not matter, per second.
const SLOW: f64 = 1e-3;

/// How fast a motion runs along its path: 1 as planned, 0 standing on it.
///
/// Changes of rate are bounded so that what they add to the joints' accelerations and jerks stays
/// within a third of the limits; the gate keeps the limits in any case.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    rate: f64,
    change_per_s: f64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { rate: 1.0, change_per_s: 0.0 }
    }
}

impl Pace {
    /// Standing.
    pub const STANDING: Self = Self { rate: 0.0, change_per_s: 0.0 };

    /// The rate now.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// Goes on by `dt_s` towards the wanted rate, given the motion's state as planned; how far
    /// trajectory time advances.
    pub(crate) fn advance(
        &mut self,
        wanted: f64,
        planned: &JointSample,
        limits: &[JointLimit],
        dt_s: f64,
    ) -> f64 {
        let wanted = if wanted.is_finite() { wanted.clamp(0.0, 1.0) } else { 0.0 };
        if self.change_per_s == 0.0 && wanted == self.rate {
            return self.rate * dt_s;
        }
        let (mut most_per_s, mut most_per_s2) = (MOST_PER_S, MOST_PER_S2);
        for (velocity, limit) in planned.velocity.iter().zip(limits) {
            let speed = velocity.abs().max(SLOW);
            most_per_s = most_per_s.min(SHARE * limit.acceleration / speed);
            most_per_s2 = most_per_s2.min(SHARE * limit.jerk / speed);
        }
        let missing = wanted - self.rate;
        // From afar as fast as the change can still be taken back in time.
        let far = (most_per_s2 * missing.abs()).sqrt();
        let change = missing.signum() * (PULL_PER_S * missing.abs()).min(far).min(most_per_s);
        let most_step = most_per_s2 * dt_s;
        self.change_per_s += (change - self.change_per_s).clamp(-most_step, most_step);
        let before = self.rate;
        self.rate += self.change_per_s * dt_s;
        let is_there = (self.rate - wanted).abs() < STANDING && self.change_per_s.abs() < 0.01;
        if is_there {
            (self.rate, self.change_per_s) = (wanted, 0.0);
        } else if !(0.0..=1.0).contains(&self.rate) {
            (self.rate, self.change_per_s) = (self.rate.clamp(0.0, 1.0), 0.0);
        }
        0.5 * (before + self.rate) * dt_s
    }

    /// The state at this rate of a motion whose state as planned is given.
    pub(crate) fn apply(&self, planned: &mut JointSample) {
        if self.rate == 1.0 && self.change_per_s == 0.0 {
            return;
        }
        for (v, a) in planned.velocity.iter_mut().zip(&mut planned.acceleration) {
            *a = *a * self.rate * self.rate + *v * self.change_per_s;
            *v *= self.rate;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn limits() -> [JointLimit; 1] {
        [JointLimit::new(2.0, 10.0, 500.0)]
    }

    fn cruise(velocity: f64) -> JointSample {
        JointSample { position: vec![0.0], velocity: vec![velocity], acceleration: vec![0.0] }
    }

    #[test]
    fn as_planned_changes_nothing() {
        let (mut pace, mut planned) = (Pace::default(), cruise(1.3));
        assert_eq!(pace.advance(1.0, &planned, &limits(), 0.002), 0.002);
        pace.apply(&mut planned);
        assert_eq!(planned, cruise(1.3));
    }

    proptest! {
        #[test]
        fn any_wish_is_met_within_a_third_of_the_limits(
            wishes in prop::collection::vec(prop_oneof![0.0..1.0_f64, Just(f64::NAN)], 1..6),
            velocity in 0.0..2.0,
        ) {
            let mut pace = Pace::default();
            for wish in wishes {
                for _ in 0..1000 {
                    let before = pace;
                    let advance_s = pace.advance(wish, &cruise(velocity), &limits(), 0.002);
                    prop_assert!((0.0..=0.002 + 1e-12).contains(&advance_s));
                    prop_assert!(pace.change_per_s.abs() * velocity <= 3.0 + 1e-9);
                    let step = (pace.change_per_s - before.change_per_s).abs();
                    prop_assert!(step * velocity <= 0.3 * 500.0 * 0.002 + 1e-2, "{before:?} {pace:?}");
                }
                let wanted = if wish.is_finite() { wish } else { 0.0 };
                prop_assert!((pace.rate() - wanted).abs() < 1e-3, "{pace:?} {wish}");
            }
        }
    }
}
