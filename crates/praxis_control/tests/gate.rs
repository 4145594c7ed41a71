//! The gate's law: no input whatever makes it give out a state outside the limits.

use std::sync::Arc;

use praxis_control::{Gate, JointState, StopPlan, ToolBreach, ToolGuard, ToolLimits};
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

/// A boom of 1 m that turns about z, and a forearm of 0.5 m with the tool at its end.
const BOOM: &str = r#"<robot name="boom">
  <link name="base"/><link name="boom"/><link name="forearm"/><link name="tool"/>
  <joint name="shoulder" type="revolute"><parent link="base"/><child link="boom"/><axis xyz="0 0 1"/>
    <limit lower="-3" upper="3" velocity="2" effort="50"/></joint>
  <joint name="elbow" type="revolute"><parent link="boom"/><child link="forearm"/><origin xyz="1 0 0"/><axis xyz="0 0 1"/>
    <limit lower="-2.5" upper="2.5" velocity="2" effort="20"/></joint>
  <joint name="mount" type="fixed"><parent link="forearm"/><child link="tool"/><origin xyz="0.5 0 0"/></joint>
</robot>"#;

fn boom_guard(limits: ToolLimits) -> ToolGuard {
    let robot = Arc::new(praxis_robot::Robot::from_strings(BOOM, None).unwrap());
    ToolGuard::new(robot, &["shoulder".into(), "elbow".into()], "tool", limits).unwrap()
}

fn boom_limits() -> JointLimits {
    let limit = |most: f64| JointLimit {
        min_position: -most,
        max_position: most,
        ..JointLimit::new(2.0, 10.0, 500.0)
    };
    JointLimits::new(vec![limit(3.0), limit(2.5)]).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn the_tool_stays_in_its_workspace_and_below_its_speed(
        wishes in prop::collection::vec((any_wish(), any_wish()), 1..10),
    ) {
        let limits = ToolLimits {
            min_m: [-2.0, -0.6, -1.0],
            max_m: [1.45, 0.6, 1.0],
            speed_mps: 0.8,
        };
        let mut probe = boom_guard(limits.clone());
        // Elbow bent: the tool begins well inside.
        let mut gate = Gate::new(boom_limits(), &[0.0, 1.0]).with_tool(boom_guard(limits));
        for (a, b) in wishes {
            let both = |k: usize| vec![a.target[k], b.target[k]];
            let target =
                JointSample { position: both(0), velocity: both(1), acceleration: both(2) };
            for _ in 0..a.times {
                gate.step_towards(&target, a.step_s);
                let at = probe.tool_m(&gate.sample().position);
                prop_assert!(at.x <= 1.45 + 2e-3 && at.y.abs() <= 0.6 + 2e-3, "{at}");
                let speed = probe.speed_mps(gate.sample());
                prop_assert!(speed <= 0.8 + 0.02, "{speed}");
            }
        }
    }
}

#[test]
fn a_tool_found_outside_its_workspace_comes_back_and_stays_in() {
    let limits = ToolLimits { max_m: [1.2, 9.0, 9.0], ..ToolLimits::default() };
    let mut gate = Gate::new(boom_limits(), &[0.0, 0.0]).with_tool(boom_guard(limits.clone()));
    let mut probe = boom_guard(limits);
    let bent = JointSample::at_rest(&[0.0, 1.8]);
    let reach = |gate: &Gate, probe: &mut ToolGuard| probe.tool_m(&gate.sample().position).x;
    assert!(reach(&gate, &mut probe) > 1.49);
    for _ in 0..3000 {
        gate.step_towards(&bent, 0.002);
        assert!(reach(&gate, &mut probe) <= 1.5 + 1e-6);
    }
    assert!((gate.sample().position[1] - 1.8).abs() < 1e-6, "{:?}", gate.sample());
    for _ in 0..3000 {
        gate.step_towards(&JointSample::at_rest(&[0.0, 0.0]), 0.002);
    }
    assert!(reach(&gate, &mut probe) <= 1.2 + 1e-3, "{:?}", gate.sample());
    assert!(matches!(gate.breach(), Some(ToolBreach::Workspace { axis: 0, .. })));
}

#[test]
fn efforts_are_clipped_and_what_is_no_number_is_none() {
    let gate = Gate::new(boom_limits(), &[0.0, 0.0]).with_effort_limits(&[50.0, 20.0]);
    let mut effort = [-80.0, 10.0];
    assert_eq!(gate.clip_effort(&mut effort), Some(0));
    assert_eq!(effort, [-50.0, 10.0]);
    let mut effort = [1.0, f64::NAN];
    assert_eq!(gate.clip_effort(&mut effort), Some(1));
    assert_eq!(effort, [1.0, 0.0]);
}
