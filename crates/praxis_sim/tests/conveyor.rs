//! What the belt of the moving_goal world does to what stands on it.

mod support;

use praxis_sim::{PickGoal, SimConfig, Simulator};
use praxis_world::World;
use support::{limits, panda, repository};

fn simulator(seed: u64) -> Simulator {
    let world = World::read(repository().join("models/worlds/moving_goal.yaml")).unwrap();
    let config = SimConfig { seed, ..SimConfig::default() };
    Simulator::new(&panda(), &limits(), &world, config).expect("a simulator")
}

#[test]
fn one_object_of_every_class_slides_upright_at_the_belts_speed_and_comes_again() {
    let mut classes = std::collections::BTreeSet::new();
    for seed in 0..8 {
        let mut simulator = simulator(seed);
        simulator.set_pick(PickGoal { lifted_m: 0.05, held_s: 1.0 });
        assert_eq!(simulator.objects().len(), 1);
        classes.insert(simulator.objects()[0].class.clone());
        let mut places = Vec::new();
        for _ in 0..20 {
            for _ in 0..1000 {
                simulator.step();
            }
            let pose = simulator.snapshot().world_from_objects[0];
            assert!((pose.rotation * nalgebra::Vector3::z()).z > 0.999, "seed {seed} leans");
            places.push(pose.translation.y);
        }
        let steps: Vec<f64> = places.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let slid = steps.iter().filter(|&&step| (step - 0.05).abs() < 2e-3).count();
        let back = steps.iter().filter(|&&step| step < -0.8).count();
        assert_eq!((slid, back), (steps.len() - 1, 1), "seed {seed}: {steps:?}");
        let truth = simulator.truth();
        assert_eq!((truth.placed, truth.total, truth.forbidden_contacts), (0, 1, 0));
    }
    assert_eq!(classes.len(), 3);
}
