use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use r2r::action_msgs::msg::{GoalInfo, GoalStatus, GoalStatusArray};
use r2r::action_msgs::srv::CancelGoal;
use r2r::builtin_interfaces::msg::Time;
use r2r::unique_identifier_msgs::msg::UUID;
use r2r::{QosProfile, WrappedActionTypeSupport};

use crate::clock::Clock;
use crate::error::RosError;
use crate::node::{Node, Publisher};
use crate::rcl::ServiceRequest;

const ACCEPTED: i8 = 1;
const EXECUTING: i8 = 2;
const CANCELING: i8 = 3;
const SUCCEEDED: i8 = 4;
const CANCELED: i8 = 5;
const ABORTED: i8 = 6;

/// How long the result of an ended goal can be asked for.
const RESULT_KEPT: Duration = Duration::from_secs(120);
/// How many ended goals are kept at most.
const RESULTS_KEPT: usize = 64;

struct Goal<A: WrappedActionTypeSupport> {
    status: i8,
    accepted: Time,
    result: Option<A::Result>,
    ended: Option<Instant>,
    waiting: Vec<ServiceRequest<A::GetResult>>,
}

struct Goals<A: WrappedActionTypeSupport> {
    goals: HashMap<[u8; 16], Goal<A>>,
}

struct Shared<A: WrappedActionTypeSupport> {
    goals: Mutex<Goals<A>>,
    status: Publisher<GoalStatusArray>,
    feedback: Publisher<A::FeedbackMessage>,
    clock: Clock,
}

/// One accepted goal: whoever holds it works on it, on any thread, and ends it once. A handle that
/// is dropped without an end aborts its goal, so no client waits for ever.
pub struct GoalHandle<A>
where
    A: WrappedActionTypeSupport<GetResult: 'static> + 'static,
{
    id: [u8; 16],
    shared: Arc<Shared<A>>,
    ended: bool,
}

impl Node {
    /// Serves an action: `on_goal` sees every goal and says whether it is taken; a taken one is
    /// handed to `on_accepted`, and its client hears so when that has returned; `on_cancel` hears that
    /// a client wants a goal cancelled (the handle says so as well). All three run on the thread that
    /// spins and must not wait.
    ///
    /// An action is three services and two topics; serving them ourselves keeps results for a
    /// stated time, answers requests for unknown goals and keeps an idle node asleep.
    pub fn serve_action<A: WrappedActionTypeSupport + 'static>(
        &mut self,
        name: &str,
        clock: Clock,
        mut on_goal: impl FnMut(&A::Goal) -> Result<(), String> + 'static,
        mut on_accepted: impl FnMut(A::Goal, GoalHandle<A>) + 'static,
        mut on_cancel: impl FnMut([u8; 16]) + 'static,
    ) -> Result<(), RosError>
    where
        A::SendGoal: 'static,
        A::GetResult: 'static,
    {
        let status_qos = QosProfile::default().keep_last(1).reliable().transient_local();
        let shared = Arc::new(Shared::<A> {
            goals: Mutex::new(Goals { goals: HashMap::new() }),
            status: self.publisher(&format!("{name}/_action/status"), status_qos)?,
            feedback: self.publisher(&format!("{name}/_action/feedback"), QosProfile::default())?,
            clock,
        });
        shared.publish_status(&shared.lock());

        let ours = shared.clone();
        let action = name.to_owned();
        self.serve::<A::SendGoal>(&format!("{name}/_action/send_goal"), move |mut request| {
            let asked = std::mem::take(&mut request.message);
            let (id, goal) = A::destructure_goal_request_msg(asked);
            let now = to_time(ours.clock.now());
            let verdict = match <[u8; 16]>::try_from(id.uuid.as_slice()) {
                Err(_) => Err("the goal id has not 16 bytes".to_owned()),
                Ok(id) if ours.lock().goals.contains_key(&id) => {
                    Err("a goal with this id was sent before".to_owned())
                }
                Ok(id) => on_goal(&goal).map(|()| id),
            };
            let accepted = verdict.is_ok();
            if let Ok(id) = verdict {
                ours.accept(id, now.clone());
            }
            match verdict {
                Ok(id) => on_accepted(goal, GoalHandle { id, shared: ours.clone(), ended: false }),
                Err(reason) => tracing::warn!(%action, %reason, "goal rejected"),
            }
            request.respond(A::make_goal_response_msg(accepted, now));
        })?;

        let ours = shared.clone();
        self.serve::<CancelGoal::Service>(
            &format!("{name}/_action/cancel_goal"),
            move |request| {
                let (response, canceling) = ours.cancel(&request.message.goal_info);
                request.respond(response);
                for id in canceling {
                    on_cancel(id);
                }
            },
        )?;

        let ours = shared.clone();
        self.serve::<A::GetResult>(&format!("{name}/_action/get_result"), move |request| {
            ours.answer_or_keep(request);
        })?;

        let ours = shared;
        self.every(Duration::from_secs(5), move || ours.forget_old());
        Ok(())
    }
}

