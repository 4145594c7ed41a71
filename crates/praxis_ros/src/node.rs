use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use r2r::{NativeMsg, QosProfile, WrappedServiceTypeSupport, WrappedTypesupport};

use crate::client::Client;
use crate::error::RosError;
use crate::rcl::{
    Bell, NodeHandle, ParameterOverride, Pending, RawClient, RawPublisher, RawService,
    RawSubscription, Reader, ServiceRequest, Urgency,
};

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

/// How long a message of [`Node::subscribe_calmly`] waits at most.
const CALM_WAIT: Duration = Duration::from_millis(10);

struct Timer {
    period: Duration,
    due: Instant,
    tick: Box<dyn FnMut()>,
}

/// A node and the thread that serves it: everything is created before [`Node::spin`], callbacks run
/// on the thread that spins, and what they hand on (channels, publishers) works from any thread.
///
/// The queue that counts is the middleware's, whose depth the QoS profile states.
pub struct Node {
    /// What is created on it holds it too, so that it goes last.
    handle: Arc<NodeHandle>,
    bell: Arc<Bell>,
    readers: Vec<Box<dyn Reader>>,
    /// End publishers and clients, whoever still holds them.
    closers: Vec<Box<dyn Fn()>>,
    overrides: Vec<ParameterOverride>,
    timers: Vec<Timer>,
    longest_wait: Duration,
    at_start: Vec<Box<dyn FnOnce()>>,
    at_end: Vec<Box<dyn FnOnce()>>,
    stop: StopFlag,
}

/// Publishes one type on one topic, from any thread.
pub struct Publisher<T> {
    inner: Arc<RawPublisher>,
    topic: Arc<str>,
    carries: PhantomData<fn(T)>,
}

impl<T> Clone for Publisher<T> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), topic: self.topic.clone(), carries: PhantomData }
    }
}

impl<T: WrappedTypesupport + 'static> Publisher<T> {
    /// Publishes; a failure is logged once here, for nobody upstream could do anything about it.
    pub fn publish(&self, message: &T) {
        match self.inner.publish(message) {
            Ok(()) => {}
            Err(RosError::Closed) => tracing::debug!(topic = %self.topic, "the node has ended"),
            Err(error) => {
                tracing::warn!(topic = %self.topic, %error, "message was not published");
            }
        }
    }

    /// Publishes without a log line on failure: for the log itself.
    pub(crate) fn publish_quietly(&self, message: &T) {
        let _ = self.inner.publish(message);
    }

    /// Whether somebody listens: lets a node skip work that nobody sees.
    pub fn has_subscribers(&self) -> bool {
        self.inner.subscribers() > 0
    }
}

