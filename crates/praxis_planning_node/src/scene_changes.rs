//! Counts the changes of the scene and wakes whoever carries out a motion.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::shared::lock;

/// Called at every change.
type Listener = Box<dyn Fn() + Send>;

/// How often the scene has changed, for all threads.
#[derive(Clone, Default)]
pub struct SceneChanges(Arc<Inner>);

#[derive(Default)]
struct Inner {
    count: AtomicU64,
    listener: Mutex<Option<Listener>>,
}

impl SceneChanges {
    /// The scene has changed.
    pub fn note(&self) {
        self.0.count.fetch_add(1, Ordering::SeqCst);
        if let Some(listener) = &*lock(&self.0.listener) {
            listener();
        }
    }

    /// How often so far.
    pub fn count(&self) -> u64 {
        self.0.count.load(Ordering::SeqCst)
    }

    /// Calls back at every change until what comes back is dropped; one at a time, for one motion is
    /// carried out at a time.
    pub fn listen(&self, listener: impl Fn() + Send + 'static) -> Listening {
        *lock(&self.0.listener) = Some(Box::new(listener));
        Listening(self.0.clone())
    }
}

/// Ends the listening when it is dropped.
#[must_use]
pub struct Listening(Arc<Inner>);

impl Drop for Listening {
    fn drop(&mut self) {
        *lock(&self.0.listener) = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_counted_and_told_as_long_as_somebody_listens() {
        let changes = SceneChanges::default();
        let (tell, told) = std::sync::mpsc::channel();
        let listening = changes.listen(move || tell.send(()).unwrap());
        changes.note();
        changes.clone().note();
        drop(listening);
        changes.note();
        assert_eq!((changes.count(), told.iter().count()), (3, 2));
    }
}
