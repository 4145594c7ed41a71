use crate::Trajectory;

/// Most that a thinned motion leaves the full one by, radians or metres.
const DEVIATION: f64 = 1e-5;
/// Most that an acceleration differs at a knot that is left out, as a share of the greatest.
const SHARE: f64 = 0.02;
/// Rounding of what is held against the greatest values, as a share.
const ROUNDING: f64 = 1e-6;
/// Knots that one segment of a thinned motion stands for, at most.
const MOST_IN_ONE: usize = 64;

impl Trajectory {
    /// The same motion with fewer knots: those are left out without which it stays where it was
    /// within 1e-5 rad at every moment, and its accelerations at them within 2 % of the greatest. No
    /// joint gets a velocity, acceleration or jerk beyond the greatest that it had, so limits that the
    /// motion kept all the way are kept.
    ///
    /// Averaged motions have a knot every few milliseconds around their corners; senders and
    /// receivers pay for each. Motions whose knots do not give all derivatives come back as they are.
    #[must_use]
    pub fn thinned(&self) -> Self {
        let count = self.knot_count();
        if count < 3 || (0..count).any(|knot| self.acceleration(knot).is_none()) {
            return self.clone();
        }
        let most = Most::of(self);
        let mut kept = vec![0];
        let mut from = 0;
        while from + 1 < count {
            from = self.farthest(from, &most);
            kept.push(from);
        }
        self.through(&kept)
    }

    /// The last knot that one segment from `from` on can reach.
    fn farthest(&self, from: usize, most: &Most) -> usize {
        let last = (from + MOST_IN_ONE).min(self.knot_count() - 1);
        let (mut reached, mut beyond) = (from + 1, last + 1);
        let mut step = 1;
        // Ever longer strides, then halves of what is not known.
        while reached + 1 < beyond {
            let next =
                if beyond > last { (reached + step).min(last) } else { (reached + beyond) / 2 };
            if self.passes(from, next, most) {
                (reached, step) = (next, 2 * step);
            } else {
                beyond = next;
            }
        }
        reached
    }

    /// Whether the quintic from one knot to a later one stands for all between.
    fn passes(&self, from: usize, to: usize, most: &Most) -> bool {
        let times_s = self.times_s();
        let duration_s = times_s[to] - times_s[from];
        (0..self.dim()).all(|joint| {
            let polynomial = self.polynomial(from, to, joint);
            let passes = |knot: usize| {
                let [p, v, a] = polynomial.state(times_s[knot] - times_s[from]);
                let (position, velocity) = (self.position(knot), self.velocity(knot));
                let acceleration = self.acceleration(knot);
                let off_by = |value: f64, row: Option<&[f64]>| {
                    row.map_or(f64::INFINITY, |row| (value - row[joint]).abs())
                };
                let span_s =
                    (times_s[knot + 1] - times_s[knot]).max(times_s[knot] - times_s[knot - 1]);
                // What two quintics differ by between knots, from what they differ by at them: bounds
                // of the Hermite polynomials of order five, those of both ends together.
                off_by(p, Some(position))
                    + 0.4 * span_s * off_by(v, velocity)
                    + 0.05 * span_s * span_s * off_by(a, acceleration)
                    <= DEVIATION
                    && off_by(a, acceleration) <= SHARE * most.acceleration[joint]
            };
            (from + 1..to).all(passes)
                && polynomial.velocity_at_most(duration_s) <= most.velocity[joint]
                && polynomial.most_jerk(duration_s) <= most.jerk[joint]
                && polynomial.most_acceleration(duration_s) <= most.acceleration[joint]
        })
    }
}

/// The greatest velocity, acceleration and jerk of each joint.
struct Most {
    velocity: Vec<f64>,
    acceleration: Vec<f64>,
    jerk: Vec<f64>,
}

