use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures::{FutureExt, StreamExt};
use r2r::{QosProfile, WrappedServiceTypeSupport, WrappedTypesupport};

use crate::error::RosError;
use crate::raw::SharedPublisher;

/// Asks everything that belongs to a node to stop; cheap to copy, readable from any thread.
#[derive(Clone, Debug, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// Asks for a stop.
    pub fn stop(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Has a stop been asked for?
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    pub(crate) fn shared(&self) -> Arc<AtomicBool> {
        self.0.clone()
    }
}

type Poll = Box<dyn FnMut()>;

struct Timer {
    period: Duration,
    due: Instant,
    tick: Poll,
}

/// A node and the thread that serves it: everything is created before [`Node::spin`], callbacks run
/// on the thread that spins, and what they hand on (channels, publishers) works from any thread.
///
/// r2r's streams hold ten messages and drop the newest; here each spin takes at most one message a
/// subscription and hands it on at once, so the queue that counts is the middleware's, whose depth
/// the QoS profile states.
pub struct Node {
    r2r: r2r::Node,
    polls: Vec<Poll>,
    timers: Vec<Timer>,
    at_start: Vec<Box<dyn FnOnce()>>,
    at_end: Vec<Box<dyn FnOnce()>>,
    stop: StopFlag,
}

/// Publishes one type on one topic, from any thread.
pub struct Publisher<T: WrappedTypesupport> {
    inner: SharedPublisher<T>,
    topic: Arc<str>,
}

impl<T: WrappedTypesupport + 'static> Clone for Publisher<T> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), topic: self.topic.clone() }
    }
}

impl<T: WrappedTypesupport + 'static> Publisher<T> {
    /// Publishes; a failure is logged once here, for nobody upstream could do anything about it.
    pub fn publish(&self, message: &T) {
        if let Err(error) = self.inner.get().publish(message) {
            tracing::warn!(topic = %self.topic, %error, "message was not published");
        }
    }

    /// Publishes without a log line on failure: for the log itself.
    pub(crate) fn publish_quietly(&self, message: &T) {
        let _ = self.inner.get().publish(message);
    }

    /// Whether somebody listens: lets a node skip work that nobody sees.
    pub fn has_subscribers(&self) -> bool {
        self.inner.get().get_inter_process_subscription_count().is_ok_and(|count| count > 0)
    }
}

impl Node {
    /// Creates the node; `--ros-args` of the command line apply.
    pub fn create(name: &str) -> Result<Self, RosError> {
        let context = std::panic::catch_unwind(r2r::Context::create)
            .map_err(|_| RosError::Arguments)?
            .map_err(|source| RosError::r2r("create a ROS context", source))?;
        let r2r = r2r::Node::create(context, name, "")
            .map_err(|source| RosError::r2r(format!("create node '{name}'"), source))?;
        let stop = StopFlag::default();
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            signal_hook::flag::register(signal, stop.shared())
                .map_err(|source| RosError::Signals { source })?;
        }
        crate::panics::end_the_node(stop.clone());
        Ok(Self {
            r2r,
            polls: Vec::new(),
            timers: Vec::new(),
            at_start: Vec::new(),
            at_end: Vec::new(),
            stop,
        })
    }
}

impl Node {
    /// The flag that ends [`Node::spin`]; set by SIGINT and SIGTERM.
    pub fn stop_flag(&self) -> StopFlag {
        self.stop.clone()
    }

    /// Parameter overrides from the command line and parameter files.
    pub(crate) fn overrides(&self) -> Vec<(String, r2r::ParameterValue)> {
        let overrides = self.r2r.params.lock().unwrap_or_else(|broken| broken.into_inner());
        overrides.iter().map(|(name, value)| (name.clone(), value.value.clone())).collect()
    }

    /// Name with the namespace, starting with a slash.
    pub fn fully_qualified_name(&self) -> String {
        self.r2r.fully_qualified_name().unwrap_or_default()
    }

