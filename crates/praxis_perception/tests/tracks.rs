//! Ids stay, ghosts go, hidden objects are remembered.

mod scene;

use nalgebra::Vector3;
use praxis_geometry::Stamp;
use praxis_perception::{Evidence, Place, SeenObject, Tracker, TrackerConfig};

fn seen(class: usize, x: f64, y: f64) -> SeenObject {
    SeenObject {
        class,
        score: 0.9,
        centre_m: Vector3::new(x, y, 0.025),
        yaw_rad: 0.1,
        size_m: Vector3::new(0.05, 0.04, 0.05),
        evidence: Evidence::Depth,
        outline_support: 1.0,
        position_sigma_m: 0.002,
        yaw_sigma_rad: 0.05,
    }
}

struct Run {
    tracker: Tracker,
    frame: i32,
}

impl Run {
    fn new() -> Self {
        Self { tracker: Tracker::new(TrackerConfig::default()), frame: 0 }
    }

    /// Shows the same sightings several times; the ids, classes and x that are told then.
    fn show(&mut self, times: i32, objects: &[SeenObject], place: Place) -> Vec<(u64, usize, f64)> {
        for _ in 0..times {
            self.frame += 1;
            let stamp = Stamp::from_secs_f64(f64::from(self.frame) / 15.0);
            assert!(self.tracker.update(stamp, objects, &scene::card(), |_| place));
        }
        self.tracker.objects().map(|track| (track.id, track.class, track.centre_m.x)).collect()
    }
}

#[test]
fn one_flash_is_no_object() {
    let mut run = Run::new();
    assert!(run.show(1, &[seen(0, 0.4, 0.0)], Place::Empty).is_empty());
    assert!(run.show(9, &[], Place::Empty).is_empty());
    assert_eq!(run.show(3, &[seen(0, 0.4, 0.0)], Place::Empty).len(), 1);
}

#[test]
fn hidden_objects_are_remembered_and_empty_places_are_not() {
    let mut run = Run::new();
    let two = [seen(0, 0.40, 0.0), seen(1, 0.55, 0.0)];
    let before = run.show(5, &two, Place::Empty);
    assert_eq!(run.show(500, &[], Place::Hidden), before);
    assert_eq!(run.show(2, &two, Place::Hidden).len(), 2);
    assert_eq!(run.show(1, &two, Place::Hidden)[0].0, before[0].0);
    assert_eq!(run.show(3, &[], Place::Empty).len(), 2);
    assert!(run.show(1, &[], Place::Empty).is_empty());
}

#[test]
fn neighbours_keep_their_ids_whatever_the_order_of_sightings() {
    let mut run = Run::new();
    let before = run.show(5, &[seen(0, 0.40, 0.0), seen(0, 0.46, 0.0)], Place::Empty);
    for step in 1..=10 {
        let x = 0.002 * f64::from(step);
        run.show(1, &[seen(0, 0.46 + x, 0.0), seen(0, 0.40 + x, 0.0)], Place::Empty);
    }
    let after = run.show(5, &[seen(0, 0.48, 0.0), seen(0, 0.42, 0.0)], Place::Empty);
    assert_eq!(after.iter().map(|t| t.0).collect::<Vec<_>>(), [before[0].0, before[1].0]);
    assert!((after[0].2 - 0.42).abs() < 0.002 && (after[1].2 - 0.48).abs() < 0.002, "{after:?}");
}

#[test]
fn a_single_misnaming_is_outvoted() {
    let mut run = Run::new();
    let before = run.show(6, &[seen(0, 0.4, 0.0)], Place::Empty);
    assert_eq!(run.show(1, &[seen(2, 0.4, 0.0)], Place::Empty), before);
    let renamed = run.show(40, &[seen(2, 0.4, 0.0)], Place::Empty);
    assert_eq!((renamed[0].0, renamed[0].1), (before[0].0, 2));
}

#[test]
fn noise_is_averaged_and_a_shove_is_followed() {
    let mut run = Run::new();
    for step in 0..60 {
        let wobble = if step % 2 == 0 { 0.002 } else { -0.002 };
        run.show(1, &[seen(0, 0.4 + wobble, 0.0)], Place::Empty);
    }
    let settled = run.show(0, &[], Place::Empty);
    assert!((settled[0].2 - 0.4).abs() < 0.0007, "{settled:?}");
    let doubted = run.show(1, &[seen(0, 0.43, 0.0)], Place::Empty);
    assert_eq!(doubted[0].2, settled[0].2, "one sighting elsewhere moves nothing");
    let shoved = run.show(1, &[seen(0, 0.43, 0.0)], Place::Empty);
    assert_eq!(shoved[0].0, settled[0].0);
    assert!((shoved[0].2 - 0.43).abs() < 0.001, "{shoved:?}");
}

#[test]
fn frames_that_are_too_old_are_ignored_and_a_restarted_clock_starts_anew() {
    let mut run = Run::new();
    run.show(60, &[seen(0, 0.4, 0.0)], Place::Empty);
    let late = Stamp::from_secs_f64(3.0);
    assert!(!run.tracker.update(late, &[], &scene::card(), |_| Place::Empty));
    assert_eq!(run.tracker.objects().count(), 1);
    let restarted = Stamp::from_secs_f64(0.1);
    assert!(run.tracker.update(restarted, &[], &scene::card(), |_| Place::Empty));
    assert_eq!(run.tracker.objects().count(), 0);
}
