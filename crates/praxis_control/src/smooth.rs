use praxis_trajectory::Knot;

/// Fills in velocities and accelerations that were not given, so that the motion through the knots
/// has no jump in either: at rest at both ends, and between them velocities that do not overshoot
/// the knots (Fritsch and Butland 1984), accelerations as the cubics on both sides have on average.
///
/// joint_trajectory_controller takes straight lines or bare cubics here, whose jumps no arm can
/// follow; the knots are met either way.
pub(crate) fn complete(knots: &mut [Knot]) {
    let Some(dim) = knots.first().map(|knot| knot.position.len()) else { return };
    let last = knots.len() - 1;
    for index in 0..knots.len() {
        if knots[index].velocity.is_empty() {
            let velocity = if index == 0 || index == last {
                vec![0.0; dim]
            } else {
                (0..dim).map(|joint| knot_velocity(knots, index, joint)).collect()
            };
            knots[index].velocity = velocity;
        }
    }
    for index in 0..knots.len() {
        if knots[index].acceleration.is_empty() {
            let acceleration = if index == 0 || index == last {
                vec![0.0; dim]
            } else {
                let sides = |joint| {
                    let [_, before] = cubic_accelerations(knots, index - 1, joint);
                    let [after, _] = cubic_accelerations(knots, index, joint);
                    0.5 * (before + after)
                };
                (0..dim).map(sides).collect()
            };
            knots[index].acceleration = acceleration;
        }
    }
}

/// Weighted harmonic mean of the slopes on both sides; zero where the direction turns.
fn knot_velocity(knots: &[Knot], index: usize, joint: usize) -> f64 {
    let slope = |from: usize| {
        let span_s = knots[from + 1].time_s - knots[from].time_s;
        ((knots[from + 1].position[joint] - knots[from].position[joint]) / span_s, span_s)
    };
    let ((left, left_s), (right, right_s)) = (slope(index - 1), slope(index));
    if left * right <= 0.0 {
        return 0.0;
    }
    let (w1, w2) = (2.0 * right_s + left_s, right_s + 2.0 * left_s);
    (w1 + w2) / (w1 / left + w2 / right)
}

/// Accelerations at both ends of the cubic between knot `from` and the next.
fn cubic_accelerations(knots: &[Knot], from: usize, joint: usize) -> [f64; 2] {
    let (a, b) = (&knots[from], &knots[from + 1]);
    let h = b.time_s - a.time_s;
    let mean = (b.position[joint] - a.position[joint]) / h;
    let (v0, v1) = (a.velocity[joint], b.velocity[joint]);
    [(6.0 * mean - 4.0 * v0 - 2.0 * v1) / h, (2.0 * v0 + 4.0 * v1 - 6.0 * mean) / h]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn knot(time_s: f64, position: f64) -> Knot {
        Knot { time_s, position: vec![position], ..Knot::default() }
    }

    #[test]
    fn equal_steps_are_passed_at_their_slope() {
        let mut knots = [knot(0.0, 0.0), knot(1.0, 1.0), knot(2.0, 2.0), knot(3.0, 3.0)];
        complete(&mut knots);
        let velocities: Vec<f64> = knots.iter().map(|k| k.velocity[0]).collect();
        assert_eq!(velocities, [0.0, 1.0, 1.0, 0.0]);
        assert_eq!(knots[0].acceleration, [0.0]);
    }

    #[test]
    fn a_turning_point_is_not_overshot() {
        let mut knots = [knot(0.0, 0.0), knot(1.0, 1.0), knot(2.0, 0.0)];
        complete(&mut knots);
        assert_eq!(knots[1].velocity, [0.0]);
    }

    #[test]
    fn what_was_given_stays() {
        let mut knots = [knot(0.0, 0.0), knot(1.0, 1.0), knot(2.0, 2.0)];
        knots[1].velocity = vec![0.3];
        complete(&mut knots);
        assert_eq!(knots[1].velocity, [0.3]);
    }
}
