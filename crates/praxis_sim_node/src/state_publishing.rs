use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use praxis_ros::Publisher;
use praxis_ros::r2r::rosgraph_msgs::msg::Clock as ClockMessage;
use praxis_ros::r2r::sensor_msgs::msg::JointState;
use praxis_ros::r2r::tf2_msgs::msg::TFMessage;

/// Messages that may wait while the middleware is held up: a second of joint states and more.
const WAITING: usize = 1024;

/// What the physics says every few steps.
pub enum State {
    /// `/clock`.
    Clock(ClockMessage),
    /// `joint_states`.
    Joints(JointState),
    /// `/tf`.
    Transforms(TFMessage),
}

/// Where the messages go.
pub struct StatePublishers {
    /// `joint_states`.
    pub joint_states: Publisher<JointState>,
    /// `/clock`.
    pub clock: Publisher<ClockMessage>,
    /// `/tf`.
    pub transforms: Publisher<TFMessage>,
}

/// Publishes in a thread of its own, so that physics and driver never wait for the middleware:
/// a process that is killed can hold up everyone who shares memory with it for a second.
pub struct StatePublishing {
    waiting: SyncSender<State>,
    dropped: Arc<AtomicU64>,
}

impl StatePublishing {
    /// Starts the thread; it ends when the last handle is gone.
    pub fn start(publishers: StatePublishers) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (waiting, states) = sync_channel(WAITING);
        let thread = std::thread::Builder::new()
            .name("publishing".to_owned())
            .spawn(move || publishers.publish_all(&states))?;
        Ok((Self { waiting, dropped: Arc::default() }, thread))
    }

    /// Hands a message over without waiting; where too many wait already it is dropped.
    pub fn publish(&self, state: State) {
        if self.waiting.try_send(state).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many messages were dropped.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl StatePublishers {
    fn publish_all(&self, states: &Receiver<State>) {
        for state in states {
            match state {
                State::Clock(message) => self.clock.publish(&message),
                State::Joints(message) => self.joint_states.publish(&message),
                State::Transforms(message) => self.transforms.publish(&message),
            }
        }
    }
}
