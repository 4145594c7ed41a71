use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard};

use r2r::{NativeMsg, QosProfile, WrappedServiceTypeSupport, WrappedTypesupport};
use r2r_rcl::{
    RCL_RET_OK, RCL_RET_SERVICE_TAKE_FAILED, rcl_get_zero_initialized_service, rcl_send_response,
    rcl_service_fini, rcl_service_get_default_options, rcl_service_init,
    rcl_service_set_on_new_request_callback, rcl_service_t, rcl_take_request, rmw_request_id_t,
};

use super::bell::{Pending, arrived};
use super::node_handle::{NodeHandle, c_string, check, tell_unless_ok};
use super::{MOST_AT_ONCE, Owned, Reader};
use crate::error::RosError;

/// A service's handle; requests that are still unanswered hold it too.
struct Handle {
    node: Arc<NodeHandle>,
    name: String,
    service: Mutex<Option<Owned<rcl_service_t>>>,
    pending: Arc<Pending>,
}

/// One request: whoever holds it answers, on any thread.
pub struct ServiceRequest<S: WrappedServiceTypeSupport> {
    /// What is asked for.
    pub message: S::Request,
    id: rmw_request_id_t,
    handle: Arc<Handle>,
    answers: PhantomData<fn(S::Response)>,
}

impl<S: WrappedServiceTypeSupport<Response: 'static>> ServiceRequest<S> {
    /// Sends the answer; a failure is logged once here, for nobody upstream could do anything about
    /// it.
    pub fn respond(self, response: S::Response) {
        let name = self.handle.name.clone();
        if let Err(error) = self.try_respond(response) {
            tracing::warn!(service = %name, %error, "a service answer was not sent");
        }
    }

    fn try_respond(mut self, response: S::Response) -> Result<(), RosError> {
        let native = NativeMsg::<S::Response>::from(&response);
        let service = self.handle.lock();
        let service = service.as_ref().ok_or(RosError::Closed)?;
        // SAFETY: the service is locked, and the message is its response type.
        let returned = unsafe { rcl_send_response(&*service.0, &mut self.id, native.msg.cast()) };
        check(returned, || format!("answer a request to '{}'", self.handle.name))
    }
}

impl Handle {
    fn lock(&self) -> MutexGuard<'_, Option<Owned<rcl_service_t>>> {
        self.service.lock().unwrap_or_else(|broken| broken.into_inner())
    }
}

/// Hands every request of one service to a callback.
pub(crate) struct RawService<S: WrappedServiceTypeSupport, F> {
    handle: Arc<Handle>,
    callback: F,
    serves: PhantomData<fn(S)>,
}

impl<S, F> RawService<S, F>
where
    S: WrappedServiceTypeSupport,
    F: FnMut(ServiceRequest<S>),
{
    pub(crate) fn create(
        node: &Arc<NodeHandle>,
        name: &str,
        pending: Arc<Pending>,
        callback: F,
    ) -> Result<Self, RosError> {
        let what = || format!("serve '{name}'");
        let c_name = c_string(name, &what)?;
        // SAFETY: rcl fills a zero-initialised service; all arguments live through the calls.
        unsafe {
            let mut service = Box::new(rcl_get_zero_initialized_service());
            let mut options = rcl_service_get_default_options();
            options.qos = QosProfile::services_default().into();
            let returned = rcl_service_init(
                &mut *service,
                &*node.lock().0,
                S::get_ts(),
                c_name.as_ptr(),
                &options,
            );
            check(returned, what)?;
            let user_data = pending.as_user_data();
            let handle = Arc::new(Handle {
                node: node.clone(),
                name: name.to_owned(),
                service: Mutex::new(None),
                pending,
            });
            let returned =
                rcl_service_set_on_new_request_callback(&*service, Some(arrived), user_data);
            *handle.lock() = Some(Owned(service));
            let made = Self { handle, callback, serves: PhantomData };
            check(returned, what)?;
            Ok(made)
        }
    }

    /// The next request that has arrived. Without a lock while the callback runs: it may answer.
    fn next(&self) -> Option<ServiceRequest<S>>
    where
        S::Request: 'static,
    {
        let service = self.handle.lock();
        let service = service.as_ref()?;
        let mut id = rmw_request_id_t { writer_guid: [0; 16], sequence_number: 0 };
        let native = NativeMsg::<S::Request>::new();
        // SAFETY: the service is locked, and the message is its request type.
        let returned = unsafe { rcl_take_request(&*service.0, &mut id, native.msg.cast()) };
        if returned != RCL_RET_OK as i32 {
            if returned != RCL_RET_SERVICE_TAKE_FAILED as i32 {
                tell_unless_ok(returned, &format!("take a request of '{}'", self.handle.name));
            }
            return None;
        }
        Some(ServiceRequest {
            message: S::Request::from_native(&native),
            id,
            handle: self.handle.clone(),
            answers: PhantomData,
        })
    }
}

impl<S, F> Reader for RawService<S, F>
where
    S: WrappedServiceTypeSupport<Request: 'static>,
    F: FnMut(ServiceRequest<S>),
{
    fn serve(&mut self) {
        for _ in 0..MOST_AT_ONCE {
            let Some(request) = self.next() else { return };
            (self.callback)(request);
        }
        self.handle.pending.again();
    }

    fn pending(&self) -> &Pending {
        &self.handle.pending
    }
}

impl<S: WrappedServiceTypeSupport, F> Drop for RawService<S, F> {
    fn drop(&mut self) {
        let Some(mut service) = self.handle.lock().take() else { return };
        // SAFETY: the service was created on this node, and nobody uses it: it is taken.
        unsafe {
            let service = &mut *service.0;
            let returned = rcl_service_fini(service, &mut *self.handle.node.lock().0);
            tell_unless_ok(returned, "finalise a service");
        }
    }
}
