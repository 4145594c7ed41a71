use std::sync::{Arc, RwLock, RwLockReadGuard};

use r2r::{NativeMsg, QosProfile, WrappedTypesupport};
use r2r_rcl::{
    rcl_get_zero_initialized_publisher, rcl_publish, rcl_publisher_fini,
    rcl_publisher_get_default_options, rcl_publisher_get_subscription_count, rcl_publisher_init,
    rcl_publisher_t,
};

use super::Owned;
use super::node_handle::{NodeHandle, c_string, check, tell_unless_ok};
use crate::error::RosError;

/// Publishes on one topic until it is closed, from any thread.
pub(crate) struct RawPublisher {
    node: Arc<NodeHandle>,
    publisher: RwLock<Option<Owned<rcl_publisher_t>>>,
}

impl RawPublisher {
    pub(crate) fn create<T: WrappedTypesupport>(
        node: &Arc<NodeHandle>,
        topic: &str,
        qos: QosProfile,
    ) -> Result<Self, RosError> {
        let what = || format!("publish '{topic}'");
        let c_topic = c_string(topic, &what)?;
        // SAFETY: rcl fills a zero-initialised publisher; all arguments live through the call.
        unsafe {
            let mut publisher = Box::new(rcl_get_zero_initialized_publisher());
            let mut options = rcl_publisher_get_default_options();
            options.qos = qos.into();
            let returned = rcl_publisher_init(
                &mut *publisher,
                &*node.lock().0,
                T::get_ts(),
                c_topic.as_ptr(),
                &options,
            );
            check(returned, what)?;
            Ok(Self { node: node.clone(), publisher: RwLock::new(Some(Owned(publisher))) })
        }
    }

    /// Publishes; `T` is the type that the publisher was created with.
    pub(crate) fn publish<T: WrappedTypesupport + 'static>(
        &self,
        message: &T,
    ) -> Result<(), RosError> {
        let native = NativeMsg::<T>::from(message);
        let publisher = self.read();
        let publisher = publisher.as_ref().ok_or(RosError::Closed)?;
        // SAFETY: rcl documents `rcl_publish` as thread-safe; the message has the publisher's type.
        let returned =
            unsafe { rcl_publish(&*publisher.0, native.msg.cast(), std::ptr::null_mut()) };
        check(returned, || "publish".to_owned())
    }

    /// How many subscriptions are matched; 0 once closed.
    pub(crate) fn subscribers(&self) -> usize {
        let publisher = self.read();
        let Some(publisher) = publisher.as_ref() else { return 0 };
        let mut count = 0;
        // SAFETY: rcl documents the call as thread-safe.
        let returned = unsafe { rcl_publisher_get_subscription_count(&*publisher.0, &mut count) };
        check(returned, || "count subscriptions".to_owned()).map_or(0, |()| count)
    }

    /// Ends it, for everyone who holds it.
    pub(crate) fn close(&self) {
        let mut publisher = self.publisher.write().unwrap_or_else(|broken| broken.into_inner());
        if let Some(mut publisher) = publisher.take() {
            // SAFETY: the publisher was created on this node, and nobody uses it: it is taken.
            let returned =
                unsafe { rcl_publisher_fini(&mut *publisher.0, &mut *self.node.lock().0) };
            tell_unless_ok(returned, "finalise a publisher");
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Option<Owned<rcl_publisher_t>>> {
        self.publisher.read().unwrap_or_else(|broken| broken.into_inner())
    }
}

impl Drop for RawPublisher {
    fn drop(&mut self) {
        self.close();
    }
}
