use std::collections::HashMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard};

use r2r::{NativeMsg, QosProfile, WrappedServiceTypeSupport, WrappedTypesupport};
use r2r_rcl::{
    RCL_RET_CLIENT_TAKE_FAILED, RCL_RET_OK, rcl_client_fini, rcl_client_get_default_options,
    rcl_client_init, rcl_client_set_on_new_response_callback, rcl_client_t,
    rcl_get_zero_initialized_client, rcl_send_request, rcl_service_server_is_available,
    rcl_take_response, rmw_request_id_t,
};

use super::bell::{Pending, arrived};
use super::node_handle::{NodeHandle, c_string, check, tell_unless_ok};
use super::{MOST_AT_ONCE, Owned, Reader};
use crate::error::RosError;

/// Calls one service from any thread; the thread that spins takes the answers.
pub(crate) struct RawClient<S: WrappedServiceTypeSupport> {
    node: Arc<NodeHandle>,
    name: String,
    pending: Arc<Pending>,
    open: Mutex<Option<Open<S>>>,
}

/// The handle and who waits for which answer.
struct Open<S: WrappedServiceTypeSupport> {
    client: Owned<rcl_client_t>,
    waiting: HashMap<i64, SyncSender<S::Response>>,
}

/// An answer on its way.
pub(crate) struct Answer<R> {
    pub(crate) number: i64,
    pub(crate) receiver: Receiver<R>,
}

impl<S> RawClient<S>
where
    S: WrappedServiceTypeSupport<Request: 'static, Response: 'static>,
{
    pub(crate) fn create(
        node: &Arc<NodeHandle>,
        name: &str,
        pending: Arc<Pending>,
    ) -> Result<Arc<Self>, RosError> {
        let what = || format!("call '{name}'");
        let c_name = c_string(name, &what)?;
        // SAFETY: rcl fills a zero-initialised client; all arguments live through the calls.
        unsafe {
            let mut client = Box::new(rcl_get_zero_initialized_client());
            let mut options = rcl_client_get_default_options();
            options.qos = QosProfile::services_default().into();
            let returned = rcl_client_init(
                &mut *client,
                &*node.lock().0,
                S::get_ts(),
                c_name.as_ptr(),
                &options,
            );
            check(returned, what)?;
            let returned = rcl_client_set_on_new_response_callback(
                &*client,
                Some(arrived),
                pending.as_user_data(),
            );
            let open = Open { client: Owned(client), waiting: HashMap::new() };
            let made = Self {
                node: node.clone(),
                name: name.to_owned(),
                pending,
                open: Mutex::new(Some(open)),
            };
            check(returned, what)?;
            Ok(Arc::new(made))
        }
    }

    /// Whether a server is there.
    pub(crate) fn is_available(&self) -> Result<bool, RosError> {
        let open = self.lock();
        let open = open.as_ref().ok_or(RosError::Closed)?;
        let mut available = false;
        // SAFETY: node and client are locked.
        let returned = unsafe {
            let node = self.node.lock();
            rcl_service_server_is_available(&*node.0, &*open.client.0, &mut available)
        };
        check(returned, || format!("look for the server of '{}'", self.name))?;
        Ok(available)
    }

    /// Sends a request; the answer comes through the receiver.
    pub(crate) fn request(&self, request: &S::Request) -> Result<Answer<S::Response>, RosError> {
        let native = NativeMsg::<S::Request>::from(request);
        let mut open = self.lock();
        let open = open.as_mut().ok_or(RosError::Closed)?;
        let mut number = 0;
        // SAFETY: the client is locked, and the message is its request type.
        let returned = unsafe { rcl_send_request(&*open.client.0, native.msg.cast(), &mut number) };
        check(returned, || format!("call '{}'", self.name))?;
        let (sender, receiver) = sync_channel(1);
        open.waiting.insert(number, sender);
        Ok(Answer { number, receiver })
    }

    /// Nobody waits for this answer any more.
    pub(crate) fn forget(&self, number: i64) {
        if let Some(open) = self.lock().as_mut() {
            open.waiting.remove(&number);
        }
    }

    /// Takes one answer; `None` when there is no more.
    fn take(&self) -> Option<()> {
        let mut open = self.lock();
        let open = open.as_mut()?;
        let mut id = rmw_request_id_t { writer_guid: [0; 16], sequence_number: 0 };
        let native = NativeMsg::<S::Response>::new();
        // SAFETY: the client is locked, and the message is its response type.
        let returned = unsafe { rcl_take_response(&*open.client.0, &mut id, native.msg.cast()) };
        if returned != RCL_RET_OK as i32 {
            if returned != RCL_RET_CLIENT_TAKE_FAILED as i32 {
                tell_unless_ok(returned, &format!("take an answer of '{}'", self.name));
            }
            return None;
        }
        // An answer that nobody waits for any more comes too late and is dropped.
        if let Some(sender) = open.waiting.remove(&id.sequence_number) {
            let _ = sender.send(S::Response::from_native(&native));
        }
        Some(())
    }
}

impl<S: WrappedServiceTypeSupport> RawClient<S> {
    fn lock(&self) -> MutexGuard<'_, Option<Open<S>>> {
        self.open.lock().unwrap_or_else(|broken| broken.into_inner())
    }

    /// Ends it, for everyone who holds it; who waits for an answer gets none.
    pub(crate) fn close(&self) {
        let Some(mut open) = self.lock().take() else { return };
        // SAFETY: the client was created on this node, and nobody uses it: it is taken.
        unsafe {
            let client = &mut *open.client.0;
            let returned = rcl_client_fini(client, &mut *self.node.lock().0);
            tell_unless_ok(returned, "finalise a client");
        }
    }
}

impl<S: WrappedServiceTypeSupport> Drop for RawClient<S> {
    fn drop(&mut self) {
        self.close();
    }
}

/// The thread that spins holds a client through this.
impl<S> Reader for Arc<RawClient<S>>
where
    S: WrappedServiceTypeSupport<Request: 'static, Response: 'static>,
{
    fn serve(&mut self) {
        for _ in 0..MOST_AT_ONCE {
            if self.take().is_none() {
                return;
            }
        }
        self.pending.again();
    }

    fn pending(&self) -> &Pending {
        &self.pending
    }
}
