use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use r2r::action_msgs::msg::GoalInfo;
use r2r::action_msgs::srv::CancelGoal;
use r2r::unique_identifier_msgs::msg::UUID;
use r2r::{WrappedActionTypeSupport, WrappedServiceTypeSupport};

use crate::client::{Asked, Client};
use crate::error::RosError;
use crate::node::Node;

/// How a goal ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoalEnd {
    /// The goal was reached.
    Succeeded,
    /// The goal was cancelled.
    Canceled,
    /// The server gave the goal up.
    Aborted,
    /// The server does not know the goal: it was restarted since.
    Unknown,
}

/// Sends goals to one action server; the calling thread waits.
pub struct ActionClient<A: WrappedActionTypeSupport> {
    name: String,
    send_goal: Client<A::SendGoal>,
    get_result: Client<A::GetResult>,
    cancel_goal: Client<CancelGoal::Service>,
}

impl<A: WrappedActionTypeSupport> Clone for ActionClient<A> {
    fn clone(&self) -> Self {
        Self {
            name: self.name.clone(),
            send_goal: self.send_goal.clone(),
            get_result: self.get_result.clone(),
            cancel_goal: self.cancel_goal.clone(),
        }
    }
}

impl Node {
    /// A client of an action.
    pub fn action_client<A: WrappedActionTypeSupport + 'static>(
        &mut self,
        name: &str,
    ) -> Result<ActionClient<A>, RosError>
    where
        A::SendGoal: 'static,
        A::GetResult: 'static,
    {
        Ok(ActionClient {
            name: name.to_owned(),
            send_goal: self.client(&format!("{name}/_action/send_goal"))?,
            get_result: self.client(&format!("{name}/_action/get_result"))?,
            cancel_goal: self.client(&format!("{name}/_action/cancel_goal"))?,
        })
    }
}

impl<A: WrappedActionTypeSupport + 'static> ActionClient<A>
where
    A::SendGoal: 'static,
    A::GetResult: 'static,
{
    /// Sends a goal and waits for its end. Once `cancel` says so the goal is cancelled, and the
    /// result of the cancelled goal is waited for.
    ///
    /// `answer_within` bounds the wait for the server and its acceptance; `end_within` the wait for
    /// the end, after which the goal is cancelled as well.
    pub fn run(
        &self,
        goal: A::Goal,
        answer_within: Duration,
        end_within: Duration,
        cancel: &dyn Fn() -> bool,
    ) -> Result<(GoalEnd, A::Result), RosError> {
        self.begin(goal, answer_within, cancel)?.run(end_within, cancel, &|| ())
    }

    /// Waits for the server and sends it a goal; all other waits are left to whoever takes what comes
    /// back, maybe on another thread.
    pub fn begin(
        &self,
        goal: A::Goal,
        answer_within: Duration,
        cancel: &dyn Fn() -> bool,
    ) -> Result<Begun<'_, A>, RosError> {
        let id = UUID { uuid: fresh_uuid().to_vec() };
        let request = A::make_goal_request_msg(id.clone(), goal);
        let asked = self.send_goal.begin_unless(&request, answer_within, cancel)?;
        Ok(Begun { client: self, id, asked })
    }

    /// Waits for the end of an accepted goal.
    fn end(
        &self,
        id: &UUID,
        end_within: Duration,
        cancel: &dyn Fn() -> bool,
    ) -> Result<(GoalEnd, A::Result), RosError> {
        let request = A::make_result_request_msg(id.clone());
        let started = Instant::now();
        let answer = match self.result(&request, started + end_within, cancel) {
            Err(RosError::Stopped | RosError::NoAnswer { .. }) => {
                self.cancel(id)?;
                let left = Duration::from_secs(5);
                self.get_result.call(&request, left).map_err(|_| RosError::NoAnswer {
                    server: self.name.clone(),
                    waited_s: started.elapsed().as_secs_f64(),
                })?
            }
            other => other?,
        };
        let (status, result) = A::destructure_result_response_msg(answer);
        let end = match status {
            4 => GoalEnd::Succeeded,
            5 => GoalEnd::Canceled,
            6 => GoalEnd::Aborted,
            _ => GoalEnd::Unknown,
        };
        Ok((end, result))
    }

    /// Waits for the result of a goal. The request is repeated: a server that was started again has
    /// never heard of the first one, and says that it does not know the goal.
    fn result(
        &self,
        request: &<A::GetResult as WrappedServiceTypeSupport>::Request,
        deadline: Instant,
        cancel: &dyn Fn() -> bool,
    ) -> Result<<A::GetResult as WrappedServiceTypeSupport>::Response, RosError> {
        const REPEAT_AFTER: Duration = Duration::from_secs(2);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.get_result.call_unless(request, left.min(REPEAT_AFTER), cancel) {
                Err(RosError::NoAnswer { .. }) if left > REPEAT_AFTER => {}
                answer => return answer,
            }
        }
    }

    /// Sends the cancel first and looks at the stop flag after: a node that ends takes its goals
    /// back.
    fn cancel(&self, id: &UUID) -> Result<(), RosError> {
        let goal_info = GoalInfo { goal_id: id.clone(), ..GoalInfo::default() };
        let request = CancelGoal::Request { goal_info };
        self.cancel_goal.send(&request, Duration::from_secs(2)).map(|_| ())
    }
}

/// A goal that has been sent.
#[must_use = "nobody waits for the goal"]
pub struct Begun<'a, A: WrappedActionTypeSupport> {
    client: &'a ActionClient<A>,
    id: UUID,
    asked: Asked<'a, A::SendGoal>,
}

impl<A: WrappedActionTypeSupport + 'static> Begun<'_, A>
where
    A::SendGoal: 'static,
    A::GetResult: 'static,
{
    /// Waits for the goal's end, as [`ActionClient::run`] does, and calls `accepted` when the server
    /// has accepted it.
    pub fn run(
        self,
        end_within: Duration,
        cancel: &dyn Fn() -> bool,
        accepted: &dyn Fn(),
    ) -> Result<(GoalEnd, A::Result), RosError> {
        let Self { client, id, asked } = self;
        let answer = asked.answer_unless(cancel).inspect_err(|_| {
            // The goal may be on its way or taken: nobody would wait for it, so it must not run.
            if let Err(error) = client.cancel(&id) {
                tracing::debug!(action = %client.name, %error, "cancel of an unanswered goal");
            }
        })?;
        let (is_accepted, _) = A::destructure_goal_response_msg(answer);
        if !is_accepted {
            return Err(RosError::Rejected { server: client.name.clone() });
        }
        accepted();
        client.end(&id, end_within, cancel)
    }
}

/// Unique by time, process and count; not a secret.
fn fresh_uuid() -> [u8; 16] {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let low = (u64::from(std::process::id()) << 32) | COUNT.fetch_add(1, Ordering::Relaxed);
    let mut id = [0; 16];
    id[..8].copy_from_slice(&(since_epoch.as_nanos() as u64).to_be_bytes());
    id[8..].copy_from_slice(&low.to_be_bytes());
    id[6] = (id[6] & 0x0f) | 0x40;
    id[8] = (id[8] & 0x3f) | 0x80;
    id
}