impl Node {
    /// Creates the node; `--ros-args` of the command line apply.
    pub fn create(name: &str) -> Result<Self, RosError> {
        crate::memory::keep_freed_memory();
        let handle = NodeHandle::create(name)?;
        let overrides = handle.parameter_overrides()?;
        let stop = StopFlag::default();
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            signal_hook::flag::register(signal, stop.shared())
                .map_err(|source| RosError::Signals { source })?;
        }
        crate::panics::end_the_node(stop.clone());
        Ok(Self {
            handle,
            bell: Arc::default(),
            readers: Vec::new(),
            closers: Vec::new(),
            overrides,
            timers: Vec::new(),
            // The stop flag is looked at as often as this: a signal rings no bell.
            longest_wait: Duration::from_millis(50),
            at_start: Vec::new(),
            at_end: Vec::new(),
            stop,
        })
    }

    /// The flag that ends [`Node::spin`]; set by SIGINT and SIGTERM.
    pub fn stop_flag(&self) -> StopFlag {
        self.stop.clone()
    }

    /// Parameter overrides from the command line and parameter files; later ones win.
    pub(crate) fn overrides(&self) -> Vec<ParameterOverride> {
        self.overrides.clone()
    }

    /// Name with the namespace, starting with a slash.
    pub fn fully_qualified_name(&self) -> String {
        self.handle.fully_qualified_name()
    }

    /// A publisher on a relative or absolute topic name. It lasts as long as the node, so that what
    /// was latched stays there for late readers when nobody holds the handle any more.
    pub fn publisher<T: WrappedTypesupport + 'static>(
        &mut self,
        topic: &str,
        qos: QosProfile,
    ) -> Result<Publisher<T>, RosError> {
        let inner = Arc::new(RawPublisher::create::<T>(&self.handle, topic, qos)?);
        let ours = inner.clone();
        self.closers.push(Box::new(move || ours.close()));
        Ok(Publisher { inner, topic: topic.into(), carries: PhantomData })
    }

    /// Calls back with every message of a topic, in order.
    pub fn subscribe<T: WrappedTypesupport + 'static>(
        &mut self,
        topic: &str,
        qos: QosProfile,
        mut callback: impl FnMut(T) + 'static,
    ) -> Result<(), RosError> {
        let copied = move |message: &NativeMsg<T>| callback(T::from_native(message));
        self.listen(topic, qos, Urgency::AtOnce, copied)
    }

    /// Like [`Node::subscribe`] for a busy topic of which only the newest message counts: messages
    /// do not wake the node but are taken within 10 ms.
    pub fn subscribe_calmly<T: WrappedTypesupport + 'static>(
        &mut self,
        topic: &str,
        qos: QosProfile,
        mut callback: impl FnMut(T) + 'static,
    ) -> Result<(), RosError> {
        self.longest_wait = self.longest_wait.min(CALM_WAIT);
        let copied = move |message: &NativeMsg<T>| callback(T::from_native(message));
        self.listen(topic, qos, Urgency::WhenAwake, copied)
    }

    /// Like [`Node::subscribe`] without the copy into a Rust message: for images and clouds.
    pub fn subscribe_native<T: WrappedTypesupport + 'static>(
        &mut self,
        topic: &str,
        qos: QosProfile,
        callback: impl FnMut(&NativeMsg<T>) + 'static,
    ) -> Result<(), RosError> {
        self.listen(topic, qos, Urgency::AtOnce, callback)
    }

    fn listen<T: WrappedTypesupport + 'static>(
        &mut self,
        topic: &str,
        qos: QosProfile,
        urgency: Urgency,
        callback: impl FnMut(&NativeMsg<T>) + 'static,
    ) -> Result<(), RosError> {
        let pending = Pending::new(self.bell.clone(), urgency);
        let reader = RawSubscription::create(&self.handle, topic, qos, pending, callback)?;
        self.readers.push(Box::new(reader));
        Ok(())
    }

    /// Calls back with every request; whoever gets it answers with `respond`, from any thread.
    pub fn serve<S: WrappedServiceTypeSupport<Request: 'static> + 'static>(
        &mut self,
        service: &str,
        callback: impl FnMut(ServiceRequest<S>) + 'static,
    ) -> Result<(), RosError> {
        let pending = Pending::new(self.bell.clone(), Urgency::AtOnce);
        let reader = RawService::create(&self.handle, service, pending, callback)?;
        self.readers.push(Box::new(reader));
        Ok(())
    }

    /// Calls a service, from any thread but the one that spins.
    pub fn client<S>(&mut self, service: &str) -> Result<Client<S>, RosError>
    where
        S: WrappedServiceTypeSupport<Request: 'static, Response: 'static> + 'static,
    {
        let pending = Pending::new(self.bell.clone(), Urgency::AtOnce);
        let inner = RawClient::<S>::create(&self.handle, service, pending)?;
        self.readers.push(Box::new(inner.clone()));
        let ours = inner.clone();
        self.closers.push(Box::new(move || ours.close()));
        Ok(Client::new(inner, service.to_owned(), self.stop.clone()))
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
    /// process ends here with exit code 101. After the spin the process is to end: it is aborted
    /// when it has not within 1.5 s.
    pub fn spin(mut self) {
        self.bell.wakes_this_thread();
        for act in self.at_start.drain(..) {
            act();
        }
        while !self.stop.is_stopped() {
            self.serve_readers();
            let next = self.serve_timers();
            // Whoever rang meanwhile makes this return at once.
            std::thread::park_timeout(next.min(self.longest_wait));
        }
        for act in self.at_end.drain(..) {
            act();
        }
        // All that moves is at rest; what is left is to take leave of the middleware.
        crate::panics::abort_unless_ended();
        self.readers.clear();
        for close in self.closers.drain(..) {
            close();
        }
        self.handle.close();
        if crate::panics::have_happened() {
            std::process::exit(101);
        }
    }

    fn serve_readers(&mut self) {
        for reader in &mut self.readers {
            if reader.pending().take() {
                reader.serve();
            }
        }
    }

    /// Calls back the timers that are due; returns the time until the next one is.
    fn serve_timers(&mut self) -> Duration {
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
        let now = Instant::now();
        let waits = self.timers.iter().map(|timer| timer.due.saturating_duration_since(now));
        waits.min().unwrap_or(Duration::MAX)
    }
}
