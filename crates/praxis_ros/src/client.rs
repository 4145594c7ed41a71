use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use r2r::WrappedServiceTypeSupport;

use crate::error::RosError;
use crate::node::StopFlag;

/// Calls one service; the calling thread waits.
pub struct Client<S: WrappedServiceTypeSupport> {
    inner: Arc<r2r::Client<S>>,
    service: String,
    stop: StopFlag,
}

impl<S: WrappedServiceTypeSupport> Clone for Client<S> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), service: self.service.clone(), stop: self.stop.clone() }
    }
}

impl<S: WrappedServiceTypeSupport + 'static> Client<S> {
    pub(crate) fn new(inner: r2r::Client<S>, service: String, stop: StopFlag) -> Self {
        Self { inner: Arc::new(inner), service, stop }
    }

    /// Sends a request and waits for the answer; waits for the server first.
    pub fn call(&self, request: &S::Request, timeout: Duration) -> Result<S::Response, RosError> {
        self.call_unless(request, timeout, &|| false)
    }

    /// Like [`Client::call`], and gives up as soon as `give_up` says so.
    pub fn call_unless(
        &self,
        request: &S::Request,
        timeout: Duration,
        give_up: &dyn Fn() -> bool,
    ) -> Result<S::Response, RosError> {
        let deadline = Instant::now() + timeout;
        let failed = |source| RosError::r2r(format!("call '{}'", self.service), source);
        let end = |ended| match ended {
            Ended::TimedOut => {
                RosError::NoAnswer { server: self.service.clone(), waited_s: timeout.as_secs_f64() }
            }
            Ended::GivenUp => RosError::Stopped,
        };
        let stop = || self.stop.is_stopped() || give_up();

        let available = r2r::Node::is_available(&*self.inner).map_err(failed)?;
        wait_for(available, deadline, &stop).map_err(end)?.map_err(failed)?;
        let answer = self.inner.request(request).map_err(failed)?;
        wait_for(answer, deadline, &stop).map_err(end)?.map_err(failed)
    }

    /// Sends a request to a server that is known to be there, even while the node ends, and waits
    /// for the answer as long as the node lives.
    pub(crate) fn send(
        &self,
        request: &S::Request,
        timeout: Duration,
    ) -> Result<S::Response, RosError> {
        let failed = |source| RosError::r2r(format!("call '{}'", self.service), source);
        let answer = self.inner.request(request).map_err(failed)?;
        let stop = || self.stop.is_stopped();
        match wait_for(answer, Instant::now() + timeout, &stop) {
            Ok(answer) => answer.map_err(failed),
            Err(Ended::GivenUp) => Err(RosError::Stopped),
            Err(Ended::TimedOut) => Err(RosError::NoAnswer {
                server: self.service.clone(),
                waited_s: timeout.as_secs_f64(),
            }),
        }
    }
}

pub(crate) enum Ended {
    TimedOut,
    GivenUp,
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Drives a future on this thread until it is ready, the deadline passes or `stop` says so.
pub(crate) fn wait_for<F: Future>(
    future: F,
    deadline: Instant,
    stop: &dyn Fn() -> bool,
) -> Result<F::Output, Ended> {
    /// How often `stop` is asked.
    const LOOK_UP: Duration = Duration::from_millis(5);
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Ok(output);
        }
        if stop() {
            return Err(Ended::GivenUp);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Ended::TimedOut);
        }
        std::thread::park_timeout(left.min(LOOK_UP));
    }
}
