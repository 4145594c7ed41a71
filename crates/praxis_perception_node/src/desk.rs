//! Frames on their way to a worker: of every source the newest, so that slow work makes nothing late.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

struct Slots<T> {
    newest: Vec<Option<T>>,
    /// The source that is asked first, so that none starves another.
    turn: usize,
    dropped: u64,
    closing: bool,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { newest: Vec::new(), turn: 0, dropped: 0, closing: false }
    }
}

/// Hands frames to a worker; one that was not begun gives way to a newer one of the same source.
pub struct Desk<T>(Arc<(Mutex<Slots<T>>, Condvar)>);

impl<T> Default for Desk<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Clone for Desk<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Desk<T> {
    /// Puts the newest frame of a source there.
    pub fn put(&self, source: usize, frame: T) {
        let mut slots = self.lock();
        if slots.newest.len() <= source {
            slots.newest.resize_with(source + 1, || None);
        }
        if slots.newest[source].replace(frame).is_some() {
            slots.dropped += 1;
        }
        self.0.1.notify_one();
    }

    /// Frames that gave way to newer ones.
    pub fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// Ends [`Desk::take`].
    pub fn close(&self) {
        self.lock().closing = true;
        self.0.1.notify_one();
    }

    /// The next frame and its source, the sources in turn, as soon as there is one; none at the
    /// end.
    pub fn take(&self) -> Option<(usize, T)> {
        let mut slots = self.lock();
        loop {
            if slots.closing {
                return None;
            }
            let count = slots.newest.len();
            for offset in 0..count {
                let source = (slots.turn + offset) % count;
                if let Some(frame) = slots.newest[source].take() {
                    slots.turn = source + 1;
                    return Some((source, frame));
                }
            }
            slots = self.0.1.wait(slots).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Slots<T>> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_take_turns_and_the_newest_frame_wins() {
        let desk = Desk::default();
        for frame in 0..3 {
            desk.put(0, frame);
        }
        desk.put(1, 100);
        assert_eq!(desk.dropped(), 2);
        assert_eq!(desk.take(), Some((0, 2)));
        desk.put(0, 3);
        assert_eq!(desk.take(), Some((1, 100)));
        assert_eq!(desk.take(), Some((0, 3)));
        desk.close();
        assert_eq!(desk.take(), None);
    }
}
