/// One joint between two knots: `[position, velocity, acceleration]` at both ends.
pub(crate) struct Segment {
    pub duration_s: f64,
    pub start: [f64; 3],
    pub end: [f64; 3],
}

/// State after `elapsed_s`, meeting as many derivatives at both ends as `derivatives` says.
pub(crate) fn interpolate(segment: &Segment, derivatives: u8, elapsed_s: f64) -> [f64; 3] {
    Polynomial::of(segment, derivatives).state(elapsed_s)
}

/// Position over time, `c0 + c1 t + ... + c5 t^5` with t in seconds.
pub(crate) struct Polynomial([f64; 6]);

impl Polynomial {
    /// Through both ends of a segment, meeting as many derivatives there as `derivatives` says.
    pub(crate) fn of(segment: &Segment, derivatives: u8) -> Self {
        let h = segment.duration_s;
        let [p0, v0, a0] = segment.start;
        let [p1, v1, a1] = segment.end;
        Self(match derivatives {
            0 => [p0, (p1 - p0) / h, 0.0, 0.0, 0.0, 0.0],
            1 => {
                let mean = (p1 - p0) / h;
                let c2 = (3.0 * mean - 2.0 * v0 - v1) / h;
                let c3 = (v0 + v1 - 2.0 * mean) / (h * h);
                [p0, v0, c2, c3, 0.0, 0.0]
            }
            _ => {
                // Constant jerk, and what it misses at the end in position and velocity.
                let jerk = (a1 - a0) / h;
                let dp = unless_rounding(p1 - p0 - h * (v0 + h * (a0 / 3.0 + a1 / 6.0)), p0, p1);
                let dv = unless_rounding(v1 - v0 - 0.5 * h * (a0 + a1), v0, v1);
                let (dp, dv) = (dp / (h * h * h), dv / (h * h));
                let c3 = jerk / 6.0 + 10.0 * dp - 4.0 * dv;
                let c4 = (-15.0 * dp + 7.0 * dv) / h;
                let c5 = (6.0 * dp - 3.0 * dv) / (h * h);
                [p0, v0, 0.5 * a0, c3, c4, c5]
            }
        })
    }

    /// Position, velocity and acceleration at `t` seconds.
    pub(crate) fn state(&self, t: f64) -> [f64; 3] {
        let c = &self.0;
        [
            self.position(t),
            c[1] + t * (2.0 * c[2] + t * (3.0 * c[3] + t * (4.0 * c[4] + t * 5.0 * c[5]))),
            self.acceleration(t),
        ]
    }

    /// Position at `t` seconds.
    pub(crate) fn position(&self, t: f64) -> f64 {
        let c = &self.0;
        c[0] + t * (c[1] + t * (c[2] + t * (c[3] + t * (c[4] + t * c[5]))))
    }

    fn acceleration(&self, t: f64) -> f64 {
        let c = &self.0;
        2.0 * c[2] + t * (6.0 * c[3] + t * (12.0 * c[4] + t * 20.0 * c[5]))
    }

    fn jerk(&self, t: f64) -> f64 {
        let c = &self.0;
        6.0 * c[3] + t * (24.0 * c[4] + t * 60.0 * c[5])
    }

    /// The greatest jerk, without its sign, in the first `duration_s` seconds.
    pub(crate) fn most_jerk(&self, duration_s: f64) -> f64 {
        let [.., c4, c5] = self.0;
        let turn = Some(-0.2 * c4 / c5).filter(|t| (0.0..duration_s).contains(t));
        let ends = self.jerk(0.0).abs().max(self.jerk(duration_s).abs());
        turn.map_or(ends, |t| ends.max(self.jerk(t).abs()))
    }

    /// No less than the greatest velocity, without its sign, in the first `duration_s` seconds: the
    /// greatest of the points between which a Bézier curve stays.
    pub(crate) fn velocity_at_most(&self, duration_s: f64) -> f64 {
        let (c, h) = (&self.0, duration_s);
        let d = [c[1], 2.0 * c[2] * h, 3.0 * c[3] * h * h, 4.0 * c[4] * h.powi(3)];
        let end = d.iter().sum::<f64>() + 5.0 * c[5] * h.powi(4);
        let inner = [
            d[0] + 0.25 * d[1],
            d[0] + 0.5 * d[1] + d[2] / 6.0,
            d[0] + 0.75 * d[1] + 0.5 * d[2] + 0.25 * d[3],
        ];
        inner.into_iter().chain([d[0], end]).fold(0.0, |most, point| most.max(point.abs()))
    }