impl<A: WrappedActionTypeSupport + 'static> Shared<A>
where
    A::GetResult: 'static,
{
    fn lock(&self) -> MutexGuard<'_, Goals<A>> {
        self.goals.lock().unwrap_or_else(|broken| broken.into_inner())
    }

    fn publish_status(&self, goals: &Goals<A>) {
        let status_list = goals
            .goals
            .iter()
            .map(|(id, goal)| GoalStatus {
                goal_info: GoalInfo {
                    goal_id: UUID { uuid: id.to_vec() },
                    stamp: goal.accepted.clone(),
                },
                status: goal.status,
            })
            .collect();
        self.status.publish(&GoalStatusArray { status_list });
    }

    fn accept(&self, id: [u8; 16], accepted: Time) {
        let mut goals = self.lock();
        let goal =
            Goal { status: ACCEPTED, accepted, result: None, ended: None, waiting: Vec::new() };
        goals.goals.insert(id, goal);
        self.publish_status(&goals);
    }

    fn set_status(&self, id: &[u8; 16], status: i8) {
        let mut goals = self.lock();
        if let Some(goal) = goals.goals.get_mut(id)
            && goal.status < SUCCEEDED
            && goal.status != CANCELING
        {
            goal.status = status;
            self.publish_status(&goals);
        }
    }

    /// Which goals a request means: this one, all, or all up to a time (action_msgs/CancelGoal).
    fn cancel(&self, info: &GoalInfo) -> (CancelGoal::Response, Vec<[u8; 16]>) {
        let mut goals = self.lock();
        let asked = <[u8; 16]>::try_from(info.goal_id.uuid.as_slice()).unwrap_or([0; 16]);
        let any_id = asked == [0; 16];
        let stamp = (info.stamp.sec, info.stamp.nanosec);
        let any_time = stamp == (0, 0);

        let mut canceling = Vec::new();
        let mut goals_canceling = Vec::new();
        for (id, goal) in &mut goals.goals {
            let earlier = !any_time && (goal.accepted.sec, goal.accepted.nanosec) <= stamp;
            let meant = *id == asked || (any_id && any_time) || earlier;
            if meant && (goal.status == ACCEPTED || goal.status == EXECUTING) {
                goal.status = CANCELING;
                canceling.push(*id);
                goals_canceling.push(GoalInfo {
                    goal_id: UUID { uuid: id.to_vec() },
                    stamp: goal.accepted.clone(),
                });
            }
        }
        const ERROR_NONE: i8 = 0;
        const ERROR_REJECTED: i8 = 1;
        const ERROR_UNKNOWN_GOAL_ID: i8 = 2;
        const ERROR_GOAL_TERMINATED: i8 = 3;
        let return_code = if !canceling.is_empty() {
            ERROR_NONE
        } else if any_id {
            ERROR_REJECTED
        } else {
            match goals.goals.get(&asked) {
                None => ERROR_UNKNOWN_GOAL_ID,
                Some(goal) if goal.status >= SUCCEEDED => ERROR_GOAL_TERMINATED,
                Some(_) => ERROR_REJECTED,
            }
        };
        if !canceling.is_empty() {
            self.publish_status(&goals);
        }
        (CancelGoal::Response { return_code, goals_canceling }, canceling)
    }

    fn answer_or_keep(&self, request: ServiceRequest<A::GetResult>) {
        const UNKNOWN: i8 = 0;
        let id = A::destructure_result_request_msg(request.message.clone());
        let mut goals = self.lock();
        let goal =
            <[u8; 16]>::try_from(id.uuid.as_slice()).ok().and_then(|id| goals.goals.get_mut(&id));
        let answer = match goal {
            None => A::make_result_response_msg(UNKNOWN, A::Result::default()),
            Some(Goal { result: Some(result), status, .. }) => {
                A::make_result_response_msg(*status, result.clone())
            }
            Some(goal) => {
                goal.waiting.push(request);
                return;
            }
        };
        drop(goals);
        request.respond(answer);
    }

    fn end(&self, id: &[u8; 16], status: i8, result: A::Result) {
        let mut goals = self.lock();
        let Some(goal) = goals.goals.get_mut(id) else { return };
        goal.status = status;
        goal.ended = Some(Instant::now());
        for request in goal.waiting.drain(..) {
            let answer = A::make_result_response_msg(status, result.clone());
            request.respond(answer);
        }
        goal.result = Some(result);
        self.publish_status(&goals);
    }

    fn forget_old(&self) {
        let mut goals = self.lock();
        let before = goals.goals.len();
        goals.goals.retain(|_, goal| goal.ended.is_none_or(|ended| ended.elapsed() < RESULT_KEPT));
        let mut ended: Vec<_> =
            goals.goals.iter().filter_map(|(id, goal)| Some((goal.ended?, *id))).collect();
        ended.sort_unstable();
        let surplus = ended.len().saturating_sub(RESULTS_KEPT);
        for (_, id) in ended.into_iter().take(surplus) {
            goals.goals.remove(&id);
        }
        if goals.goals.len() != before {
            self.publish_status(&goals);
        }
    }
}

