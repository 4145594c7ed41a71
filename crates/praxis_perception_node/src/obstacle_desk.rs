//! Depth frames and clouds on their way to the obstacle world: of every sensor the newest.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use praxis_geometry::Stamp;
use praxis_perception::{CameraModel, DepthImage};

/// What a sensor measured.
#[derive(Clone, Debug)]
pub enum Measured {
    /// Distances along the optical axis.
    Depth(Arc<DepthImage>, CameraModel),
    /// Points in the sensor's frame.
    Cloud(Vec<[f32; 3]>),
}

/// One frame of one sensor.
#[derive(Clone, Debug)]
pub struct SensorFrame {
    /// When it was taken.
    pub stamp: Stamp,
    /// Frame of the sensor.
    pub frame: String,
    /// When it came in.
    pub arrived: Instant,
    /// What was measured.
    pub measured: Measured,
}

#[derive(Default)]
struct Slots {
    newest: Vec<Option<SensorFrame>>,
    /// The sensor that is asked first, so that none starves another.
    turn: usize,
    dropped: u64,
    closing: bool,
}

/// Hands frames to the obstacle worker; one that was not begun gives way to a newer one of the
/// same sensor.
#[derive(Clone, Default)]
pub struct ObstacleDesk(Arc<(Mutex<Slots>, Condvar)>);

impl ObstacleDesk {
    /// Puts the newest frame of a sensor there.
    pub fn put(&self, sensor: usize, frame: SensorFrame) {
        let mut slots = self.lock();
        if slots.newest.len() <= sensor {
            slots.newest.resize_with(sensor + 1, || None);
        }
        if slots.newest[sensor].replace(frame).is_some() {
            slots.dropped += 1;
        }
        self.0.1.notify_one();
    }

    /// Frames that gave way to newer ones.
    pub fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// Ends [`ObstacleDesk::take`].
    pub fn close(&self) {
        self.lock().closing = true;
        self.0.1.notify_one();
    }

    /// The next frame, the sensors in turn, as soon as there is one; none at the end.
    pub fn take(&self) -> Option<SensorFrame> {
        let mut slots = self.lock();
        loop {
            if slots.closing {
                return None;
            }
            let count = slots.newest.len();
            for offset in 0..count {
                let sensor = (slots.turn + offset) % count;
                if let Some(frame) = slots.newest[sensor].take() {
                    slots.turn = sensor + 1;
                    return Some(frame);
                }
            }
            slots = self.0.1.wait(slots).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(ms: i64) -> SensorFrame {
        SensorFrame {
            stamp: Stamp::from_nanos(ms * 1_000_000),
            frame: "sensor".to_owned(),
            arrived: Instant::now(),
            measured: Measured::Cloud(Vec::new()),
        }
    }

    #[test]
    fn sensors_take_turns_and_the_newest_frame_wins() {
        let desk = ObstacleDesk::default();
        for ms in 0..3 {
            desk.put(0, frame(ms));
        }
        desk.put(1, frame(100));
        assert_eq!(desk.dropped(), 2);
        assert_eq!(desk.take().unwrap().stamp, Stamp::from_nanos(2_000_000));
        desk.put(0, frame(3));
        assert_eq!(desk.take().unwrap().stamp, Stamp::from_nanos(100_000_000));
        assert_eq!(desk.take().unwrap().stamp, Stamp::from_nanos(3_000_000));
        desk.close();
        assert!(desk.take().is_none());
    }
}