    /// A publisher on a relative or absolute topic name.
    pub fn publisher<T: WrappedTypesupport + 'static>(
        &mut self,
        topic: &str,
        qos: QosProfile,
    ) -> Result<Publisher<T>, RosError> {
        let inner = self
            .r2r
            .create_publisher::<T>(topic, qos)
            .map_err(|source| RosError::r2r(format!("publish '{topic}'"), source))?;
        Ok(Publisher { inner: SharedPublisher::new(inner), topic: topic.into() })
    }

    /// Calls back with every message of a topic, in order.
    pub fn subscribe<T: WrappedTypesupport + 'static>(
        &mut self,
        topic: &str,
        qos: QosProfile,
        mut callback: impl FnMut(T) + 'static,
    ) -> Result<(), RosError> {
        let mut stream = self
            .r2r
            .subscribe::<T>(topic, qos)
            .map_err(|source| RosError::r2r(format!("subscribe to '{topic}'"), source))?;
        self.polls.push(Box::new(move || {
            while let Some(Some(message)) = stream.next().now_or_never() {
                callback(message);
            }
        }));
        Ok(())
    }

    /// Like [`Node::subscribe`] without the copy into a Rust message: for images and clouds.
    pub fn subscribe_native<T: WrappedTypesupport + 'static>(
        &mut self,
        topic: &str,
        qos: QosProfile,
        mut callback: impl FnMut(&r2r::NativeMsg<T>) + 'static,
    ) -> Result<(), RosError> {
        let mut stream = self
            .r2r
            .subscribe_native::<T>(topic, qos)
            .map_err(|source| RosError::r2r(format!("subscribe to '{topic}'"), source))?;
        self.polls.push(Box::new(move || {
            while let Some(Some(message)) = stream.next().now_or_never() {
                callback(&message);
            }
        }));
        Ok(())
    }

    /// Calls back with every request; whoever gets it answers with `respond`, from any thread.
    pub fn serve<S: WrappedServiceTypeSupport + 'static>(
        &mut self,
        service: &str,
        mut callback: impl FnMut(r2r::ServiceRequest<S>) + 'static,
    ) -> Result<(), RosError> {
        let mut stream = self
            .r2r
            .create_service::<S>(service, QosProfile::services_default())
            .map_err(|source| RosError::r2r(format!("serve '{service}'"), source))?;
        self.polls.push(Box::new(move || {
            while let Some(Some(request)) = stream.next().now_or_never() {
                callback(request);
            }
        }));
        Ok(())
    }

    /// Calls a service, from any thread but the one that spins.
    pub fn client<S: WrappedServiceTypeSupport + 'static>(
        &mut self,
        service: &str,
    ) -> Result<crate::client::Client<S>, RosError> {
        let inner = self
            .r2r
            .create_client::<S>(service, QosProfile::services_default())
            .map_err(|source| RosError::r2r(format!("call '{service}'"), source))?;
        Ok(crate::client::Client::new(inner, service.to_owned(), self.stop.clone()))
    }

    /// Calls back at a fixed rate of the steady clock; late calls are skipped, not made up.
    pub fn every(&mut self, period: Duration, tick: impl FnMut() + 'static) {
        self.timers.push(Timer { period, due: Instant::now() + period, tick: Box::new(tick) });
    }

    /// Runs once when the node begins to spin.
    pub fn at_start(&mut self, act: impl FnOnce() + 'static) {
        self.at_start.push(Box::new(act));
    }

    /// Runs once when the node has ceased to spin.
    pub fn at_end(&mut self, act: impl FnOnce() + 'static) {
        self.at_end.push(Box::new(act));
    }

    /// Serves the node until the stop flag is set. If a thread of the process has panicked, the
    /// process ends here with exit code 101.
    pub fn spin(mut self) {
        const LONGEST_WAIT: Duration = Duration::from_millis(50);
        for act in self.at_start.drain(..) {
            act();
        }
        while !self.stop.is_stopped() {
            let now = Instant::now();
            let wait = self
                .timers
                .iter()
                .map(|timer| timer.due.saturating_duration_since(now))
                .fold(LONGEST_WAIT, Duration::min)
                .max(Duration::from_micros(200));
            self.r2r.spin_once(wait);
            for poll in &mut self.polls {
                poll();
            }
            let now = Instant::now();
            for timer in &mut self.timers {
                if timer.due <= now {
                    (timer.tick)();
                    timer.due += timer.period;
                    if timer.due < now {
                        timer.due = now + timer.period;
                    }
                }
            }
        }
        for act in self.at_end.drain(..) {
            act();
        }
        if crate::panics::have_happened() {
            std::process::exit(101);
        }
    }
}