impl Most {
    /// Of a motion as its knots tell, its acceleration going straight from one to the next.
    fn of(motion: &Trajectory) -> Self {
        let zeros = vec![0.0_f64; motion.dim()];
        let [mut velocity, mut acceleration, mut jerk] = [zeros.clone(), zeros.clone(), zeros];
        for knot in 0..motion.knot_count() {
            for (most, row) in [
                (&mut velocity, motion.velocity(knot)),
                (&mut acceleration, motion.acceleration(knot)),
            ] {
                let values = most.iter_mut().zip(row.into_iter().flatten());
                values.for_each(|(most, value)| *most = most.max(value.abs()));
            }
        }
        for (knot, pair) in motion.times_s().windows(2).enumerate() {
            let [before, after] = [knot, knot + 1].map(|k| motion.acceleration(k).unwrap_or(&[]));
            for (most, (a, b)) in jerk.iter_mut().zip(before.iter().zip(after)) {
                *most = most.max((b - a).abs() / (pair[1] - pair[0]));
            }
        }
        for most in velocity.iter_mut().chain(&mut acceleration).chain(&mut jerk) {
            *most *= 1.0 + ROUNDING;
        }
        Self { velocity, acceleration, jerk }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{JointLimit, JointLimits, JointSample, move_to_state, time_path};
    use proptest::prelude::*;

    fn limits(dim: usize) -> JointLimits {
        JointLimits::new(vec![JointLimit::new(2.0, 8.0, 400.0); dim]).unwrap()
    }

    fn names(dim: usize) -> Vec<String> {
        (0..dim).map(|joint| format!("j{joint}")).collect()
    }

    fn assert_same(thin: &Trajectory, full: &Trajectory, limits: &JointLimits) {
        assert_eq!(thin.duration_s(), full.duration_s());
        let mut before: Option<JointSample> = None;
        let steps = (full.duration_s() * 1000.0).ceil() as usize;
        for step in 0..steps {
            let time_s = full.duration_s() * step as f64 / steps as f64;
            let (a, b) = (thin.sample(time_s), full.sample(time_s));
            for (joint, limit) in limits.joints().iter().enumerate() {
                assert!((a.position[joint] - b.position[joint]).abs() < 1.01e-5, "{time_s}");
                assert!((a.velocity[joint] - b.velocity[joint]).abs() < 0.02, "{time_s}");
                assert!(a.velocity[joint].abs() < limit.velocity + 1e-5);
                assert!(a.acceleration[joint].abs() < 1.0001 * limit.acceleration);
                let jerk = before.as_ref().map_or(0.0, |before| {
                    (a.acceleration[joint] - before.acceleration[joint]) * steps as f64
                        / full.duration_s()
                });
                assert!(jerk.abs() < 1.001 * limit.jerk, "{time_s} {jerk}");
            }
            before = Some(a);
        }
    }

    proptest! {
        #[test]
        fn corners_need_fewer_knots_for_the_same_motion(
            waypoints in prop::collection::vec(prop::collection::vec(-1.5..1.5, 4), 3..7),
        ) {
            let limits = limits(4);
            let full = time_path(names(4), &waypoints, &limits, 0.1).unwrap();
            let thin = full.thinned();
            let (few, many) = (thin.knot_count(), full.knot_count());
            prop_assert!(2 * few < many + 60, "{few} of {many}");
            assert_same(&thin, &full, &limits);
        }

        #[test]
        fn what_is_led_over_from_motion_stays_the_same(
            velocity in prop::collection::vec(-1.5..1.5, 3),
            goal in prop::collection::vec(-1.0..1.0, 3),
        ) {
            let limits = limits(3);
            let from = JointSample { velocity, ..JointSample::zeros(3) };
            let full = move_to_state(names(3), &from, &JointSample::at_rest(&goal), &limits).unwrap();
            assert_same(&full.thinned(), &full, &limits);
        }
    }

    #[test]
    fn what_cannot_be_thinned_comes_back() {
        let knot =
            |time_s: f64| crate::Knot { time_s, position: vec![time_s], ..Default::default() };
        let straight = Trajectory::new(names(1), &[0.0, 1.0, 2.0].map(knot)).unwrap();
        assert_eq!(straight.thinned(), straight);
        let alone = Trajectory::new(names(1), &[knot(0.0)]).unwrap();
        assert_eq!(alone.thinned(), alone);
    }
}
