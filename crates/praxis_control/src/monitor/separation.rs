use nalgebra::Point3;

/// A person, or anything that may come near on its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Person {
    /// Where it stands, root frame.
    pub position: Point3<f64>,
    /// Half of its width, metres.
    pub radius_m: f64,
    /// Its height above `position`, metres.
    pub height_m: f64,
}

/// Speed and separation in the manner of ISO 13855 and ISO/TS 15066.
///
/// A distance S is enough for a robot that goes v if
/// `S ≥ K (T_r + T_s) + v T_r + v T_s / 2 + C`: the person comes nearer at K until the robot stands,
/// the robot goes on at v until the brake takes hold and half of v on average while it brakes.
/// Solved for v: `v ≤ (S − C − K (T_r + T_s)) / (T_r + T_s / 2)`. The motion's rate is this speed over
/// that of the fastest part of the arm. T_s is the braking time from the present state, at least
/// `least_stop_s`. This is not a certified safety function.
#[derive(Clone, Debug, PartialEq)]
pub struct Separation {
    /// K for people, metres per second.
    pub person_speed_mps: f64,
    /// C for people, metres: reach of an arm, and how inexactly they are seen.
    pub person_clearance_m: f64,
    /// K for unknown points, metres per second.
    pub unknown_speed_mps: f64,
    /// C for unknown points, metres.
    pub unknown_clearance_m: f64,
    /// Unknown points alone do not slow the motion below this rate: before contact it is braked.
    pub unknown_least_rate: f64,
    /// T_r: from a frame to the moment when the brake takes hold, seconds.
    pub reaction_s: f64,
    /// Least T_s, seconds.
    pub least_stop_s: f64,
}

impl Default for Separation {
    fn default() -> Self {
        Self {
            person_speed_mps: 1.6,
            person_clearance_m: 0.2,
            unknown_speed_mps: 0.0,
            unknown_clearance_m: 0.0,
            unknown_least_rate: 0.25,
            reaction_s: 0.1,
            least_stop_s: 0.2,
        }
    }
}

impl Separation {
    /// Highest speed at a distance from something that comes at `k_mps` and is kept `c_m` clear of.
    pub fn speed_mps(&self, distance_m: f64, k_mps: f64, c_m: f64, stop_s: f64) -> f64 {
        let (t_r, t_s) = (self.reaction_s, stop_s.max(self.least_stop_s));
        ((distance_m - c_m - k_mps * (t_r + t_s)) / (t_r + 0.5 * t_s)).max(0.0)
    }

    /// Highest rate of a motion whose fastest part goes `planned_mps` as planned.
    pub(super) fn rate(&self, people_m: f64, unknown_m: f64, planned_mps: f64, stop_s: f64) -> f64 {
        if planned_mps <= 1e-6 {
            return 1.0;
        }
        let (k, c) = (self.person_speed_mps, self.person_clearance_m);
        let by_people = self.speed_mps(people_m, k, c, stop_s) / planned_mps;
        let (k, c) = (self.unknown_speed_mps, self.unknown_clearance_m);
        let by_unknown = self.speed_mps(unknown_m, k, c, stop_s) / planned_mps;
        by_people.min(by_unknown.max(self.unknown_least_rate)).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_speed_is_the_one_at_which_the_distance_just_suffices() {
        let separation = Separation::default();
        // 1 m away: 0.2 m clearance, a person walks 1.6 m/s for 0.1 + 0.3 s.
        let v = separation.speed_mps(1.0, 1.6, 0.2, 0.3);
        let needed_m = 1.6 * 0.4 + v * 0.1 + v * 0.3 / 2.0 + 0.2;
        assert!((needed_m - 1.0).abs() < 1e-12, "{needed_m}");
        assert_eq!(separation.speed_mps(0.5, 1.6, 0.2, 0.3), 0.0);
    }

    #[test]
    fn people_stop_the_arm_and_unknown_points_slow_it() {
        let separation = Separation::default();
        assert_eq!(separation.rate(0.3, f64::INFINITY, 1.0, 0.2), 0.0);
        assert_eq!(separation.rate(f64::INFINITY, 0.0, 1.0, 0.2), 0.25);
        assert_eq!(separation.rate(f64::INFINITY, f64::INFINITY, 1.0, 0.2), 1.0);
        assert_eq!(separation.rate(5.0, 5.0, 1.0, 0.2), 1.0);
    }
}
