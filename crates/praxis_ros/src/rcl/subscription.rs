use std::sync::Arc;

use r2r::{NativeMsg, QosProfile, WrappedTypesupport};
use r2r_rcl::{
    RCL_RET_OK, RCL_RET_SUBSCRIPTION_TAKE_FAILED, rcl_get_zero_initialized_subscription,
    rcl_subscription_fini, rcl_subscription_get_default_options, rcl_subscription_init,
    rcl_subscription_set_on_new_message_callback, rcl_subscription_t, rcl_take,
};

use super::bell::{Pending, arrived};
use super::node_handle::{NodeHandle, c_string, check, tell_unless_ok};
use super::{MOST_AT_ONCE, Owned, Reader};
use crate::error::RosError;

/// Hands every message of one topic to a callback, in order.
pub(crate) struct RawSubscription<T: WrappedTypesupport, F> {
    node: Arc<NodeHandle>,
    subscription: Owned<rcl_subscription_t>,
    pending: Arc<Pending>,
    topic: String,
    /// Reused, so that a message of known size needs no new memory.
    message: NativeMsg<T>,
    callback: F,
}

impl<T: WrappedTypesupport + 'static, F: FnMut(&NativeMsg<T>)> RawSubscription<T, F> {
    pub(crate) fn create(
        node: &Arc<NodeHandle>,
        topic: &str,
        qos: QosProfile,
        pending: Arc<Pending>,
        callback: F,
    ) -> Result<Self, RosError> {
        let what = || format!("subscribe to '{topic}'");
        let c_topic = c_string(topic, &what)?;
        // SAFETY: rcl fills a zero-initialised subscription; all arguments live through the calls.
        unsafe {
            let mut subscription = Box::new(rcl_get_zero_initialized_subscription());
            let mut options = rcl_subscription_get_default_options();
            options.qos = qos.into();
            let returned = rcl_subscription_init(
                &mut *subscription,
                &*node.lock().0,
                T::get_ts(),
                c_topic.as_ptr(),
                &options,
            );
            check(returned, what)?;
            let made = Self {
                node: node.clone(),
                subscription: Owned(subscription),
                pending,
                topic: topic.to_owned(),
                message: NativeMsg::new(),
                callback,
            };
            let returned = rcl_subscription_set_on_new_message_callback(
                &*made.subscription.0,
                Some(arrived),
                made.pending.as_user_data(),
            );
            check(returned, what)?;
            Ok(made)
        }
    }
}

impl<T: WrappedTypesupport + 'static, F: FnMut(&NativeMsg<T>)> Reader for RawSubscription<T, F> {
    fn serve(&mut self) {
        for _ in 0..MOST_AT_ONCE {
            // SAFETY: only the thread that spins takes, and the message has the topic's type.
            let returned = unsafe {
                rcl_take(
                    &*self.subscription.0,
                    self.message.msg.cast(),
                    std::ptr::null_mut(),
                    std::ptr::null_mut(),
                )
            };
            if returned == RCL_RET_SUBSCRIPTION_TAKE_FAILED as i32 {
                return;
            }
            if returned != RCL_RET_OK as i32 {
                tell_unless_ok(returned, &format!("take from '{}'", self.topic));
                return;
            }
            (self.callback)(&self.message);
        }
        self.pending.again();
    }

    fn pending(&self) -> &Pending {
        &self.pending
    }
}

impl<T: WrappedTypesupport, F> Drop for RawSubscription<T, F> {
    fn drop(&mut self) {
        // SAFETY: the subscription was created on this node. The callback is not taken away first: the
        // reader ends with its listener, and the flag lives on.
        unsafe {
            let subscription = &mut *self.subscription.0;
            let returned = rcl_subscription_fini(subscription, &mut *self.node.lock().0);
            tell_unless_ok(returned, "finalise a subscription");
        }
    }
}
