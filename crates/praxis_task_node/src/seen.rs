use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use praxis_geometry::{NamedJoints, Pose, Stamp};
use praxis_task::SeenObject;

/// The newest that perception and the driver have said; written by the ROS thread.
#[derive(Clone, Default)]
pub struct Seen(Arc<(Mutex<Newest>, Condvar)>);

#[derive(Default)]
struct Newest {
    objects: Option<(Stamp, Vec<SeenObject>)>,
    joints: Option<(Instant, NamedJoints)>,
    course: Option<Vec<Pose>>,
}

impl Seen {
    fn lock(&self) -> MutexGuard<'_, Newest> {
        self.0.0.lock().unwrap_or_else(|broken| broken.into_inner())
    }

    /// Takes a view of the table.
    pub fn set_objects(&self, stamp: Stamp, objects: Vec<SeenObject>) {
        self.lock().objects = Some((stamp, objects));
        self.0.1.notify_all();
    }

    /// Takes joint positions.
    pub fn set_joints(&self, joints: NamedJoints) {
        self.lock().joints = Some((Instant::now(), joints));
    }

    /// Takes the poses that the tool is to reach.
    pub fn set_course(&self, world_from_tool: Vec<Pose>) {
        self.lock().course = Some(world_from_tool);
        self.0.1.notify_all();
    }

    /// Waits for the poses that the tool is to reach.
    pub fn course(&self, give_up: &dyn Fn() -> bool) -> Option<Vec<Pose>> {
        let mut newest = self.lock();
        loop {
            if let Some(course) = &newest.course {
                return Some(course.clone());
            }
            if give_up() {
                return None;
            }
            let waited = self.0.1.wait_timeout(newest, Duration::from_millis(20));
            newest = waited.unwrap_or_else(|broken| broken.into_inner()).0;
        }
    }

    /// Waits for a view that was taken at `stamp` or later.
    pub fn objects_since(
        &self,
        stamp: Stamp,
        timeout: Duration,
        give_up: &dyn Fn() -> bool,
    ) -> Option<(Stamp, Vec<SeenObject>)> {
        let deadline = Instant::now() + timeout;
        let mut newest = self.lock();
        loop {
            if let Some((taken, objects)) = &newest.objects
                && *taken >= stamp
            {
                return Some((*taken, objects.clone()));
            }
            if give_up() || Instant::now() >= deadline {
                return None;
            }
            let waited = self.0.1.wait_timeout(newest, Duration::from_millis(20));
            newest = waited.unwrap_or_else(|broken| broken.into_inner()).0;
        }
    }

    /// The newest view and when it was taken.
    pub fn objects(&self) -> Option<(Stamp, Vec<SeenObject>)> {
        self.lock().objects.clone()
    }

    /// Sum of some joints' positions, if they were heard of within the last half second.
    pub fn sum_of(&self, joints: &[String]) -> Option<f64> {
        const FRESH: Duration = Duration::from_millis(500);
        let newest = self.lock();
        let (heard, positions) = newest.joints.as_ref()?;
        if heard.elapsed() > FRESH {
            return None;
        }
        Some(positions.in_order(joints).ok()?.sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_view_is_not_taken_for_a_new_one() {
        let seen = Seen::default();
        seen.set_objects(Stamp::from_nanos(10), Vec::new());
        let wait = Duration::from_millis(30);
        assert!(seen.objects_since(Stamp::from_nanos(11), wait, &|| false).is_none());
        assert!(seen.objects_since(Stamp::from_nanos(10), wait, &|| false).is_some());
        assert!(
            seen.objects_since(Stamp::from_nanos(99), Duration::from_secs(60), &|| true).is_none()
        );
    }
}
