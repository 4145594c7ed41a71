/// One joint between two knots: `[position, velocity, acceleration]` at both ends.
pub(crate) struct Segment {
    pub duration_s: f64,
    pub start: [f64; 3],
    pub end: [f64; 3],
}

/// State after `elapsed_s`, meeting as many derivatives at both ends as `derivatives` says.
pub(crate) fn interpolate(segment: &Segment, derivatives: u8, elapsed_s: f64) -> [f64; 3] {
    let h = segment.duration_s;
    let [p0, v0, a0] = segment.start;
    let [p1, v1, a1] = segment.end;
    // Coefficients of c0 + c1 t + ... + c5 t^5 with t in seconds.
    let c = match derivatives {
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
    };
    let t = elapsed_s;
    [
        c[0] + t * (c[1] + t * (c[2] + t * (c[3] + t * (c[4] + t * c[5])))),
        c[1] + t * (2.0 * c[2] + t * (3.0 * c[3] + t * (4.0 * c[4] + t * 5.0 * c[5]))),
        2.0 * c[2] + t * (6.0 * c[3] + t * (12.0 * c[4] + t * 20.0 * c[5])),
    ]
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
