use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use r2r::WrappedServiceTypeSupport;

use crate::error::RosError;
use crate::node::StopFlag;
use crate::rcl::{Answer, RawClient};

/// How often a thread that waits looks up: has the server come, shall it give up?
const LOOK_UP: Duration = Duration::from_millis(5);

/// Calls one service; the calling thread waits.
pub struct Client<S: WrappedServiceTypeSupport> {
    inner: Arc<RawClient<S>>,
    service: String,
    stop: StopFlag,
}

impl<S: WrappedServiceTypeSupport> Clone for Client<S> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), service: self.service.clone(), stop: self.stop.clone() }
    }
}

impl<S> Client<S>
where
    S: WrappedServiceTypeSupport<Request: 'static, Response: 'static>,
{
    pub(crate) fn new(inner: Arc<RawClient<S>>, service: String, stop: StopFlag) -> Self {
        Self { inner, service, stop }
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
        self.begin_unless(request, timeout, give_up)?.answer_unless(give_up)
    }

    /// Waits for the server and sends it a request; the wait for the answer is left to whoever takes
    /// what comes back, maybe on another thread. The time for both begins now.
    pub(crate) fn begin_unless(
        &self,
        request: &S::Request,
        timeout: Duration,
        give_up: &dyn Fn() -> bool,
    ) -> Result<Asked<'_, S>, RosError> {
        let wait = Wait::new(timeout, &self.service);
        while !self.inner.is_available()? {
            std::thread::sleep(wait.step(&|| self.stop.is_stopped() || give_up())?);
        }
        Ok(Asked { client: self, answer: self.inner.request(request)?, wait })
    }

    /// Sends a request to a server that is known to be there, even while the node ends, and waits
    /// for the answer as long as the node lives.
    pub(crate) fn send(
        &self,
        request: &S::Request,
        timeout: Duration,
    ) -> Result<S::Response, RosError> {
        let answer = self.inner.request(request)?;
        let wait = Wait::new(timeout, &self.service);
        Asked { client: self, answer, wait }.answer_unless(&|| false)
    }
}

/// A request that has been sent.
#[must_use = "nobody waits for the answer"]
pub(crate) struct Asked<'a, S: WrappedServiceTypeSupport> {
    client: &'a Client<S>,
    answer: Answer<S::Response>,
    wait: Wait<'a>,
}

impl<S> Asked<'_, S>
where
    S: WrappedServiceTypeSupport<Request: 'static, Response: 'static>,
{
    /// Waits for the answer; gives up as soon as `give_up` says so.
    pub(crate) fn answer_unless(self, give_up: &dyn Fn() -> bool) -> Result<S::Response, RosError> {
        let Self { client, answer, wait } = self;
        let stop = || client.stop.is_stopped() || give_up();
        loop {
            let step = match wait.step(&stop) {
                Ok(step) => step,
                Err(ended) => {
                    client.inner.forget(answer.number);
                    return Err(ended);
                }
            };
            match answer.receiver.recv_timeout(step) {
                Ok(response) => return Ok(response),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(RosError::Closed),
            }
        }
    }
}

/// A wait with an end.
struct Wait<'a> {
    server: &'a str,
    timeout: Duration,
    deadline: Instant,
}

impl<'a> Wait<'a> {
    fn new(timeout: Duration, server: &'a str) -> Self {
        Self { server, timeout, deadline: Instant::now() + timeout }
    }

    /// How long to wait before looking up again; an error once the wait is over.
    fn step(&self, stop: &dyn Fn() -> bool) -> Result<Duration, RosError> {
        if stop() {
            return Err(RosError::Stopped);
        }
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let waited_s = self.timeout.as_secs_f64();
            return Err(RosError::NoAnswer { server: self.server.to_owned(), waited_s });
        }
        Ok(left.min(LOOK_UP))
    }
}
