//! The gate's law: no input whatever makes it give out a state outside the limits.

use praxis_control::{Gate, JointState, StopPlan};
use praxis_trajectory::{JointLimit, JointLimits, JointSample};
use proptest::prelude::*;

fn limit() -> JointLimit {
    JointLimit { min_position: -1.5, max_position: 1.5, ..JointLimit::new(2.0, 7.5, 375.0) }
}

fn any_value() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -3.0..3.0,
        2 => -30.0..30.0,
        1 => any::<f64>(),
        1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, 1e300]),
    ]
}

fn any_step_s() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => Just(0.002),
        2 => 0.0001..0.02,
        1 => prop::sample::select(vec![0.0, -1.0, f64::NAN, f64::INFINITY, 1e9]),
    ]
}

#[derive(Clone, Debug)]
struct Wish {
    target: [f64; 3],
    step_s: f64,
    times: usize,
}

fn any_wish() -> impl Strategy<Value = Wish> {
    (prop::array::uniform3(any_value()), any_step_s(), 1usize..200)
        .prop_map(|(target, step_s, times)| Wish { target, step_s, times })
}

fn state(sample: &JointSample) -> JointState {
    JointState {
        position: sample.position[0],
        velocity: sample.velocity[0],
        acceleration: sample.acceleration[0],
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_state_and_every_step_is_within_limits(
        start in -1.5..1.5,
        wishes in prop::collection::vec(any_wish(), 1..12),
    ) {
        let limit = limit();
        let mut gate = Gate::new(JointLimits::new(vec![limit]).unwrap(), &[start]);
        let slack = 1e-6;
        for wish in wishes {
            let target = JointSample {
                position: vec![wish.target[0]],
                velocity: vec![wish.target[1]],
                acceleration: vec![wish.target[2]],
            };
            for _ in 0..wish.times {
                let before = state(gate.sample());
                gate.step_towards(&target, wish.step_s);
                let now = state(gate.sample());
                prop_assert!(now.position >= limit.min_position - slack, "{now:?}");
                prop_assert!(now.position <= limit.max_position + slack, "{now:?}");
                prop_assert!(now.velocity.abs() <= limit.velocity + slack, "{now:?}");
                prop_assert!(now.acceleration.abs() <= limit.acceleration + slack, "{now:?}");
                let is_usable = wish.step_s.is_finite();
                let step_s = if is_usable { wish.step_s.clamp(0.0, 0.02) } else { 0.0 };
                let change = (now.acceleration - before.acceleration).abs();
                let most = limit.jerk * step_s * (1.0 + slack) + slack;
                prop_assert!(change <= most, "{before:?} {now:?}");
                let mean = 0.5 * (now.velocity + before.velocity) * step_s;
                let most_off = limit.jerk * step_s.powi(3) + 1e-9;
                prop_assert!((now.position - before.position - mean).abs() <= most_off);
            }
        }
        // And from wherever it ended up, it stops within the limits.
        let plan = StopPlan::new(state(gate.sample()), &limit);
        let (low, high) = plan.position_range();
        prop_assert!(low >= limit.min_position - slack && high <= limit.max_position + slack);
        prop_assert!(plan.highest_speed() <= limit.velocity + slack);
    }

    #[test]
    fn a_motion_within_the_limits_passes_unchanged(
        from in -1.4..1.4,
        to in -1.4..1.4,
        step_s in 0.0005..0.004,
    ) {
        let limits = JointLimits::new(vec![limit()]).unwrap();
        let motion = praxis_trajectory::move_to_state(
            vec!["a".into()],
            &JointSample::at_rest(&[from]),
            &JointSample::at_rest(&[to]),
            &limits,
        ).unwrap();
        let mut gate = Gate::new(limits, &[from]);
        let mut time_s = 0.0;
        while time_s < motion.duration_s() + 0.01 {
            time_s += step_s;
            let wanted = motion.sample(time_s);
            gate.step_towards(&wanted, step_s);
            prop_assert!((gate.sample().position[0] - wanted.position[0]).abs() < 1e-5);
            prop_assert!((gate.sample().velocity[0] - wanted.velocity[0]).abs() < 1e-2);
        }
        for _ in 0..500 {
            gate.step_towards(&motion.sample(time_s), step_s);
        }
        prop_assert!(gate.is_at_rest());
    }
}