    /// The greatest acceleration, without its sign, in the first `duration_s` seconds.
    pub(crate) fn most_acceleration(&self, duration_s: f64) -> f64 {
        let [.., c3, c4, c5] = self.0;
        // Where the jerk is zero: 60 c5 t^2 + 24 c4 t + 6 c3 = 0, solved without cancellation.
        let (half_b, root) = (12.0 * c4, (144.0 * c4 * c4 - 360.0 * c3 * c5).sqrt());
        let far = -(half_b + root.copysign(half_b));
        let turns = [far / (60.0 * c5), 6.0 * c3 / far];
        let ends = self.acceleration(0.0).abs().max(self.acceleration(duration_s).abs());
        // Without such a place the root, and so all of this, is not a number.
        let inside = turns.into_iter().filter(|t| (0.0..duration_s).contains(t));
        inside.map(|t| self.acceleration(t).abs()).fold(ends, f64::max)
    }
}

/// A difference of computed values, zero where it is no more than their rounding, which would grow
/// to accelerations over a segment of microseconds.
fn unless_rounding(difference: f64, a: f64, b: f64) -> f64 {
    let rounding = 16.0 * f64::EPSILON * (1.0 + a.abs() + b.abs());
    if difference.abs() <= rounding { 0.0 } else { difference }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cubic(c: [f64; 4], t: f64) -> [f64; 3] {
        [
            c[0] + t * (c[1] + t * (c[2] + t * c[3])),
            c[1] + t * (2.0 * c[2] + t * 3.0 * c[3]),
            2.0 * c[2] + 6.0 * c[3] * t,
        ]
    }

    #[test]
    fn a_microsecond_of_constant_jerk_stays_one_despite_rounding() {
        let c = [1.7, -0.9, 1.1, 8.0];
        let h = 1e-6;
        let segment = Segment { duration_s: h, start: cubic(c, 0.0), end: cubic(c, h) };
        let [_, _, middle] = interpolate(&segment, 2, 0.5 * h);
        assert!((middle - cubic(c, 0.5 * h)[2]).abs() < 1e-9, "{middle}");
    }

    proptest! {
        #[test]
        fn what_is_greatest_is_as_many_looks_tell(
            start in prop::array::uniform3(-2.0..2.0),
            end in prop::array::uniform3(-2.0..2.0),
            h in 0.05..1.0,
        ) {
            let polynomial = Polynomial::of(&Segment { duration_s: h, start, end }, 2);
            let most = |value: &dyn Fn(f64) -> f64| {
                (0..=2000).map(|k| value(h * f64::from(k) / 2000.0).abs()).fold(0.0, f64::max)
            };
            for (found, seen) in [
                (polynomial.most_jerk(h), most(&|t| polynomial.jerk(t))),
                (polynomial.most_acceleration(h), most(&|t| polynomial.acceleration(t))),
            ] {
                prop_assert!(found >= seen * (1.0 - 1e-9) && found <= seen * 1.001 + 1e-6);
            }
            let fastest = most(&|t| polynomial.state(t)[1]);
            prop_assert!(polynomial.velocity_at_most(h) >= fastest * (1.0 - 1e-9));
        }

        #[test]
        fn a_phase_of_constant_jerk_is_met_exactly(
            c in prop::array::uniform4(-5.0..5.0),
            h in 0.01..2.0,
            fraction in 0.0..1.0,
        ) {
            let segment = Segment { duration_s: h, start: cubic(c, 0.0), end: cubic(c, h) };
            let t = fraction * h;
            for derivatives in [1, 2] {
                let got = interpolate(&segment, derivatives, t);
                for (got, want) in got.iter().zip(cubic(c, t)) {
                    prop_assert!((got - want).abs() < 1e-6, "{got} {want}");
                }
            }
        }
    }
}
