use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use praxis_geometry::Stamp;
use r2r::QosProfile;
use r2r::rosgraph_msgs::msg::Clock as ClockMessage;

use crate::error::RosError;
use crate::node::Node;

/// ROS time: the system's, or what `/clock` says when `use_sim_time` is set.
#[derive(Clone, Debug)]
pub struct Clock {
    /// Newest `/clock`, nanoseconds; 0 until the first. Absent: system time.
    simulated: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// Now; [`Stamp::ZERO`] while simulated time has not begun.
    pub fn now(&self) -> Stamp {
        let nanoseconds = match &self.simulated {
            Some(time) => time.load(Ordering::Relaxed),
            None => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_nanos() as i64),
        };
        Stamp { nanoseconds }
    }

    /// Whether time comes from `/clock`.
    pub fn is_simulated(&self) -> bool {
        self.simulated.is_some()
    }
}

impl Node {
    /// The node's clock; `use_sim_time` comes from the parameter of that name.
    pub fn clock(&mut self, use_sim_time: bool) -> Result<Clock, RosError> {
        if !use_sim_time {
            return Ok(Clock { simulated: None });
        }
        let time = Arc::new(AtomicI64::new(0));
        let newest = time.clone();
        let qos = QosProfile::default().keep_last(1).best_effort();
        self.subscribe("/clock", qos, move |message: ClockMessage| {
            let clock = message.clock;
            let nanoseconds = i64::from(clock.sec) * 1_000_000_000 + i64::from(clock.nanosec);
            newest.store(nanoseconds, Ordering::Relaxed);
        })?;
        Ok(Clock { simulated: Some(time) })
    }
}