impl<A: WrappedActionTypeSupport<GetResult: 'static> + 'static> GoalHandle<A> {
    /// The goal's id.
    pub fn id(&self) -> [u8; 16] {
        self.id
    }

    /// Says that work on the goal has begun.
    pub fn execute(&self) {
        self.shared.set_status(&self.id, EXECUTING);
    }

    /// Whether a client wants the goal cancelled.
    pub fn is_canceling(&self) -> bool {
        self.shared.lock().goals.get(&self.id).is_some_and(|goal| goal.status == CANCELING)
    }

    /// Tells clients how far the goal is.
    pub fn feedback(&self, feedback: A::Feedback) {
        let id = UUID { uuid: self.id.to_vec() };
        self.shared.feedback.publish(&A::make_feedback_msg(id, feedback));
    }

    /// The goal is reached.
    pub fn succeed(self, result: A::Result) {
        self.end(SUCCEEDED, result);
    }

    /// The goal was cancelled, and what it moved stands still.
    pub fn canceled(self, result: A::Result) {
        self.end(CANCELED, result);
    }

    /// The goal was given up.
    pub fn abort(self, result: A::Result) {
        self.end(ABORTED, result);
    }

    fn end(mut self, status: i8, result: A::Result) {
        self.ended = true;
        self.shared.end(&self.id, status, result);
    }
}

impl<A: WrappedActionTypeSupport<GetResult: 'static> + 'static> Drop for GoalHandle<A> {
    fn drop(&mut self) {
        if !self.ended {
            self.shared.end(&self.id, ABORTED, A::Result::default());
        }
    }
}

fn to_time(stamp: praxis_geometry::Stamp) -> Time {
    Time {
        sec: stamp.nanoseconds.div_euclid(1_000_000_000) as i32,
        nanosec: stamp.nanoseconds.rem_euclid(1_000_000_000) as u32,
    }
}
